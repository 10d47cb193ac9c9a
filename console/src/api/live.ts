/** The line to the server: one socket for all streams, which comes back by itself and resumes where each left off. */
import { createClient, type Client } from "graphql-ws";
import { useEffect, useRef, useSyncExternalStore } from "react";
import type { TypedDocumentString } from "../generated/graphql";
import { session } from "./session";

export type LineState = "connecting" | "live" | "waiting";

let state: LineState = "connecting";
const listeners = new Set<() => void>();

function tell(next: LineState): void {
  state = next;
  for (const listener of listeners) listener();
}

/** Whether what is shown is live. */
export function useLine(): LineState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

const LONGEST_WAIT_MILLISECONDS = 8000;
let socket: Client | null = null;

function line(): Client {
  socket ??= createClient({
    url: `${location.origin.replace(/^http/, "ws")}/graphql`,
    connectionParams: async () => ({ authorization: `Bearer ${await session.accessToken()}` }),
    // The server pings too; this one notices a connection that died without a word.
    keepAlive: 30_000,
    retryAttempts: Infinity,
    shouldRetry: () => session.isOpen(),
    retryWait: async (attempt) => {
      tell("waiting");
      const wait = Math.min(LONGEST_WAIT_MILLISECONDS, 250 * 2 ** attempt) * (0.5 + Math.random() / 2);
      await new Promise((resolve) => setTimeout(resolve, wait));
    },
    on: { connected: () => tell("live"), closed: () => tell("waiting") },
  });
  return socket;
}

/** Hang up, for a sign-out. */
export function hangUp(): void {
  void socket?.dispose();
  socket = null;
  tell("connecting");
}

/** A stream that begins again when its variables change. `onData` may change freely. */
export function useStream<Data, Variables extends Record<string, unknown>>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  onData: (data: Data, goOnAfter: (cursor: string) => void) => void,
): void {
  const hear = useRef(onData);
  useEffect(() => {
    hear.current = onData;
  });
  const said = JSON.stringify(variables);
  useEffect(() => {
    // The client writes this object anew at each reconnection, so the newest cursor goes along.
    const asked = JSON.parse(said) as Record<string, unknown>;
    const goOnAfter = (cursor: string): void => {
      asked["after"] = cursor;
    };
    return line().subscribe<Data>(
      { query: document.toString(), variables: asked },
      {
        next: ({ data }) => {
          if (data != null) hear.current(data, goOnAfter);
        },
        error: (problem) => console.warn("A stream ended.", problem),
        complete: () => undefined,
      },
    );
  }, [document, said]);
}
