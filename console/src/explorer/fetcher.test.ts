import { expect, test, vi } from "vitest";

vi.stubGlobal("sessionStorage", { getItem: () => null });
const { chosen } = await import("./fetcher");

test("the operation that runs is of the document that stands there now", () => {
  const both = "query A { a } subscription B { b }";
  expect(chosen(both, "A")).toEqual({ name: "A", streams: false });
  expect(chosen(both, "B")).toEqual({ name: "B", streams: true });
  expect(chosen("subscription B { b }", "A")).toEqual({ name: "B", streams: true });
  expect(chosen("{ a }", null)).toEqual({ name: null, streams: false });
  expect(chosen(both, null)).toEqual({ name: null, streams: false });
  expect(chosen("{", "A")).toEqual({ name: "A", streams: false });
});
