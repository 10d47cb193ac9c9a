/** What can be set in a scope: how each setting is called, in which unit it is typed, what it does; drafts and inputs. */
import { shifted } from "../../parts/decimals";
import type { GuardrailChangeInput, GuardrailPartsFragment, GuardrailScopeInput, Platform } from "../../generated/graphql";

export type Part = "thresholds" | "limits";
/** `money` in the scope's currency, `percent` typed as a percentage and sent as a share, `whole` without a fraction. */
export type Kind = "money" | "percent" | "number" | "whole" | "hours" | "days";

export interface Setting {
  readonly part: Part;
  readonly name: string;
  readonly label: string;
  readonly kind: Kind;
  readonly does: string;
  /** Sums over several campaigns say nothing about one. */
  readonly notForCampaign?: true;
}

const threshold = (name: string, label: string, kind: Kind, does: string): Setting => ({ part: "thresholds", name, label, kind, does });
const limit = (name: string, label: string, kind: Kind, does: string): Setting => ({ part: "limits", name, label, kind, does });

export const SETTINGS: readonly Setting[] = [
  threshold("maxChangeShare", "Largest change, in percent of the budget", "percent", "A larger move of a budget, up or down, waits for a person."),
  threshold("maxChange", "Largest change a day", "money", "The same as an amount, up or down."),
  threshold("maxIncrease", "Largest increase a day", "money", "A larger increase waits for a person. Decreases are not held by it."),
  threshold("maxNewBudget", "Largest budget after an increase", "money", "An increase that leads above this daily budget waits for a person."),
  threshold("minRoas", "Least ROAS of a budget that gets more", "number", "Revenue for each unit spent. A budget that earns less gets no more money without a person."),
  threshold("minConfidence", "Least confidence", "percent", "How probable it must be that the change helps."),
  threshold("minImpressions", "Fewest impressions", "whole", "Counted over the last seven complete days."),
  threshold("minSpend", "Least spend", "money", "Counted over the last seven complete days."),
  threshold("minConversions", "Fewest conversions", "number", "Counted over the last seven complete days."),
  threshold("minHistoryDays", "Fewest days with spend", "days", "Complete days with spend. An increase always takes at least seven, whatever is set."),
  threshold("coolDownHours", "Rest after a change", "hours", "A budget that was just changed is left alone for so long."),
  threshold("maxAutomaticChanges", "Automatic changes of one budget a day", "whole", "More of them on one day of its account wait for a person."),
  limit("maxDailyBudget", "Cap of each daily budget", "money", "No daily budget is set above it."),
  limit("minDailyBudget", "Floor of each daily budget", "money", "No daily budget is set below it; the platform's own minimum holds besides."),
  { ...limit("maxAccountChange", "Moved in one account a day", "money", "What goes up and what goes down, added, on one day of the account."), notForCampaign: true },
  { ...limit("maxAccountBudget", "Daily budgets of one account together", "money", "Stops increases that would lead above it."), notForCampaign: true },
  { ...limit("maxPlatformBudget", "Daily budgets of one platform together", "money", "All accounts of a platform in this workspace. Stops increases that would lead above it."), notForCampaign: true },
  limit("maxChanges", "Changes of one budget a day", "whole", "Whoever proposes them. One of them is kept for putting a budget back."),
];

/** What is typed, as it is typed: an empty text sets nothing. */
export interface Draft {
  readonly typed: Readonly<Record<string, string>>;
  readonly respectsLearning: "" | "true" | "false";
  readonly from: string;
  readonly until: string;
  /** Null: all platforms may change. */
  readonly allowedPlatforms: readonly Platform[] | null;
  readonly deniedPlatforms: readonly Platform[];
  readonly changesDenied: boolean;
  readonly automationPaused: boolean;
}

export const EMPTY: Draft = {
  typed: {}, respectsLearning: "", from: "", until: "", allowedPlatforms: null, deniedPlatforms: [], changesDenied: false, automationPaused: false,
};

/** A value of the API as a person types it. */
export function shown(kind: Kind, value: string): string {
  return kind === "percent" ? shifted(value, 2) : value;
}

const amountOf = (value: unknown): string | null => {
  if (value == null) return null;
  return String(typeof value === "object" && "amount" in value ? value.amount : value);
};

/** What is set in a scope, ready to be typed over. */
export function draftOf({ thresholds, limits, automationPaused }: GuardrailPartsFragment): Draft {
  const parts: Record<Part, Record<string, unknown>> = { thresholds: { ...thresholds }, limits: { ...limits } };
  const typed = SETTINGS.map(({ part, name, kind }) => {
    const amount = amountOf(parts[part][name]);
    return [name, amount === null ? "" : shown(kind, shifted(amount, 0))];
  });
  return {
    typed: Object.fromEntries(typed) as Record<string, string>,
    respectsLearning: thresholds.respectsLearning == null ? "" : thresholds.respectsLearning ? "true" : "false",
    from: thresholds.activeHours ? String(thresholds.activeHours.start) : "",
    until: thresholds.activeHours ? String(thresholds.activeHours.end) : "",
    allowedPlatforms: limits.allowedPlatforms ?? null,
    deniedPlatforms: limits.deniedPlatforms,
    changesDenied: limits.changesDenied,
    automationPaused,
  };
}

/** The input of a draft, or by setting what cannot be read as a number. What lies out of range is the server's to say. */
export function inputOf(draft: Draft, scope: GuardrailScopeInput): { change: GuardrailChangeInput; wrong: Record<string, string> } {
  const wrong: Record<string, string> = {};
  const parts: Record<Part, Record<string, unknown>> = { thresholds: {}, limits: {} };
  for (const { part, name, kind, notForCampaign } of SETTINGS) {
    const text = draft.typed[name]?.trim() ?? "";
    if (text === "" || (notForCampaign && scope.campaignId != null)) continue;
    const whole = kind === "whole" || kind === "hours" || kind === "days";
    if (!(whole ? /^\d{1,9}$/ : /^-?(\d+\.?\d*|\.\d+)$/).test(text)) wrong[name] = whole ? "a whole number, please" : "a number, please";
    else parts[part][name] = kind === "percent" ? shifted(text, -2) : whole ? Number(text) : text;
  }
  const { from, until } = draft;
  if ((from === "") !== (until === "")) wrong["activeHours"] = "both hours, or none";
  const wide = scope.campaignId == null && scope.platform == null;
  return {
    wrong,
    change: {
      thresholds: {
        ...parts.thresholds,
        respectsLearning: draft.respectsLearning === "" ? null : draft.respectsLearning === "true",
        activeHours: from === "" || until === "" ? null : { start: Number(from), end: Number(until) },
      },
      limits: {
        ...parts.limits,
        ...(wide ? { allowedPlatforms: draft.allowedPlatforms, deniedPlatforms: draft.deniedPlatforms } : {}),
        changesDenied: draft.changesDenied,
      },
      automationPaused: draft.automationPaused,
    },
  };
}

/** The names of the settings in which two drafts differ. */
export function differences(one: Draft, other: Draft): string[] {
  const found = SETTINGS.filter(({ name }) => (one.typed[name] ?? "") !== (other.typed[name] ?? "")).map(({ name }) => name);
  const rest = ["respectsLearning", "from", "until", "allowedPlatforms", "deniedPlatforms", "changesDenied", "automationPaused"] as const;
  return [...found, ...rest.filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]))];
}
