import { expect, test } from "vitest";
import { drawn } from "./curve";

test("points become numbers, the interval a pair", () => {
  const amount = (value: string) => ({ amount: value });
  expect(drawn([{ budget: amount("100.00"), revenueLow: amount("250.5"), revenue: amount("300"), revenueHigh: amount("400") }])).toEqual([
    { budget: 100, revenue: 300, interval: [250.5, 400] },
  ]);
});
