import { describe, expect, test } from "vitest";
import type { GuardrailPartsFragment } from "../../generated/graphql";
import { differences, draftOf, EMPTY, inputOf, SETTINGS } from "./settings";
import { shifted } from "../../parts/decimals";

describe("a point is moved exactly", () => {
  test.each([
    ["10", -2, "0.1"], ["7.5", -2, "0.075"], ["0.1", 2, "10"], ["0.10", 2, "10"], ["0.0001", 2, "0.01"], ["100", -2, "1"],
    [".5", 2, "50"], ["-5", -2, "-0.05"], ["0", -2, "0"], ["10.00", 0, "10"], ["many", 2, "many"],
  ])("%s by %d is %s", (text, places, moved) => expect(shifted(text, places)).toBe(moved));
});

const SET = {
  id: "g", version: 3, automationPaused: false, currency: "USD", scope: { kind: "WORKSPACE" },
  thresholds: { maxChangeShare: "0.10", maxIncrease: { amount: "50.00", currency: "USD" }, minHistoryDays: 7, respectsLearning: true, activeHours: { start: 22, end: 6 } },
  limits: { maxDailyBudget: { amount: "1000.00", currency: "USD" }, allowedPlatforms: null, deniedPlatforms: ["META"], changesDenied: false },
} as unknown as GuardrailPartsFragment;

test("what is set goes into the form and comes out again as it was", () => {
  const { change, wrong } = inputOf(draftOf(SET), {});
  expect(wrong).toEqual({});
  expect(change).toEqual({
    thresholds: { maxChangeShare: "0.1", maxIncrease: "50", minHistoryDays: 7, respectsLearning: true, activeHours: { start: 22, end: 6 } },
    limits: { maxDailyBudget: "1000", allowedPlatforms: null, deniedPlatforms: ["META"], changesDenied: false },
    automationPaused: false,
  });
});

test("what is no number is told by its setting, and half of an interval too", () => {
  const { wrong } = inputOf({ ...EMPTY, typed: { maxIncrease: "a lot", minHistoryDays: "1.5" }, from: "8" }, {});
  expect(wrong).toEqual({ maxIncrease: "a number, please", minHistoryDays: "a whole number, please", activeHours: "both hours, or none" });
});

test("a campaign has no sums over accounts and no platforms", () => {
  const typed = { maxAccountChange: "5", maxDailyBudget: "7" };
  const { change } = inputOf({ ...EMPTY, typed, deniedPlatforms: ["META"] }, { campaignId: "c" });
  expect(change.limits).toEqual({ maxDailyBudget: "7", changesDenied: false });
});

test("differences name what somebody else set", () => {
  const mine = draftOf(SET);
  expect(differences(mine, mine)).toEqual([]);
  expect(differences(mine, { ...mine, typed: { ...mine.typed, minRoas: "3" }, automationPaused: true })).toEqual(["minRoas", "automationPaused"]);
});

test("each setting has a name of its own", () => expect(new Set(SETTINGS.map((each) => each.name)).size).toBe(SETTINGS.length));
