/** Who is signed in; the first question, which is asked before the page is drawn. */
import { WhoDocument, type WhoQuery } from "../generated/graphql";
import { ask } from "./client";
import { session } from "./session";

let begun: Promise<WhoQuery> | null = null;

export function beginWho(): void {
  if (!session.isOpen()) return;
  begun = ask(WhoDocument, {});
  // Whoever asks for it hears of a failure; until then nobody has to.
  begun.catch(() => undefined);
}

/** The question that was begun, once; else a new one. */
export function who(): Promise<WhoQuery> {
  const early = begun;
  begun = null;
  return early ?? ask(WhoDocument, {});
}
