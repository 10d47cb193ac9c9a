/** Reads the recommendations, and keeps them current over the streams. */
import { startTransition, useCallback, useEffect, useReducer, useRef, useState } from "react";
import { ask } from "../../api/client";
import { useStream } from "../../api/live";
import {
  AdjustmentProgressDocument,
  OverviewDocument,
  PresenceChangesDocument,
  type PresenceChangesSubscription,
  RecommendationChangesDocument,
} from "../../generated/graphql";
import { told } from "../../parts/states";
import { useHere } from "../../parts/Viewer";
import { firstReading, type Overview, read, type Reading } from "./reading";
import { type Action, type Items, review } from "./state";

export type Presences = PresenceChangesSubscription["presenceChanges"]["items"][number]["presences"];

export interface ReviewData {
  readonly items: Items;
  readonly loaded: boolean;
  readonly error: string | null;
  readonly overview: Overview | null;
  readonly people: ReadonlyMap<string, Presences>;
  readonly dispatch: (action: Action) => void;
  readonly load: () => void;
}

export function useReview(): ReviewData {
  const { viewer, workspace } = useHere();
  const workspaceId = workspace.id;
  const [items, dispatch] = useReducer(review, new Map());
  const [people, setPeople] = useState<ReadonlyMap<string, Presences>>(new Map());
  const [overview, setOverview] = useState<Overview | null>(null);
  const [loaded, setLoaded] = useState(false);
  const [error, setError] = useState<string | null>(null);

  // Drawn in slices, so that the page answers while many cards are made.
  const take = useCallback((reading: Promise<Reading>) => {
    reading.then(
      ({ recs, overview: found }) =>
        startTransition(() => {
          dispatch({ type: "loaded", recs });
          if (found) setOverview(found);
          setLoaded(true);
          setError(null);
        }),
      (problem: unknown) => setError(told(problem)),
    );
  }, []);
  const load = useCallback(() => take(read(workspaceId)), [take, workspaceId]);
  useEffect(() => take(firstReading(workspaceId)), [take, workspaceId]);

  // The totals, a moment after something changed. One reading that fails is left to the next change.
  const timer = useRef(0);
  const change = useCallback((action: Action) => {
    dispatch(action);
    if (action.type !== "changed" && action.type !== "progressed") return;
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      ask(OverviewDocument, { workspaceId }).then(
        (data) => setOverview(data.workspace ?? null),
        () => undefined,
      );
    }, 200);
  }, [workspaceId]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const live = useRef(false);
  useStream(RecommendationChangesDocument, { workspaceId }, ({ recommendationChanges: message }, goOnAfter) => {
    goOnAfter(message.cursor);
    // The first watermark says that the stream is live: what changed while the page was read comes with this reading.
    if (message.__typename === "Reload" || (message.__typename === "Watermark" && !live.current)) load();
    live.current = true;
    if (message.__typename !== "RecommendationChanged" || !message.recommendation) return;
    const theirs = message.actor.id === viewer.id ? null : { actor: message.actor, at: message.at, lost: false };
    change({ type: "changed", rec: message.recommendation, change: theirs });
  });
  useStream(AdjustmentProgressDocument, { workspaceId }, ({ adjustmentProgress: message }, goOnAfter) => {
    goOnAfter(message.cursor);
    if (message.__typename === "AdjustmentProgressed" && message.adjustment)
      change({ type: "progressed", adjustment: message.adjustment });
  });
  useStream(PresenceChangesDocument, { workspaceId }, ({ presenceChanges: { whole, items: found } }) => {
    setPeople((known) => {
      const next = new Map(whole ? [] : known);
      for (const { subjectId, presences } of found)
        next.set(subjectId, presences.filter(({ who }) => who?.id !== viewer.id));
      return next;
    });
  });
  return { items, loaded, error, overview, people, dispatch: change, load };
}
