import { describe, expect, test, vi } from "vitest";

describe("words", async () => {
  vi.stubGlobal("sessionStorage", { getItem: () => null });
  const { counted, day, deed, duration, fromNow, moment, money, nameOf, percent } = await import("./words");

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

  test("amounts carry the places of their currency", () => {
    expect(money({ amount: "1234.5", currency: "USD" })).toBe("$1,234.50");
    expect(money({ amount: "1234.5", currency: "JPY" })).toBe("¥1,235");
    expect(money({ amount: "1.2345", currency: "KWD" })).toBe("KWD\u00a01.235");
    expect(money({ amount: "-3", currency: "EUR" }, "exceptZero")).toBe("-€3.00");
  });

  test("a moment names its zone, and a day has none", () => {
    expect(moment("2026-03-29T00:30:00Z", "America/New_York")).toBe("Mar 28, 2026, 08:30 PM EDT");
    expect(moment("2026-03-29T00:30:00Z", "Europe/Berlin")).toBe("Mar 29, 2026, 01:30 AM GMT+1");
    expect(moment("2026-03-29T01:30:00Z", "Europe/Berlin")).toBe("Mar 29, 2026, 03:30 AM GMT+2");
    expect(day("2026-03-29")).toBe("Mar 29");
  });

  test("one is counted as one", () => expect([0, 1, 2].map((count) => counted(count, "change"))).toEqual(["0 changes", "1 change", "2 changes"]));

  test("shares carry their sign", () => expect(percent(0.125)).toBe("+12.5%"));
});
