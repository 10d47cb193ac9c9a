/** How GraphiQL's operations travel: with the token of this tab, or with what its headers editor says instead. */
import type { Fetcher, FetcherParams } from "@graphiql/toolkit";
import { type DocumentNode, getOperationAST, OperationTypeNode, parse } from "graphql";
import { createClient } from "graphql-ws";
import { authorised } from "../api/client";
import { session } from "../api/session";

type Headers_ = Readonly<Record<string, string>>;

const own = (headers: Headers_): string | undefined => Object.entries(headers).find(([name]) => name.toLowerCase() === "authorization")?.[1];

/** One answer over HTTP. A stranger's request goes without a token: the server says what strangers may. */
async function answer(params: FetcherParams, headers: Headers_): Promise<object> {
  const said = { "content-type": "application/json", accept: "application/graphql-response+json, application/json", ...headers };
  const init = { method: "POST", headers: said, body: JSON.stringify(params) };
  const response = await (own(headers) === undefined && session.isOpen() ? authorised("/graphql", init) : fetch("/graphql", init));
  return (await response.json()) as object;
}

/** A file of the API, asked for with the token of this tab where there is one. */
export const readable = (address: string): Promise<Response> => (session.isOpen() ? authorised(address) : fetch(address));

/** A stream over a socket of its own, which opens when it is listened to and closes when that ends. */
function stream({ query, variables, operationName }: FetcherParams, headers: Headers_): AsyncIterable<object> {
  const client = createClient({
    url: `${location.origin.replace(/^http/, "ws")}/graphql`,
    connectionParams: async () => {
      const authorization = own(headers) ?? (session.isOpen() ? `Bearer ${await session.accessToken()}` : undefined);
      return authorization === undefined ? {} : { authorization };
    },
  });
  return client.iterate({
    query,
    variables: (variables ?? {}) as Record<string, unknown>,
    ...(operationName == null ? {} : { operationName }),
  });
}

/** Which operation of a document runs, and whether it streams. The editor's own word on that is late by a moment. */
export function chosen(query: string, operationName?: string | null): { name: string | null; streams: boolean } {
  let document: DocumentNode;
  try {
    document = parse(query);
  } catch {
    // The server says what is wrong.
    return { name: operationName ?? null, streams: false };
  }
  const named = operationName == null ? null : getOperationAST(document, operationName);
  const operation = named ?? getOperationAST(document);
  return { name: operation?.name?.value ?? null, streams: operation?.operation === OperationTypeNode.SUBSCRIPTION };
}

export const fetcher = ((params, options) => {
  const headers = (options?.headers ?? {}) as Headers_;
  const { name, streams } = chosen(params.query, params.operationName);
  const asked = { ...params, operationName: name };
  return streams ? stream(asked, headers) : answer(asked, headers);
}) as Fetcher;

/** The data of one operation, for filling examples in; null without any. */
export async function dataOf(query: string, variables: object, headers: Headers_): Promise<unknown> {
  return ((await answer({ query, variables }, headers)) as { data?: unknown }).data ?? null;
}
