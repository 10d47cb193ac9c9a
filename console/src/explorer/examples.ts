/** The example operations that the server offers, and their variables filled in from the workspace one may see. */
import { randomKey } from "../api/session";

/** A name, a place, or a pair that keeps those objects whose field's text begins so. */
export type Step = string | number | readonly [field: string, beginning: string];

export interface Example {
  readonly domain: string;
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly variables: unknown;
  readonly document: string;
}

export interface Offered {
  /** Whether the server runs registered documents only; then it offers no examples. */
  readonly only: boolean;
  readonly examples: readonly Example[];
  /** Operations that find what words stand for. */
  readonly asks: Readonly<Record<string, string>>;
  /** Words: which operation finds them, and where in its data; of several paths the first that leads anywhere. */
  readonly words: Readonly<Record<string, readonly [ask: string, paths: readonly (readonly Step[])[]]>>;
  /** Words that are made up. */
  readonly fresh: Readonly<Record<string, string>>;
}

let offers: Promise<Offered> | null = null;

/** What the server offers, read once. Raises Error. */
export function offered(): Promise<Offered> {
  offers ??= fetch("/explorer/examples.json").then((answer) => {
    if (!answer.ok) throw new Error("The examples could not be read.");
    return answer.json() as Promise<Offered>;
  });
  return offers;
}

/** Runs one operation and gives its data; null without any. */
export type Ask = (query: string, variables: object) => Promise<unknown>;

export interface Filled {
  readonly variables: unknown;
  /** Words of which the workspace has none right now. */
  readonly missing: readonly string[];
}

/** What a path leads to. */
export function led(value: unknown, path: readonly Step[]): unknown {
  return path.reduce<unknown>((each, step) => {
    if (typeof step === "object") return Array.isArray(each) ? each.filter((one) => String(led(one, step[0].split("."))).startsWith(step[1])) : undefined;
    return each === null || typeof each !== "object" ? undefined : (each as Record<string | number, unknown>)[step];
  }, value);
}

/** The variables of an example, each word in them replaced by what it stands for here. */
export async function filled(offered: Offered, variables: unknown, ask: Ask): Promise<Filled> {
  const answers = new Map<string, Promise<unknown>>();
  const find = async (word: string): Promise<unknown> => {
    const [name, paths] = offered.words[word] ?? ["", []];
    if (!answers.has(name)) {
      const asked = async (): Promise<unknown> =>
        ask(offered.asks[name] ?? "", name === "workspaces" ? {} : { workspaceId: await find("WORKSPACE") });
      answers.set(name, asked());
    }
    const data = await answers.get(name);
    return paths.map((path) => led(data, path)).find((each) => each != null);
  };
  const missing = new Set<string>();
  const fill = async (value: unknown): Promise<unknown> => {
    if (Array.isArray(value)) return Promise.all(value.map(fill));
    if (value !== null && typeof value === "object")
      return Object.fromEntries(await Promise.all(Object.entries(value).map(async ([name, each]) => [name, await fill(each)] as const)));
    if (typeof value !== "string") return value;
    if (Object.hasOwn(offered.fresh, value)) return offered.fresh[value]?.replace("{}", randomKey());
    if (!Object.hasOwn(offered.words, value)) return value;
    const found = await find(value);
    if (found == null) missing.add(value);
    return found ?? value;
  };
  return { variables: await fill(variables), missing: [...missing] };
}
