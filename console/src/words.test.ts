import { describe, expect, test, vi } from "vitest";

describe("words", async () => {
  vi.stubGlobal("sessionStorage", { getItem: () => null });
  const { deed, duration, fromNow, nameOf, percent } = await import("./words");

  test.each([
    [1_000, "1 s"],
    [89_000, "89 s"],
    [90_000, "2 min"],
    [3_600_000, "1 h 0 min"],
    [47.5 * 3_600_000, "47 h 30 min"],
    [72 * 3_600_000, "3 days"],
  ])("%d ms are %s", (milliseconds, text) => expect(duration(milliseconds)).toBe(text));

  test("a moment lies ahead or behind", () => {
    const now = Date.parse("2026-03-29T00:30:00Z");
    expect(fromNow("2026-03-29T01:30:00Z", now)).toBe("in 1 h 0 min");
    expect(fromNow("2026-03-29T00:29:50Z", now)).toBe("10 s ago");
  });

  test("people, programs and the system have names", () => {
    expect(nameOf({ kind: "MEMBER", name: "Ana" })).toBe("Ana");
    expect(nameOf({ kind: "SYSTEM", name: "expire" })).toBe("The system");
    expect(nameOf({ kind: "API_KEY", name: null })).toBe("A program");
    expect(nameOf(null)).toBe("Somebody");
  });

  test("a deed says what was done and at which amount", () => {
    const proposedBudget = { amount: "12.5", currency: "USD" };
    expect(deed({ status: "APPROVED", proposedBudget })).toMatch(/^approved it at .*12\.50 a day$/);
    expect(deed({ status: "REJECTED", proposedBudget, decisionReason: "no" })).toBe("rejected it: “no”");
  });

  test("shares carry their sign", () => expect(percent(0.125)).toBe("+12.5%"));
});
