/** What the review page knows: each recommendation in its newest version, who changed it, and how its change fares. */
import type {
  ActorPartsFragment,
  AdjustmentPartsFragment,
  RecommendationPartsFragment,
} from "../../generated/graphql";

/** Somebody else's change, told by the stream or by the conflict that a request met. */
export interface Change {
  readonly actor: ActorPartsFragment | null;
  readonly at: string | null;
  /** Whether a request of this person came second. */
  readonly lost: boolean;
}

export interface Item {
  readonly rec: RecommendationPartsFragment;
  readonly adjustment: AdjustmentPartsFragment | null;
  readonly change: Change | null;
}

export type Items = ReadonlyMap<string, Item>;

export type Action =
  | { readonly type: "loaded"; readonly recs: readonly RecommendationPartsFragment[] }
  | { readonly type: "changed"; readonly rec: RecommendationPartsFragment; readonly change: Change | null }
  | { readonly type: "progressed"; readonly adjustment: AdjustmentPartsFragment }
  | { readonly type: "noticed"; readonly id: string };

function newer(
  known: AdjustmentPartsFragment | null | undefined,
  found: AdjustmentPartsFragment | null | undefined,
): AdjustmentPartsFragment | null {
  if (!known || !found) return found ?? known ?? null;
  return known.id === found.id && known.version > found.version ? known : found;
}

/** The next state. What is older than what is known is left out; a change of the same version is told still. */
export function review(items: Items, action: Action): Items {
  const next = new Map(items);
  switch (action.type) {
    case "loaded":
      for (const rec of action.recs) {
        const known = next.get(rec.id);
        if (known && known.rec.version > rec.version) continue;
        // What is read again as it was stays the same object, so that its card need not be drawn again.
        if (known && JSON.stringify(known.rec) === JSON.stringify(rec)) continue;
        next.set(rec.id, { rec, adjustment: newer(known?.adjustment, rec.adjustment), change: known?.change ?? null });
      }
      return next;
    case "changed": {
      const known = next.get(action.rec.id);
      if (known && known.rec.version > action.rec.version) return items;
      // The stream tells the same change as the conflict did; who lost stays who lost.
      const same = known?.rec.version === action.rec.version && known.change !== null;
      const change = same && !action.change?.lost ? known.change : action.change;
      next.set(action.rec.id, { rec: action.rec, adjustment: newer(known?.adjustment, action.rec.adjustment), change });
      return next;
    }
    case "progressed": {
      const id = action.adjustment.recommendation?.id;
      const known = id === undefined ? undefined : next.get(id);
      if (id === undefined || !known) return items;
      next.set(id, { ...known, adjustment: newer(known.adjustment, action.adjustment) });
      return next;
    }
    case "noticed": {
      const known = next.get(action.id);
      if (known) next.set(action.id, { ...known, change: null });
      return next;
    }
  }
}

export const isOpen = ({ rec }: Item): boolean => rec.status === "NEEDS_REVIEW";

/** Decreases first, because they pay for the rest; then the largest. */
export function inOrder(one: Item, other: Item): number {
  const [a, b] = [Number(one.rec.delta.amount), Number(other.rec.delta.amount)];
  return Number(a >= 0) - Number(b >= 0) || Math.abs(b) - Math.abs(a);
}

/** Open decreases of the same plan, the largest first, until they cover what is missing. */
export function payersOf(items: Items, rec: RecommendationPartsFragment, shortfall: { amount: string; currency: string }): Item[] {
  let missing = Number(shortfall.amount);
  const payers: Item[] = [];
  const open = [...items.values()].filter(
    (each) => isOpen(each) && each.rec.plan?.id === rec.plan?.id && Number(each.rec.delta.amount) < 0,
  );
  for (const item of open.sort(inOrder)) {
    if (missing <= 0) break;
    payers.push(item);
    // Another currency's rate is not known here, so such a decrease is named but not counted.
    if (item.rec.delta.currency === shortfall.currency) missing += Number(item.rec.delta.amount);
  }
  return payers;
}
