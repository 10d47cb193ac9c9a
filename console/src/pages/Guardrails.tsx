/** What may run without a person, what may never be passed, and the switches over both. */
import { Card, SimpleGrid, Stack, Switch, Text, Title } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { carryOut } from "../api/client";
import { AutomationSetDocument, GuardrailsDocument, type GuardrailsQuery } from "../generated/graphql";
import { Empty, Loading, told, Trouble } from "../parts/states";
import { useLoaded } from "../parts/useLoaded";
import { useHere } from "../parts/Viewer";
import { decimal, money, percent, PLATFORMS } from "../words";

type Guardrail = GuardrailsQuery["guardrails"]["nodes"][number];

function scopeOf({ scope }: Guardrail): string {
  if (scope.kind === "PLATFORM" && scope.platform) return PLATFORMS[scope.platform];
  if (scope.kind === "CAMPAIGN") return scope.campaign?.name ?? "A campaign that is gone";
  if (scope.kind === "RULE") return `Rule ${scope.rule ?? ""}`;
  return "The whole workspace";
}

function thresholdsOf({ thresholds, automationPaused }: Guardrail): string[] {
  const { maxChangeShare, maxIncrease, minRoas, minConfidence, coolDownHours, minHistoryDays, maxAutomaticChanges } = thresholds;
  return [
    automationPaused && "Nothing here runs without a person.",
    maxChangeShare != null && `Changes of at most ${percent(Number(maxChangeShare), "auto")} of a budget.`,
    maxIncrease && `Increases of at most ${money(maxIncrease)} a day.`,
    minRoas != null && `More money only from a ROAS of ${decimal(Number(minRoas))} on.`,
    minConfidence != null && `At least ${percent(Number(minConfidence), "auto")} sure that it helps.`,
    coolDownHours != null && `${coolDownHours} hours after the last change at the earliest.`,
    minHistoryDays != null && `At least ${minHistoryDays} complete days with spend.`,
    maxAutomaticChanges != null && `At most ${maxAutomaticChanges} automatic changes of one budget a day.`,
  ].filter((each) => typeof each === "string");
}

function limitsOf({ limits }: Guardrail): string[] {
  return [
    limits.changesDenied && "No changes at all.",
    limits.minDailyBudget && `No daily budget under ${money(limits.minDailyBudget)}.`,
    limits.maxDailyBudget && `No daily budget over ${money(limits.maxDailyBudget)}.`,
    limits.maxAccountBudget && `Daily budgets of one account together at most ${money(limits.maxAccountBudget)}.`,
    limits.maxChanges != null && `At most ${limits.maxChanges} changes of one budget a day.`,
  ].filter((each) => typeof each === "string");
}

function List({ title, items, none }: { readonly title: string; readonly items: string[]; readonly none: string }): ReactNode {
  return (
    <div>
      <Title order={4} size="h6">{title}</Title>
      {items.length === 0 ? <Text size="sm" className="soft">{none}</Text> : <ul>{items.map((each) => <li key={each}><Text size="sm">{each}</Text></li>)}</ul>}
    </div>
  );
}

export default function Guardrails(): ReactNode {
  const { workspace } = useHere();
  const { data, error, reload } = useLoaded(GuardrailsDocument, { workspaceId: workspace.id });
  const [problem, setProblem] = useState("");
  const automation = data?.automation;
  const preview = data?.guardrailPreview;
  const turn = (change: { autoApproval?: boolean; paused?: boolean }): void => {
    if (!automation) return;
    carryOut("AutomationSet", AutomationSetDocument, { workspaceId: workspace.id, expectedVersion: automation.version, change })
      .then((answer) => setProblem(answer.automationSet.userErrors[0]?.message ?? ""), (failed: unknown) => setProblem(told(failed)))
      .finally(reload);
  };
  return (
    <>
      <title>Guardrails - Campaign Express</title>
      <Title order={2} mb="sm">Guardrails</Title>
      {(error ?? problem) && <Trouble error={error ?? problem} again={reload} />}
      {!data && !error && <Loading what="guardrails" />}
      {data && (
        <Stack data-testid="guardrails">
          {automation && (
            <Card withBorder>
              <Title order={3} size="h5" mb="xs">Automation</Title>
              <Stack gap="sm">
                <Switch checked={automation.autoApproval} disabled={!workspace.mayDecideBudgets} onChange={(event) => turn({ autoApproval: event.currentTarget.checked })}
                  label="Approve without a person" description="What lies inside both kinds of guardrail is approved and sent at once." />
                <Switch checked={automation.paused} disabled={!workspace.mayDecideBudgets} onChange={(event) => turn({ paused: event.currentTarget.checked })}
                  label="Pause all automation" description="Nothing runs without a person, whatever else is on." />
                <Text size="sm" className="soft">Sending to real platforms is {automation.liveSending ? "on" : "off; the sandbox needs no leave"}.</Text>
              </Stack>
            </Card>
          )}
          {preview && (
            <Card withBorder data-testid="preview">
              <Title order={3} size="h5">What these guardrails make of the last recommendations</Title>
              <Text>Of {preview.considered}: {preview.autoApproved} would pass without a person, {preview.needsReview} need review, {preview.blocked} are blocked.</Text>
            </Card>
          )}
          {data.guardrails.nodes.length === 0 && (
            <Empty title="No guardrails are set">Until some are, every recommendation waits for a person. They are set with guardrailSet; the explorer has an example.</Empty>
          )}
          {data.guardrails.nodes.map((each) => (
            <Card withBorder key={each.id}>
              <Title order={3} size="h5" mb="xs">{scopeOf(each)}</Title>
              <SimpleGrid cols={{ base: 1, sm: 2 }}>
                <List title="Without a person" items={thresholdsOf(each)} none="No thresholds of its own." />
                <List title="Never, for anybody" items={limitsOf(each)} none="No hard limits of its own." />
              </SimpleGrid>
            </Card>
          ))}
        </Stack>
      )}
    </>
  );
}
