/** Reads the recommendations, and keeps them current over the streams. */
import { useCallback, useEffect, useReducer, useRef, useState } from "react";
import { ask, insist } from "../../api/client";
import { useStream } from "../../api/live";
import {
  AdjustmentProgressDocument,
  OverviewDocument,
  type OverviewQuery,
  PresenceChangesDocument,
  type PresenceChangesSubscription,
  RecommendationChangesDocument,
  type RecommendationPartsFragment,
  RecommendationsDocument,
} from "../../generated/graphql";
import { told } from "../../parts/states";
import { useHere } from "../../parts/Viewer";
import { type Action, type Items, review } from "./state";

export type Presences = PresenceChangesSubscription["presenceChanges"]["items"][number]["presences"];
type Overview = NonNullable<OverviewQuery["workspace"]>;

const PAGE = 100;
const DECIDED_SHOWN = 12;

async function readAll(workspaceId: string): Promise<RecommendationPartsFragment[]> {
  const found: RecommendationPartsFragment[] = [];
  let after: string | null = null;
  for (;;) {
    const page: { recommendations: { nodes: readonly RecommendationPartsFragment[]; pageInfo: { hasNextPage: boolean; endCursor?: string | null } } } =
      await insist(RecommendationsDocument, { workspaceId, statuses: ["NEEDS_REVIEW"], first: PAGE, after });
    found.push(...page.recommendations.nodes);
    after = page.recommendations.pageInfo.endCursor ?? null;
    if (!page.recommendations.pageInfo.hasNextPage) break;
  }
  const decided = await insist(RecommendationsDocument, {
    workspaceId,
    statuses: ["APPROVED", "REJECTED"],
    first: DECIDED_SHOWN,
    after: null,
  });
  return [...found, ...decided.recommendations.nodes];
}

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

  const load = useCallback(() => {
    readAll(workspaceId).then(
      (recs) => {
        dispatch({ type: "loaded", recs });
        setLoaded(true);
        setError(null);
      },
      (problem: unknown) => setError(told(problem)),
    );
  }, [workspaceId]);
  useEffect(load, [load]);

  // The totals, a moment after whatever changed. One that fails is left to the next change.
  const timer = useRef(0);
  useEffect(() => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      ask(OverviewDocument, { workspaceId }).then(
        (data) => setOverview(data.workspace ?? null),
        () => undefined,
      );
    }, 200);
    return () => clearTimeout(timer.current);
  }, [workspaceId, items]);

  const live = useRef(false);
  useStream(RecommendationChangesDocument, { workspaceId }, ({ recommendationChanges: message }, goOnAfter) => {
    goOnAfter(message.cursor);
    // The first watermark says that the stream is live: what changed while the page was read comes with this reading.
    if (message.__typename === "Reload" || (message.__typename === "Watermark" && !live.current)) load();
    live.current = true;
    if (message.__typename !== "RecommendationChanged" || !message.recommendation) return;
    const change = message.actor.id === viewer.id ? null : { actor: message.actor, at: message.at, lost: false };
    dispatch({ type: "changed", rec: message.recommendation, change });
  });
  useStream(AdjustmentProgressDocument, { workspaceId }, ({ adjustmentProgress: message }, goOnAfter) => {
    goOnAfter(message.cursor);
    if (message.__typename === "AdjustmentProgressed" && message.adjustment)
      dispatch({ type: "progressed", adjustment: message.adjustment });
  });
  useStream(PresenceChangesDocument, { workspaceId }, ({ presenceChanges: { whole, items: found } }) => {
    setPeople((known) => {
      const next = new Map(whole ? [] : known);
      for (const { subjectId, presences } of found)
        next.set(subjectId, presences.filter(({ who }) => who?.id !== viewer.id));
      return next;
    });
  });
  return { items, loaded, error, overview, people, dispatch, load };
}
