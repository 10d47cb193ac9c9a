/** What was moved and what came of it: charts, each with its figures as a table, and the file with every change. */
import "../styles/later";
import "@mantine/charts/styles.css";
import { BarChart, LineChart } from "@mantine/charts";
import { Button, Card, Group, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useSearchParams } from "react-router";
import { session } from "../api/session";
import { HistoryDocument, type HistoryQuery, type LiftPartsFragment } from "../generated/graphql";
import { download } from "../parts/download";
import { Empty, Loading, told, Trouble } from "../parts/states";
import { useLoaded } from "../parts/useLoaded";
import { useHere } from "../parts/Viewer";
import { day, decimal, money, percent, signed } from "../words";
import { Changes } from "./history/Changes";
import { PeriodPicker } from "./history/PeriodPicker";
import { dayIn, type Period, wrongWith } from "./history/period";

type Measures = NonNullable<NonNullable<HistoryQuery["workspace"]>["measures"]>;

function Figures({ head, rows }: { readonly head: string[]; readonly rows: string[][] }): ReactNode {
  return (
    <details>
      <summary>The figures as a table</summary>
      <div className="scroll"><Table data={{ head, body: rows }} /></div>
    </details>
  );
}

function Moved({ moved }: { readonly moved: NonNullable<Measures["movedByDay"]> }): ReactNode {
  const currency = moved[0]?.increase.currency ?? "USD";
  const days = new Map<string, { raised: number; lowered: number }>();
  for (const each of moved) {
    const known = days.get(each.day) ?? { raised: 0, lowered: 0 };
    days.set(each.day, { raised: known.raised + Number(each.increase.amount), lowered: known.lowered - Number(each.decrease.amount) });
  }
  const amount = (value: number): string => money({ amount: String(value), currency });
  return (
    <Card withBorder data-testid="moved">
      <Title order={3} size="h5" mb="sm">Daily budget moved, in {currency}</Title>
      <BarChart
        h={240} type="stacked" withLegend dataKey="day" valueFormatter={amount}
        data={[...days].map(([date, values]) => ({ day: day(date), ...values }))}
        series={[{ name: "raised", label: "Raised", color: "teal.6" }, { name: "lowered", label: "Lowered", color: "orange.6" }]}
      />
      <Figures head={["Day", "Raised", "Lowered"]} rows={[...days].map(([date, { raised, lowered }]) => [day(date), amount(raised), amount(lowered)])} />
    </Card>
  );
}

function Roas({ performance }: { readonly performance: NonNullable<Measures["performance"]> }): ReactNode {
  const days = performance.roasByDay.filter((each) => each.mature);
  const blended = performance.blendedRoas;
  const told = (value: number | null | undefined): string => (value == null ? "–" : decimal(value));
  return (
    <Card withBorder data-testid="roas">
      <Title order={3} size="h5" mb="sm">ROAS of changed and untouched budgets</Title>
      {days.length === 0 ? (
        <Text className="soft">No day&apos;s revenue has arrived yet. Conversions are reported late, so a day is shown when it is complete.</Text>
      ) : (
        <>
          <LineChart
            h={240} withLegend dataKey="day" valueFormatter={(value) => decimal(value)} connectNulls={false}
            data={days.map((each) => ({ day: day(each.day), changed: each.roasChanged ?? null, untouched: each.roasUntouched ?? null }))}
            series={[{ name: "changed", label: "Changed", color: "indigo.6" }, { name: "untouched", label: "Untouched", color: "gray.6" }]}
          />
          <Figures head={["Day", "Changed", "Untouched"]} rows={days.map((each) => [day(each.day), told(each.roasChanged), told(each.roasUntouched)])} />
        </>
      )}
      {blended?.state === "MEASURED" ? (
        <Table mt="sm" data={{
          head: ["Fourteen days", "Before", "After", "Change"],
          body: ([["Changed budgets", blended.changed], ["Untouched budgets", blended.untouched]] as const).map(([name, pair]) =>
            [name, told(pair?.roasBefore), told(pair?.roasAfter), pair?.changeShare == null ? "–" : percent(pair.changeShare)]),
        }} />
      ) : (
        <Text size="sm" className="soft" mt="sm">
          {blended?.state === "NO_CHANGE" ? "No change was executed in this period." : "Before and after can be compared once fourteen days have passed and their revenue has arrived."}
        </Text>
      )}
    </Card>
  );
}

