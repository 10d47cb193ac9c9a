/** Requests: one urql client whose fetch carries the token, renews it once where it is refused, and tells what failed. */
import { Client, fetchExchange } from "urql";
import type { TypedDocumentString } from "../generated/graphql";
import { NoAnswer, randomKey, session, SignedOut } from "./session";

/** The server refused the whole request. */
export class Refused extends Error {}

const TIMEOUT_MILLISECONDS = 20_000;

async function isStranger(response: Response): Promise<boolean> {
  if (response.status === 401) return true;
  const text = await response.clone().text().catch(() => "");
  // Most answers are read once only, by whoever asked.
  if (!text.includes('"UNAUTHENTICATED"')) return false;
  const answer = JSON.parse(text) as { errors?: { extensions?: { code?: string } }[] };
  return answer.errors?.some((each) => each.extensions?.code === "UNAUTHENTICATED") ?? false;
}

/** A request with the token of this tab; one that is refused as a stranger's is sent once more with a fresh one. */
export async function authorised(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  const send = async (fresh: boolean): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${await session.accessToken(fresh)}`);
    return fetch(input, { ...init, headers, signal: init.signal ?? AbortSignal.timeout(TIMEOUT_MILLISECONDS) });
  };
  const first = await send(false);
  if (!(await isStranger(first))) return first;
  const second = await send(true);
  if (await isStranger(second)) session.over("Please sign in again.");
  return second;
}

export const client = new Client({
  url: "/graphql",
  exchanges: [fetchExchange],
  fetch: authorised,
  preferGetMethod: false,
  requestPolicy: "network-only",
});

/** The data of an operation. Raises NoAnswer, Refused or SignedOut. */
export async function ask<Data, Variables extends object>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const text: string = document.toString();
  const run = text.trimStart().startsWith("mutation") ? client.mutation<Data, Variables>(text, variables) : client.query<Data, Variables>(text, variables);
  const { data, error } = await run.toPromise();
  if (data != null) return data;
  if (!session.isOpen()) throw new SignedOut(session.reason() || "Please sign in.");
  if (error && error.graphQLErrors.length > 0) throw new Refused(error.graphQLErrors.map((each) => each.message).join("; "));
  throw new NoAnswer("The server did not answer.");
}

const ATTEMPTS = 6;

/** Ask until there is an answer, for some seconds: long enough for a server that restarts. */
export async function insist<Data, Variables extends object>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  onWait: () => void = () => undefined,
): Promise<Data> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask(document, variables);
    } catch (error) {
      if (!(error instanceof NoAnswer) || attempt === ATTEMPTS) throw error;
      onWait();
      await new Promise((resolve) => setTimeout(resolve, 150 * 2 ** attempt));
    }
  }
}

/** One key for each intent: what got no answer is sent again under the key it had, whoever asks for it again. */
const intents = new Map<string, string>();

export function keyOf(name: string, intent: object): string {
  const said = JSON.stringify([name, intent]);
  const key = intents.get(said) ?? randomKey();
  intents.set(said, key);
  return key;
}

export function settled(name: string, intent: object): void {
  intents.delete(JSON.stringify([name, intent]));
}

/** Carry out an intent exactly once: the same intent keeps its key until it got an answer. */
export async function carryOut<Data, Intent extends object>(
  name: string,
  document: TypedDocumentString<Data, Intent & { idempotencyKey: string }>,
  intent: Intent,
  onWait?: () => void,
): Promise<Data> {
  const data = await insist(document, { ...intent, idempotencyKey: keyOf(name, intent) }, onWait);
  settled(name, intent);
  return data;
}
