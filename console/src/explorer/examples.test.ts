import { describe, expect, test, vi } from "vitest";

describe("examples", async () => {
  vi.stubGlobal("sessionStorage", { getItem: () => null });
  const { filled, led } = await import("./examples");
  const recommendations = [{ id: "up", version: 1, delta: { amount: "5" } }, { id: "down", version: 3, delta: { amount: "-2" } }];
  const offered = {
    only: false,
    examples: [],
    asks: { workspaces: "W", open: "R" },
    words: {
      WORKSPACE: ["workspaces", [["workspaces", 0, "id"]]],
      DECREASE: ["open", [["nodes", ["delta.amount", "-"], 0, "id"]]],
      VERSION: ["open", [["nodes", ["delta.amount", "-"], 0, "version"]]],
      FALLEN_BACK: ["open", [["nodes", 7, "id"], ["nodes", 0, "id"]]],
      NOWHERE: ["open", [["nodes", 7, "id"]]],
    },
    fresh: { KEY: "key-{}" },
  } as const;
  const ask = vi.fn((query: string) => Promise.resolve(query === "W" ? { workspaces: [{ id: "w" }] } : { nodes: recommendations }));

  test("a path keeps, picks and names, and leads nowhere quietly", () => {
    expect(led({ nodes: recommendations }, ["nodes", ["delta.amount", "-"], 0, "id"])).toBe("down");
    expect(led({ nodes: [{ revokedAt: null }] }, ["nodes", ["revokedAt", "null"], 0])).toEqual({ revokedAt: null });
    expect(led(null, ["nodes", ["id", "x"], 0])).toBeUndefined();
  });

  test("words are replaced wherever they stand, and each operation is asked once", async () => {
    const { variables, missing } = await filled(offered, { ids: ["DECREASE", "FALLEN_BACK"], at: { version: "VERSION", first: 10, none: null }, key: "KEY", constructor: "x" }, ask);
    expect(variables).toEqual({ ids: ["down", "up"], at: { version: 3, first: 10, none: null }, key: expect.stringMatching(/^key-[0-9a-f]{32}$/) as string, constructor: "x" });
    expect(missing).toEqual([]);
    expect(ask.mock.calls).toEqual([["W", {}], ["R", { workspaceId: "w" }]]);
  });

  test("what there is none of stays a word and is told", async () => {
    expect(await filled(offered, { id: "NOWHERE" }, ask)).toEqual({ variables: { id: "NOWHERE" }, missing: ["NOWHERE"] });
  });
});
