import { expect, test } from "vitest";
import { dayIn, lastDays, wrongWith } from "./period";

test("a moment lies on the day of its zone", () => {
  const justAfterMidnightInUtc = Date.parse("2026-03-01T00:30:00Z");
  expect(dayIn("UTC", justAfterMidnightInUtc)).toBe("2026-03-01");
  expect(dayIn("America/New_York", justAfterMidnightInUtc)).toBe("2026-02-28");
  expect(dayIn("Pacific/Auckland", justAfterMidnightInUtc)).toBe("2026-03-01");
});

test("days are counted over the change of clocks and the end of a month", () => {
  expect(lastDays(30, "2026-03-30")).toEqual({ since: "2026-03-01", until: "2026-03-30" });
  expect(lastDays(1, "2026-01-01")).toEqual({ since: "2026-01-01", until: "2026-01-01" });
});

test.each([
  ["2026-01-01", "2026-01-01", ""],
  ["2026-01-02", "2026-01-01", "The first day lies after the last."],
  ["", "2026-01-01", "Both days, please."],
  ["2025-01-01", "2026-01-01", ""],
  ["2024-12-31", "2026-01-01", "At most 366 days."],
])("%s to %s: %s", (since, until, wrong) => expect(wrongWith({ since, until })).toBe(wrong));
