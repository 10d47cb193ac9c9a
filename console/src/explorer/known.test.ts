import { expect, test, vi } from "vitest";

vi.stubGlobal("sessionStorage", { getItem: () => null });
const { begun } = await import("./known");

test("variables begin with what a document demands", () => {
  const text = `query Page($workspaceId: ID!, $first: PageSize, $after: Cursor, $days: Int! = 7, $ids: [ID!]!, $on: Boolean!, $at: DateTime!) {
    a(w: $workspaceId, first: $first, after: $after, days: $days, ids: $ids, on: $on, at: $at) }`;
  expect(begun(text, "w")).toEqual({ workspaceId: "w", first: 10, ids: [], on: true, at: "" });
  expect(begun(text, null)).toMatchObject({ workspaceId: "" });
  expect(begun("fragment A on B { c } { a { ...A } }", "w")).toEqual({});
});
