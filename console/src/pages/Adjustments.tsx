/** Approved changes on their way to the platforms, live; failed ones can be sent again, confirmed ones put back. */
import "../styles/later";
import { Alert, Badge, Button, Card, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { type ReactNode, type SyntheticEvent, useState } from "react";
import { carryOut } from "../api/client";
import { useStream } from "../api/live";
import { AdjustmentProgressDocument, type AdjustmentPartsFragment, AdjustmentsDocument, RetryDocument, RevertDocument } from "../generated/graphql";
import { journey, STEPS } from "../parts/journey";
import { Empty, Loading, told, Trouble } from "../parts/states";
import { useLoaded } from "../parts/useLoaded";
import { useHere } from "../parts/Viewer";
import { fromNow, moment, money, nameOf, PLATFORMS } from "../words";

const PAGE = 50;

function Row({ change, mayDecide, reload }: { readonly change: AdjustmentPartsFragment; readonly mayDecide: boolean; readonly reload: () => void }): ReactNode {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [reverting, setReverting] = useState(false);
  const [reason, setReason] = useState("");
  const platform = change.campaign?.account?.platform;
  const [label, color] = STEPS[change.status];
  const intent = { id: change.id, expectedVersion: change.version };
  const act = async (ask: () => Promise<{ readonly userErrors: readonly { readonly message: string }[] }>): Promise<void> => {
    setBusy(true);
    try {
      const { userErrors } = await ask();
      setProblem(userErrors[0]?.message ?? "");
      if (userErrors.length === 0) setReverting(false);
      reload();
    } catch (error) {
      setProblem(told(error));
    } finally {
      setBusy(false);
    }
  };
  const revert = (event: SyntheticEvent): void => {
    event.preventDefault();
    void act(async () => (await carryOut("Revert", RevertDocument, { ...intent, reason })).adjustmentRevert);
  };
  const canRevert = change.status === "CONFIRMED" && !change.restores && (!change.restoredBy || change.restoredBy.status === "FAILED");
  return (
    <Card withBorder component="article" className="adjustment" data-id={change.id} data-status={change.status}>
      <Group justify="space-between" wrap="nowrap" align="start">
        <Title order={3} size="h5">{change.campaign?.name ?? "A campaign that is gone"}</Title>
        <Badge variant="light" color={color} tt="none" miw="max-content">{label}</Badge>
      </Group>
      <Text>
        {money(change.budgetBefore)} <span aria-hidden>→</span><span className="skip"> to </span> <strong>{money(change.intendedBudget)}</strong> a day
        {platform ? ` on ${PLATFORMS[platform]}` : ""}
      </Text>
      {platform && <Text size="sm">{journey(change, platform)}</Text>}
      <Text size="sm" className="soft">
        {change.restores ? `Puts back an earlier change${change.reason ? `: “${change.reason}”` : ""}. ` : ""}
        {change.autoApproved ? "Approved by the guardrails" : `Approved by ${nameOf(change.approvedBy)}`}, {moment(change.createdAt)} ({fromNow(change.createdAt)})
        {change.attempts > 1 ? `, tried ${change.attempts} times` : ""}
      </Text>
      {problem && <Alert color="orange" variant="outline" mt="xs" role="alert">{problem}</Alert>}
      {mayDecide && !reverting && (
        <Group mt="xs">
          {(change.status === "FAILED" || change.status === "UNKNOWN") && (
            <Button size="xs" className="retry" loading={busy} onClick={() => void act(async () => (await carryOut("Retry", RetryDocument, intent)).adjustmentRetry)}>Send again</Button>
          )}
          {canRevert && <Button size="xs" variant="default" className="revert" onClick={() => setReverting(true)}>Put back</Button>}
        </Group>
      )}
      {reverting && (
        <form onSubmit={revert} aria-label="Put the budget back">
          <Group align="end" mt="xs">
            <TextInput label="Why put it back?" required maxLength={500} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
            <Button type="submit" loading={busy}>Put {money(change.budgetBefore)} back</Button>
            <Button variant="default" onClick={() => setReverting(false)}>Cancel</Button>
          </Group>
        </form>
      )}
    </Card>
  );
}

export default function Adjustments(): ReactNode {
  const { workspace } = useHere();
  const { data, error, reload } = useLoaded(AdjustmentsDocument, { workspaceId: workspace.id, first: PAGE, after: null });
  useStream(AdjustmentProgressDocument, { workspaceId: workspace.id }, ({ adjustmentProgress: message }, goOnAfter) => {
    goOnAfter(message.cursor);
    if (message.__typename !== "Watermark") reload();
  });
  const nodes = data?.adjustments.nodes;
  return (
    <>
      <title>Adjustments - Campaign Express</title>
      <Title order={2} mb="sm">Adjustments</Title>
      {error && <Trouble error={error} again={reload} />}
      {!nodes && !error && <Loading what="adjustments" />}
      {nodes?.length === 0 && <Empty title="No changes yet">Approve a recommendation, and its way to the platform is shown here step by step.</Empty>}
      <Stack>
        {nodes?.map((each) => <Row key={each.id} change={each} mayDecide={workspace.mayDecideBudgets} reload={reload} />)}
      </Stack>
      {data?.adjustments.pageInfo.hasNextPage && <Text size="sm" className="soft" mt="md">The newest {PAGE} are shown; History exports all.</Text>}
    </>
  );
}
