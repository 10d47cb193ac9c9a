/** Each approved change of the period: who or what decided it, what was approved, and what was executed of it. */
import { Badge, Button, Card, Table, Text, Title } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { ask } from "../../api/client";
import { HistoryEntriesDocument, type HistoryEntriesQuery } from "../../generated/graphql";
import { STEPS } from "../../parts/journey";
import { Empty, Loading, told, Trouble } from "../../parts/states";
import { useLoaded } from "../../parts/useLoaded";
import { useHere } from "../../parts/Viewer";
import { moment, nameOf, PLATFORMS, signed } from "../../words";
import type { Period } from "./period";

type Found = NonNullable<NonNullable<HistoryEntriesQuery["workspace"]>["history"]>;
type Entry = Found["nodes"][number];

const PAGE = 20;

function row(entry: Entry): ReactNode[] {
  const [label, color] = entry.adjustment ? STEPS[entry.adjustment.status] : ["Gone", "gray"];
  return [
    moment(entry.approvedAt),
    entry.campaign?.name ?? "A campaign that is gone",
    PLATFORMS[entry.platform],
    entry.automatic ? "The guardrails" : nameOf(entry.decidedBy),
    signed(entry.approvedDelta),
    entry.executedDelta ? signed(entry.executedDelta) : "–",
    <Badge key="state" variant="light" color={color} tt="none" miw="max-content">{label}</Badge>,
  ];
}

/** Of one period; another one is another component, by its key. */
export function Changes({ since, until }: Period): ReactNode {
  const { workspace } = useHere();
  const asked = { workspaceId: workspace.id, since, until, first: PAGE };
  const { data, error, reload } = useLoaded(HistoryEntriesDocument, { ...asked, after: null });
  const [more, setMore] = useState<readonly Found[]>([]);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const first = data?.workspace?.history;
  if (error) return <Trouble error={error} again={reload} />;
  if (!data) return <Loading what="the changes" />;
  if (!first) return null;
  const pages = [first, ...more];
  const { hasNextPage, endCursor } = (pages.at(-1) ?? first).pageInfo;
  const next = (): void => {
    setBusy(true);
    ask(HistoryEntriesDocument, { ...asked, after: endCursor ?? null })
      .then(
        (found) => {
          const page = found.workspace?.history;
          if (page) setMore((known) => [...known, page]);
          setProblem("");
        },
        (failed: unknown) => setProblem(told(failed)),
      )
      .finally(() => setBusy(false));
  };
  const entries = pages.flatMap((each) => each.nodes);
  if (entries.length === 0) return <Empty title="Nothing was approved in this period">Approve a recommendation, or choose other days.</Empty>;
  return (
    <Card withBorder data-testid="changes">
      <Title order={3} size="h5" mb="sm">Approved against executed</Title>
      <Text size="sm" className="soft" mb="xs">What was approved to move a day and what the platform confirmed, in the reporting currency; who or what decided it.</Text>
      <div className="scroll">
        <Table data={{ head: ["Approved", "Campaign", "Platform", "Decided by", "Approved a day", "Executed a day", "State"], body: entries.map(row) }} />
      </div>
      {problem && <Trouble error={problem} again={next} />}
      {hasNextPage && <Button variant="default" size="xs" mt="sm" w="fit-content" loading={busy} onClick={next}>{PAGE} more</Button>}
    </Card>
  );
}
