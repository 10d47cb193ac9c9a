import { expect, test } from "vitest";
import type { RecommendationPartsFragment } from "../../generated/graphql";
import { inOrder, type Items, payersOf, review } from "./state";

const rec = (id: string, version: number, delta = "-1.00", plan = "p"): RecommendationPartsFragment =>
  ({ id, version, status: "NEEDS_REVIEW", delta: { amount: delta, currency: "USD" }, plan: { id: plan } }) as RecommendationPartsFragment;
const actor = { __typename: "Actor", kind: "MEMBER", id: "ben", name: "Ben" } as const;
const from = (...recs: RecommendationPartsFragment[]): Items => review(new Map(), { type: "loaded", recs });

test("what is older than what is known is left out", () => {
  const items = from(rec("a", 3));
  expect(review(items, { type: "changed", rec: rec("a", 2), change: null })).toBe(items);
  expect(review(items, { type: "loaded", recs: [rec("a", 2)] }).get("a")?.rec.version).toBe(3);
});

test("who lost a race stays who lost when the stream tells the same change again", () => {
  const lost = review(from(rec("a", 1)), { type: "changed", rec: rec("a", 2), change: { actor, at: null, lost: true } });
  const again = review(lost, { type: "changed", rec: rec("a", 2), change: { actor, at: "x", lost: false } });
  expect(again.get("a")?.change).toEqual({ actor, at: null, lost: true });
});

test("decreases come first, then the largest", () => {
  const items = [...from(rec("up", 1, "9"), rec("small", 1, "-1"), rec("large", 1, "-5")).values()].sort(inOrder);
  expect(items.map((each) => each.rec.id)).toEqual(["large", "small", "up"]);
});

test("payers are open decreases of the same plan until they cover what is missing", () => {
  const items = from(rec("up", 1, "9"), rec("a", 1, "-5"), rec("b", 1, "-4"), rec("c", 1, "-1"), rec("other", 1, "-50", "q"));
  const payers = payersOf(items, rec("up", 1, "9"), { amount: "8.00", currency: "USD" });
  expect(payers.map((each) => each.rec.id)).toEqual(["a", "b"]);
});
