/** What last week's recommendations would have met: as all is set now, and with what stands in the form. */
import { Card, Group, Progress, Table, Text, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import type { ReactNode } from "react";
import { type GuardrailChangeInput, type GuardrailOutcome, GuardrailPreviewDocument, type GuardrailScopeInput, type PreviewPartsFragment } from "../../generated/graphql";
import { Loading } from "../../parts/states";
import { useLoaded } from "../../parts/useLoaded";
import { useHere } from "../../parts/Viewer";
import { money } from "../../words";

const OUTCOMES: Readonly<Record<GuardrailOutcome, readonly [label: string, color: string]>> = {
  AUTO_APPROVED: ["would pass without a person", "teal"],
  NEEDS_REVIEW: ["would wait for a person", "blue"],
  BLOCKED: ["would be blocked", "red"],
};
const SETTLE_MILLISECONDS = 300;

function counts(preview: PreviewPartsFragment): readonly (readonly [GuardrailOutcome, number])[] {
  return [["AUTO_APPROVED", preview.autoApproved], ["NEEDS_REVIEW", preview.needsReview], ["BLOCKED", preview.blocked]];
}

function Bar({ name, preview }: { readonly name: string; readonly preview: PreviewPartsFragment }): ReactNode {
  const found = counts(preview).filter(([, count]) => count > 0);
  return (
    <div>
      <Text size="sm" fw={600}>{name}</Text>
      <Text size="sm" className="counts">
        {counts(preview).map(([outcome, count]) => `${count} ${OUTCOMES[outcome][0]}`).join(", ")}.
      </Text>
      {preview.considered > 0 && (
        <Progress.Root size="md" mt={4} aria-hidden>
          {found.map(([outcome, count]) => <Progress.Section key={outcome} value={(100 * count) / preview.considered} color={OUTCOMES[outcome][1]} />)}
        </Progress.Root>
      )}
    </div>
  );
}

function Changes({ asSet, drafted }: { readonly asSet: PreviewPartsFragment; readonly drafted: PreviewPartsFragment }): ReactNode {
  const before = new Map(asSet.items.map((each) => [each.recommendation?.id, each.outcome]));
  const changed = drafted.items.filter(({ recommendation, outcome }) => recommendation && before.get(recommendation.id) !== outcome);
  if (changed.length === 0) return <Text size="sm" className="soft">No recommendation of that week would have met anything else than as all is set now.</Text>;
  return (
    <div className="scroll">
      <Table data={{
        caption: `${changed.length} recommendations of the last seven days would have met something else`,
        head: ["Campaign", "Change a day", "As set now", "With what stands here", "Why"],
        body: changed.map(({ recommendation: rec, outcome, violations }) => [
          rec?.campaignName,
          rec && `${money(rec.currentBudget)} → ${money(rec.proposedBudget)}`,
          OUTCOMES[before.get(rec?.id) ?? "NEEDS_REVIEW"][0],
          OUTCOMES[outcome][0],
          violations.filter(({ hard }) => hard || outcome !== "BLOCKED").map(({ message }) => message).join("; ") || "It lies inside both kinds of guardrail.",
        ]),
      }} />
    </div>
  );
}

interface PreviewProps {
  readonly scope: GuardrailScopeInput;
  /** Null while what is typed cannot be read. */
  readonly change: GuardrailChangeInput | null;
}

export function Preview({ scope, change }: PreviewProps): ReactNode {
  const { workspace } = useHere();
  const [asked] = useDebouncedValue(JSON.stringify({ scope, change }), SETTLE_MILLISECONDS);
  const settled = JSON.parse(asked) as PreviewProps;
  const { data, error } = useLoaded(GuardrailPreviewDocument, { workspaceId: workspace.id, ...settled });
  return (
    <Card withBorder data-testid="preview" role="status" aria-live="polite" component="section" aria-label="What would have happened last week">
      <Title order={4} size="h6">What would have happened last week, with approval without a person switched on</Title>
      {change === null && <Text size="sm" className="soft">Correct what is marked, and it is worked out anew.</Text>}
      {error !== null && change !== null && <Text size="sm" className="wrong">Not possible: {error}.</Text>}
      {!data && error === null && <Loading what="last week" />}
      {data && data.drafted.considered === 0 && <Text size="sm" className="soft">There were no recommendations in the last seven days to try this on.</Text>}
      {data && data.drafted.considered > 0 && (
        <>
          <Group grow align="start" my="xs" className="bars">
            <Bar name="As all is set now" preview={data.asSet} />
            {change !== null && <Bar name="With what stands here" preview={data.drafted} />}
          </Group>
          {change !== null && <Changes asSet={data.asSet} drafted={data.drafted} />}
        </>
      )}
    </Card>
  );
}
