/** Words and numbers as people read them. Amounts come as decimal strings; Number() here is for show only. */
import type { ActorPartsFragment, MoneyPartsFragment, Platform, RecommendationStatus } from "./generated/graphql";
import { session } from "./api/session";

export const PLATFORMS: Readonly<Record<Platform, string>> = {
  META: "Meta Ads",
  GOOGLE: "Google Ads",
  TIKTOK: "TikTok Ads",
  LINKEDIN: "LinkedIn Ads",
  AMAZON: "Amazon Ads",
  MICROSOFT: "Microsoft Advertising",
};

export const STATE_COLORS: Readonly<Record<RecommendationStatus, string>> = {
  NEEDS_REVIEW: "blue",
  APPROVED: "teal",
  REJECTED: "orange",
  EXPIRED: "gray",
  SUPERSEDED: "gray",
  STALE: "gray",
};

export const STATES: Readonly<Record<RecommendationStatus, string>> = {
  NEEDS_REVIEW: "Needs review",
  APPROVED: "Approved",
  REJECTED: "Rejected",
  EXPIRED: "Expired",
  SUPERSEDED: "Replaced",
  STALE: "Out of date",
};

type Sign = "auto" | "exceptZero" | "always";
type Amount = Pick<MoneyPartsFragment, "amount" | "currency">;

export function money({ amount, currency }: Amount, signDisplay: Sign = "auto"): string {
  return new Intl.NumberFormat(undefined, { style: "currency", currency, signDisplay }).format(Number(amount));
}

export const signed = (value: Amount): string => money(value, "exceptZero");

export function percent(share: number, signDisplay: Sign = "exceptZero"): string {
  return new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1, signDisplay }).format(share);
}

export function decimal(value: number, signDisplay: Sign = "auto"): string {
  return new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay }).format(value);
}

/** "1 change", "2 changes". */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/** A moment in the reader's own zone, which is named; or in the zone given. */
export function moment(iso: string, timeZone?: string): string {
  return new Intl.DateTimeFormat(undefined, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(new Date(iso));
}

export function clock(iso: string): string {
  return new Intl.DateTimeFormat(undefined, { timeStyle: "medium" }).format(new Date(iso));
}

/** A calendar day, which has no zone. */
export function day(date: string): string {
  return new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", timeZone: "UTC" }).format(new Date(date));
}

export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.round(minutes / 1440)} days`;
}

export function fromNow(iso: string, now: number = session.now()): string {
  const away = new Date(iso).getTime() - now;
  return away > 0 ? `in ${duration(away)}` : `${duration(-away)} ago`;
}

export function nameOf(actor: Pick<ActorPartsFragment, "kind" | "name"> | null | undefined): string {
  if (!actor) return "Somebody";
  return actor.kind === "SYSTEM" ? "The system" : (actor.name ?? "A program");
}

interface Decided {
  readonly status: RecommendationStatus;
  readonly proposedBudget: Amount;
  readonly decisionReason?: string | null;
}

/** What somebody made of a recommendation, as the rest of a sentence that begins with a name. */
export function deed(rec: Decided): string {
  switch (rec.status) {
    case "APPROVED":
      return `approved it at ${money(rec.proposedBudget)} a day`;
    case "REJECTED":
      return `rejected it: “${rec.decisionReason ?? ""}”`;
    case "EXPIRED":
      return "closed it, because its time ran out";
    case "SUPERSEDED":
      return "replaced it by a newer plan";
    case "STALE":
      return "closed it, because the budget was changed elsewhere";
    case "NEEDS_REVIEW":
      return `changed it to ${money(rec.proposedBudget)} a day`;
  }
}
