/** The tokens of this tab, renewed when four fifths of their life are over, one renewal at a time. */
import {
  SessionCreateDocument,
  type SessionCreateMutation,
  SessionRefreshDocument,
  type SessionRefreshMutation,
  SessionRevokeDocument,
} from "../generated/graphql";

/** Nobody is signed in any more. */
export class SignedOut extends Error {}
/** No answer came, so the request may have been carried out: send it again just as it was. */
export class NoAnswer extends Error {}

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** How far the server's clock is ahead of this machine's, milliseconds: a demo lives through skipped days. */
  readonly ahead: number;
  readonly renewAt: number;
  /** Names the lock that tells a duplicated tab from the first one. */
  readonly holder: string;
}

const PLACE = "console-session";
const listeners = new Set<() => void>();
let tokens: Tokens | null = JSON.parse(sessionStorage.getItem(PLACE) ?? "null") as Tokens | null;
let why = "";
let renewal: Promise<void> | null = null;

/** 32 hexadecimal digits; randomUUID is not there on plain http outside this machine. */
export function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function post<Data>(query: string, variables: object): Promise<Data> {
  let answer: { data?: Data | null };
  try {
    const response = await fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/graphql-response+json, application/json" },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(20_000),
    });
    answer = (await response.json()) as { data?: Data | null };
  } catch {
    throw new NoAnswer("The server did not answer.");
  }
  if (!answer.data) throw new NoAnswer("The server could not answer; please try again in a moment.");
  return answer.data;
}

function keep(next: Tokens | null, reason = ""): void {
  tokens = next;
  why = reason;
  if (next) sessionStorage.setItem(PLACE, JSON.stringify(next));
  else sessionStorage.removeItem(PLACE);
  for (const listener of listeners) listener();
}

function accept(accessToken: string, refreshToken: string): void {
  const payload = atob((accessToken.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/"));
  const { iat, exp } = JSON.parse(payload) as { iat: number; exp: number };
  const ahead = iat * 1000 - Date.now();
  keep({
    accessToken,
    refreshToken,
    ahead: Math.abs(ahead) < 60_000 ? 0 : ahead,
    renewAt: Date.now() + (exp - iat) * 800,
    holder: tokens?.holder ?? randomKey(),
  });
}

async function renew(refreshToken: string): Promise<void> {
  const data = await post<SessionRefreshMutation>(SessionRefreshDocument.toString(), { refreshToken });
  const { session } = data.sessionRefresh;
  if (!session) {
    keep(null, "Your session is over; sign in again. What you typed is still here.");
    throw new SignedOut(why);
  }
  accept(session.accessToken, session.refreshToken);
}

export const session = {
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  isOpen: (): boolean => tokens !== null,
  reason: (): string => why,
  /** The server's time, milliseconds. */
  now: (): number => Date.now() + (tokens?.ahead ?? 0),
  async open(email: string, password: string): Promise<string | null> {
    const { sessionCreate } = await post<SessionCreateMutation>(SessionCreateDocument.toString(), { email, password });
    if (!sessionCreate.session) return sessionCreate.userErrors[0]?.message ?? "That did not work.";
    accept(sessionCreate.session.accessToken, sessionCreate.session.refreshToken);
    void hold();
    return null;
  },
  async close(): Promise<void> {
    const refreshToken = tokens?.refreshToken;
    keep(null);
    if (refreshToken) await post(SessionRevokeDocument.toString(), { refreshToken }).catch(() => undefined);
  },
  over(reason: string): void {
    if (tokens) keep(null, reason);
  },
  async accessToken(fresh = false): Promise<string> {
    if (!tokens) throw new SignedOut("Please sign in.");
    if (fresh || Date.now() >= tokens.renewAt) {
      renewal ??= renew(tokens.refreshToken).finally(() => {
        renewal = null;
      });
      await renewal;
    }
    return tokens.accessToken;
  },
};

/** A duplicated tab is born with a copy of the tokens, and a refresh token used twice ends the session for both. */
export async function hold(): Promise<void> {
  // Locks exist only where the page is served securely.
  const locks = navigator.locks as LockManager | undefined;
  const holder = tokens?.holder;
  if (!holder || !locks) return;
  const held = await new Promise<boolean>((resolve) => {
    const forever = (): Promise<never> => {
      resolve(true);
      return new Promise(() => undefined);
    };
    locks.request(holder, { signal: AbortSignal.timeout(1000) }, forever).catch(() => resolve(false));
  });
  if (!held) keep(null);
}
