/** The days a history is asked for: the last thirty until somebody says otherwise. Days are `YYYY-MM-DD`. */

export const MOST_DAYS = 366;
const DAY_MILLISECONDS = 86_400_000;

export interface Period {
  readonly since: string;
  readonly until: string;
}

/** The calendar day of a moment in a time zone. */
export function dayIn(timeZone: string, at: number): string {
  const parts = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(new Date(at));
  const of = (type: string): string => parts.find((each) => each.type === type)?.value ?? "";
  return `${of("year")}-${of("month")}-${of("day")}`;
}

/** So many days, the last one included. */
export function lastDays(count: number, until: string): Period {
  return { since: new Date(Date.parse(until) - (count - 1) * DAY_MILLISECONDS).toISOString().slice(0, 10), until };
}

/** What is wrong with a period, in words; empty when it can be asked for. */
export function wrongWith({ since, until }: Period): string {
  const [first, last] = [Date.parse(since), Date.parse(until)];
  if (Number.isNaN(first) || Number.isNaN(last)) return "Both days, please.";
  if (first > last) return "The first day lies after the last.";
  if ((last - first) / DAY_MILLISECONDS >= MOST_DAYS) return `At most ${MOST_DAYS} days.`;
  return "";
}
