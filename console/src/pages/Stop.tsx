/** The emergency stop: the one in force and what it did so far, pulling one, lifting it, and earlier ones. */
import "../styles/later";
import { Alert, Anchor, Button, Card, Group, List, Stack, Text, Title } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { type ReactNode, useEffect, useState } from "react";
import { carryOut } from "../api/client";
import { useStream } from "../api/live";
import { AdjustmentProgressDocument, type CampaignStatusChangeState, StopLiftDocument, type StopsQuery, StopsDocument } from "../generated/graphql";
import { download } from "../parts/download";
import { Empty, Loading, told, Trouble } from "../parts/states";
import { useLoaded } from "../parts/useLoaded";
import { useHere } from "../parts/Viewer";
import { counted, fromNow, moment, nameOf } from "../words";
import { type Act, Start } from "./stop/Start";

type Stop = StopsQuery["emergencyStops"]["nodes"][number];
type StatusChange = NonNullable<Stop["statusChanges"]>[number];

const LOOK_MILLISECONDS = 2000;
const PAUSE_STATES: Readonly<Record<CampaignStatusChangeState, string>> = {
  PENDING: "waits to be paused",
  SENDING: "is being paused",
  CONFIRMED: "is paused",
  FAILED: "could not be paused",
  UNKNOWN: "may be paused; look at the platform",
};

function Report({ stop, failed }: { readonly stop: Stop; readonly failed: (text: string) => void }): ReactNode {
  const take = (kind: "pdf" | "json"): void => {
    download(`/exports/incidents/${encodeURIComponent(stop.id)}.${kind}`, `incident.${kind}`).catch((problem: unknown) => failed(told(problem)));
  };
  return (
    <Group gap="xs">
      <Text size="sm">Incident report:</Text>
      {(["pdf", "json"] as const).map((kind) => (
        <Anchor key={kind} component="button" type="button" size="sm" underline="always" onClick={() => take(kind)} aria-label={`Incident report as ${kind.toUpperCase()}`}>{kind.toUpperCase()}</Anchor>
      ))}
    </Group>
  );
}

function Paused({ changes }: { readonly changes: readonly StatusChange[] }): ReactNode {
  const pauses = changes.filter((each) => each.wantedStatus === "PAUSED");
  if (pauses.length === 0) return null;
  return (
    <details className="paused" open>
      <summary>Campaigns it pauses</summary>
      <List size="sm">
        {pauses.map((each) => (
          <List.Item key={each.id} data-state={each.state}>
            {each.campaign?.name ?? "A campaign that is gone"} {PAUSE_STATES[each.state]}{each.failureReason ? `: ${each.failureReason}` : ""}
          </List.Item>
        ))}
      </List>
    </details>
  );
}

function Standing({ stop, act, failed }: { readonly stop: Stop; readonly act: Act; readonly failed: (text: string) => void }): ReactNode {
  const { workspace } = useHere();
  return (
    <Alert color="red" variant="outline" title={`${workspace.name} is stopped`} role="status" data-testid="stopped" mb="md">
      <Text>{nameOf(stop.startedBy)}, {moment(stop.startedAt)} ({fromNow(stop.startedAt)}): “{stop.reason}”</Text>
      <Text>{stop.stillAt ? `Everything is still since ${moment(stop.stillAt)}.` : "Some changes are still being put back."} {counted(stop.itemCount, "change")} in the report.</Text>
      <Paused changes={stop.statusChanges ?? []} />
      <Report stop={stop} failed={failed} />
      <Button mt="sm" className="lift" onClick={() => void act(async () => (await carryOut("StopLift", StopLiftDocument, { id: stop.id, expectedVersion: stop.version })).emergencyStopLift)}>Lift the stop</Button>
    </Alert>
  );
}

function Past({ stop, failed }: { readonly stop: Stop; readonly failed: (text: string) => void }): ReactNode {
  return (
    <Card withBorder component="article">
      <Text fw={600}>“{stop.reason}”</Text>
      <Text size="sm">
        {nameOf(stop.startedBy)}, {moment(stop.startedAt)}; lifted by {nameOf(stop.liftedBy)}{stop.liftedAt ? `, ${moment(stop.liftedAt)}` : ""}; {counted(stop.itemCount, "change")}
        {stop.pauseCount ? `, ${counted(stop.pauseCount, "campaign")} paused` : ""}.
      </Text>
      <Report stop={stop} failed={failed} />
    </Card>
  );
}

export default function EmergencyStop(): ReactNode {
  const { workspace } = useHere();
  const { data, error, reload } = useLoaded(StopsDocument, { workspaceId: workspace.id });
  const [problem, setProblem] = useState("");
  useStream(AdjustmentProgressDocument, { workspaceId: workspace.id }, ({ adjustmentProgress: message }, goOnAfter) => {
    goOnAfter(message.cursor);
    if (message.__typename !== "Watermark") reload();
  });
  const act: Act = async (ask) => {
    try {
      setProblem((await ask()).userErrors[0]?.message ?? "");
    } catch (failed) {
      setProblem(told(failed));
    }
    reload();
  };
  const stops = data?.emergencyStops.nodes ?? [];
  const standing = stops.find((each) => !each.liftedAt);
  // No stream tells how pauses fare, nor when all is still; until then the page asks.
  const moving = standing !== undefined && (!standing.stillAt || (standing.statusChanges ?? []).some(({ state }) => state === "PENDING" || state === "SENDING"));
  const { start, stop } = useInterval(reload, LOOK_MILLISECONDS);
  useEffect(() => {
    if (moving) start();
    return stop;
  }, [moving, start, stop]);
  const past = stops.filter((each) => each.liftedAt);
  return (
    <>
      <title>Emergency stop - Campaign Express</title>
      <Title order={2} mb="sm">Emergency stop</Title>
      {(error ?? problem) && <Trouble error={error ?? problem} again={reload} />}
      {!data && !error && <Loading what="stops" />}
      {data && standing && <Standing stop={standing} act={act} failed={setProblem} />}
      {data && !standing && <Start act={act} />}
      {data && past.length === 0 && !standing && (
        <Stack mt="md"><Empty title="No stop so far">A stop holds everything at once: what waits is cut off, what was changed lately is put back, people are told.</Empty></Stack>
      )}
      {past.length > 0 && (
        <Stack mt="lg">
          <Title order={3} size="h5">Earlier stops</Title>
          {past.map((each) => <Past key={each.id} stop={each} failed={setProblem} />)}
        </Stack>
      )}
    </>
  );
}
