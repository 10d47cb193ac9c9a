/** A response curve as a chart takes it. */
interface Amount {
  readonly amount: string;
}

interface Point {
  readonly budget: Amount;
  readonly revenueLow: Amount;
  readonly revenue: Amount;
  readonly revenueHigh: Amount;
}

export interface Drawn extends Record<string, unknown> {
  readonly budget: number;
  readonly revenue: number;
  readonly interval: readonly [low: number, high: number];
}

export function drawn(points: readonly Point[]): Drawn[] {
  return points.map(({ budget, revenue, revenueLow, revenueHigh }) => ({
    budget: Number(budget.amount),
    revenue: Number(revenue.amount),
    interval: [Number(revenueLow.amount), Number(revenueHigh.amount)],
  }));
}
