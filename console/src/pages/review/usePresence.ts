/** Tells others where this person looks or types: at each change, and every ten seconds. */
import { useCallback, useEffect, useRef } from "react";
import { ask } from "../../api/client";
import { PresenceClearDocument, type PresenceMode, PresenceSetDocument } from "../../generated/graphql";

const RENEWAL_MILLISECONDS = 10_000;
// It is a courtesy: a request that fails is left to the next one, and a presence that is not renewed lapses by itself.
const unheard = (): undefined => undefined;

export function usePresence(): (id: string, mode: PresenceMode | null) => void {
  const at = useRef(new Map<string, PresenceMode>());
  useEffect(() => {
    const here = at.current;
    const leave = (): void => {
      for (const id of here.keys()) void ask(PresenceClearDocument, { id }).catch(unheard);
      here.clear();
    };
    const renew = window.setInterval(() => {
      if (!document.hidden) for (const [id, mode] of here) void ask(PresenceSetDocument, { id, mode }).catch(unheard);
    }, RENEWAL_MILLISECONDS);
    window.addEventListener("pagehide", leave);
    return () => {
      clearInterval(renew);
      window.removeEventListener("pagehide", leave);
      leave();
    };
  }, []);
  return useCallback((id, mode) => {
    if (at.current.get(id) === (mode ?? undefined)) return;
    if (mode) {
      at.current.set(id, mode);
      void ask(PresenceSetDocument, { id, mode }).catch(unheard);
    } else {
      at.current.delete(id);
      void ask(PresenceClearDocument, { id }).catch(unheard);
    }
  }, []);
}
