/** What the review page reads, all at once; and the first reading, which begins before the page is drawn. */
import { insist } from "../../api/client";
import { session } from "../../api/session";
import { OverviewDocument, type OverviewQuery, type RecommendationPartsFragment, RecommendationsDocument, type RecommendationsQuery } from "../../generated/graphql";

export type Overview = NonNullable<OverviewQuery["workspace"]>;

export interface Reading {
  readonly recs: readonly RecommendationPartsFragment[];
  /** Null where it could not be had; it comes with the next change. */
  readonly overview: Overview | null;
}

const PAGE = 100;
const DECIDED_SHOWN = 12;

async function readOpen(workspaceId: string): Promise<RecommendationPartsFragment[]> {
  const found: RecommendationPartsFragment[] = [];
  let after: string | null = null;
  for (;;) {
    const { recommendations: page }: RecommendationsQuery = await insist(RecommendationsDocument, { workspaceId, statuses: ["NEEDS_REVIEW"], first: PAGE, after });
    found.push(...page.nodes);
    after = page.pageInfo.endCursor ?? null;
    if (!page.pageInfo.hasNextPage) return found;
  }
}

/** Everything as it is now. Raises what `insist` does where the recommendations cannot be had. */
export async function read(workspaceId: string): Promise<Reading> {
  const [open, decided, overview] = await Promise.all([
    readOpen(workspaceId),
    insist(RecommendationsDocument, { workspaceId, statuses: ["APPROVED", "REJECTED"], first: DECIDED_SHOWN, after: null }),
    insist(OverviewDocument, { workspaceId }).then((data) => data.workspace ?? null, () => null),
  ]);
  return { recs: [...open, ...decided.recommendations.nodes], overview };
}

let begun: { readonly workspaceId: string; readonly reading: Promise<Reading> } | null = null;

/** Begin to read before anything is drawn, where somebody is signed in and the workspace is known from before. */
export function beginEarly(workspaceId: string | null): void {
  if (workspaceId === null || !session.isOpen() || location.pathname !== "/") return;
  const reading = read(workspaceId);
  // Whoever asks for it hears of a failure; until then nobody has to.
  reading.catch(() => undefined);
  begun = { workspaceId, reading };
}

/** The reading that was begun early, once; else a new one. */
export function firstReading(workspaceId: string): Promise<Reading> {
  const early = begun;
  begun = null;
  return early?.workspaceId === workspaceId ? early.reading : read(workspaceId);
}
