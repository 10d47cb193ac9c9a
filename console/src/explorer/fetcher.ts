/** How GraphiQL's operations travel: with the token of this tab, or with what its headers editor says instead. */
import type { Fetcher, FetcherParams } from "@graphiql/toolkit";
import { getOperationAST, OperationTypeNode } from "graphql";
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

export const fetcher = ((params, options) => {
  const headers = (options?.headers ?? {}) as Headers_;
  const document = options?.documentAST;
  const isStream = document !== undefined && getOperationAST(document, params.operationName)?.operation === OperationTypeNode.SUBSCRIPTION;
  return isStream ? stream(params, headers) : answer(params, headers);
}) as Fetcher;

/** The data of one operation, for filling examples in; null without any. */
export async function dataOf(query: string, variables: object, headers: Headers_): Promise<unknown> {
  return ((await answer({ query, variables }, headers)) as { data?: unknown }).data ?? null;
}