function Lift({ title, lift }: { readonly title: string; readonly lift: LiftPartsFragment | null | undefined }): ReactNode {
  return (
    <Card withBorder className="lift">
      <Title order={3} size="h5">{title}</Title>
      {lift ? (
        <>
          <Text size="xl" fw={600}>{signed(lift.perDay)} a day{lift.share == null ? "" : ` (${percent(lift.share)})`}</Text>
          <Text size="sm">Between {signed(lift.perDayLow)} and {signed(lift.perDayHigh)} a day.</Text>
          <Text size="sm" className="soft">From {lift.changes} changes, against {lift.untouchedBudgets} untouched budgets over the same days.</Text>
        </>
      ) : (
        <Text className="soft">Not measurable yet: it takes complete weeks before and after a change, and budgets that were left alone.</Text>
      )}
    </Card>
  );
}

export default function History(): ReactNode {
  const { workspace } = useHere();
  const [search, setSearch] = useSearchParams();
  // Until somebody chooses days the server does, in the workspace's zone.
  const [since, until] = [search.get("since"), search.get("until")];
  const chosen: Period | null = since !== null && until !== null ? { since, until } : null;
  const usable = chosen !== null && wrongWith(chosen) === "" ? chosen : null;
  const { data, error, reload } = useLoaded(HistoryDocument, { workspaceId: workspace.id, since: usable?.since ?? null, until: usable?.until ?? null });
  const [problem, setProblem] = useState("");
  const measures = data?.workspace?.measures;
  const approvals = measures?.approvals;
  const shown: Period | null = usable ?? (measures ? { since: measures.since, until: measures.until } : null);
  const take = (): void => {
    const days = shown ? `&since=${shown.since}&until=${shown.until}` : "";
    download(`/exports/history.csv?workspace=${encodeURIComponent(workspace.id)}${days}`, "history.csv").then(() => setProblem(""), (failed: unknown) => setProblem(told(failed)));
  };
  return (
    <>
      <title>History - Campaign Express</title>
      <Group justify="space-between" mb="sm">
        <Title order={2}>History</Title>
        <Button variant="default" className="csv" onClick={take}>Download as CSV</Button>
      </Group>
      {(error ?? problem) && <Trouble error={error ?? problem} again={reload} />}
      {!data && !error && <Loading what="the history" />}
      {data && !measures && <Empty title="Not for your role">The history takes the right to read analytics; ask an owner of the workspace.</Empty>}
      {measures && shown && (
        <Stack data-testid="history" data-since={measures.since} data-until={measures.until}>
          <PeriodPicker key={`period ${shown.since} ${shown.until}`} period={shown} today={dayIn(data.workspace.timeZone, session.now())} change={(period) => setSearch({ ...period }, { replace: true })} />
          <Text>
            {day(measures.since)} to {day(measures.until)}, in days of {data.workspace.timeZone}.
            {approvals && ` ${approvals.approved} approved, ${approvals.automatic} of them without a person; ${approvals.executed} executed, ${approvals.failed} failed, ${approvals.rolledBack} automatic ones put back.`}
          </Text>
          {measures.movedByDay?.length ? <Moved moved={measures.movedByDay} /> : (
            <Empty title="Nothing was moved in this period">Changes appear here once a platform has confirmed them.</Empty>
          )}
          <SimpleGrid cols={{ base: 1, md: 2 }}>
            <Lift title="Revenue lift" lift={measures.performance?.revenueLift} />
            <Lift title="Spend lift" lift={measures.performance?.spendLift} />
          </SimpleGrid>
          {measures.performance && <Roas performance={measures.performance} />}
          <Changes key={`changes ${measures.since} ${measures.until}`} since={measures.since} until={measures.until} />
        </Stack>
      )}
    </>
  );
}
