/** How an approved change is doing on its way to its platform. */
import type { AdjustmentPartsFragment, AdjustmentStatus, Platform } from "../generated/graphql";
import { clock, money, PLATFORMS } from "../words";

export const STEPS: Readonly<Record<AdjustmentStatus, readonly [label: string, color: string]>> = {
  PENDING: ["Queued", "gray"],
  SENDING: ["Sending", "blue"],
  APPLIED: ["Accepted, reading back", "cyan"],
  CONFIRMED: ["Confirmed", "teal"],
  FAILED: ["Failed", "red"],
  UNKNOWN: ["Not known", "orange"],
  REVERTED: ["Put back", "grape"],
};

export function journey(change: AdjustmentPartsFragment, platform: Platform): string {
  const [place, amount] = [PLATFORMS[platform], money(change.intendedBudget)];
  const why = change.failureReason ? `: ${change.failureReason}` : "";
  switch (change.status) {
    case "PENDING":
      return `Queued for ${place}${why}`;
    case "SENDING":
      return `Sending ${amount} a day to ${place}`;
    case "APPLIED":
      return `${place} accepted it; reading it back`;
    case "CONFIRMED":
      return `Confirmed: ${place} runs it at ${amount} a day${change.confirmedAt ? ` since ${clock(change.confirmedAt)}` : ""}`;
    case "FAILED":
      return `Failed${why}`;
    case "UNKNOWN":
      return `It is not known whether ${place} took it${why}`;
    case "REVERTED":
      return `Put back: ${place} runs the budget from before again`;
  }
}
