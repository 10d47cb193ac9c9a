/** How revenue answers to one budget: the fitted curve with its interval, "now" and "proposed" drawn in, and as figures. */
import "../../styles/later";
import "@mantine/charts/styles.css";
import { CompositeChart } from "@mantine/charts";
import { Table, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { type RecommendationPartsFragment, ResponseCurveDocument, type ResponseCurveQuery } from "../../generated/graphql";
import { Loading, Trouble } from "../../parts/states";
import { useLoaded } from "../../parts/useLoaded";
import { money, percent } from "../../words";
import { drawn } from "./curve";

type Curve = NonNullable<NonNullable<ResponseCurveQuery["recommendation"]>["responseCurve"]>;

function Drawn({ rec, curve }: { readonly rec: RecommendationPartsFragment; readonly curve: Curve }): ReactNode {
  const { currency } = rec.currentBudget;
  const told = (value: number): string => money({ amount: String(value), currency });
  const short = (value: number): string => new Intl.NumberFormat(undefined, { style: "currency", currency, notation: "compact", maximumFractionDigits: 1 }).format(value);
  const points = drawn(curve.points);
  const [now, proposed] = [Number(rec.currentBudget.amount), Number(rec.proposedBudget.amount)];
  const seen = `${money(curve.seenLow)} to ${money(curve.seenHigh)}`;
  return (
    <div className="curve" role="img" aria-label={`Expected revenue a day over the daily budget of ${rec.campaignName}; the figures stand below as a table`}>
      <CompositeChart
        h={220} dataKey="budget" data={points} withLegend withDots={false} curveType="monotone" strokeWidth={2} composedChartProps={{ margin: { right: 12 } }}
        xAxisProps={{ type: "number", domain: [0, "dataMax"], tickFormatter: short }} yAxisProps={{ tickFormatter: short }}
        valueFormatter={(value: unknown) => (Array.isArray(value) ? value.map((each) => told(Number(each))).join(" to ") : told(Number(value)))}
        series={[{ name: "interval", label: "90 % interval", color: "indigo.3", type: "area" }, { name: "revenue", label: "Expected revenue", color: "indigo.6", type: "line" }]}
        referenceLines={[{ x: now, label: "now", color: "gray.7" }, { x: proposed, label: "proposed", color: "teal.8" }]}
      />
      <Text size="xs" className="soft">
        Across: the daily budget; upwards: revenue a day. The band says where the expected revenue lies, 90 % sure; single days scatter more. Days of {seen} were seen; outside of that, the shape speaks.{" "}
        {percent(curve.evidenceShare, "auto")} of the shape comes from this campaign&apos;s own days, the rest from what its platform and the others show.
      </Text>
    </div>
  );
}

export default function ResponseCurve({ rec }: { readonly rec: RecommendationPartsFragment }): ReactNode {
  const { data, error, reload } = useLoaded(ResponseCurveDocument, { id: rec.id });
  const { currency } = rec.currentBudget;
  if (error) return <Trouble error={error} again={reload} />;
  if (!data) return <Loading what="the response curve" />;
  const curve = data.recommendation?.responseCurve;
  if (!curve) return <Text size="sm" className="soft no-curve">No curve to draw: whoever proposed this fits none, or it was made before curves were kept. The figures above are all there is.</Text>;
  const marked: Readonly<Record<string, string>> = { [rec.currentBudget.amount]: " (now)", [rec.suggestedBudget.amount]: " (suggested)" };
  return (
    <>
      <Drawn rec={rec} curve={curve} />
      <details>
        <summary>The curve as a table</summary>
        <div className="scroll">
          <Table data={{
            head: ["Daily budget", "Expected revenue a day", "90 % interval"],
            body: curve.points.map(({ budget, revenue, revenueLow, revenueHigh }) => [
              `${money(budget)}${marked[budget.amount] ?? ""}`, money({ ...revenue, currency }), `${money({ ...revenueLow, currency })} to ${money({ ...revenueHigh, currency })}`,
            ]),
          }} />
        </div>
      </details>
    </>
  );
}
