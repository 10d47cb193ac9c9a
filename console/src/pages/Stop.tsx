/** The emergency stop: first what it would do, then the word that does it. */
import { Alert, Button, Card, Group, List, NumberInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { type ReactNode, type SyntheticEvent, useState } from "react";
import { carryOut } from "../api/client";
import { useStream } from "../api/live";
import { AdjustmentProgressDocument, StopLiftDocument, StopPreviewDocument, type StopsQuery, StopsDocument, StopStartDocument } from "../generated/graphql";
import { Empty, Loading, told, Trouble } from "../parts/states";
import { useLoaded } from "../parts/useLoaded";
import { useHere } from "../parts/Viewer";
import { fromNow, moment, money, nameOf } from "../words";

type Stop = StopsQuery["emergencyStops"]["nodes"][number];

const DAY_HOURS = 24;
const WORD = "stop";

interface Refusable {
  readonly userErrors: readonly { readonly message: string }[];
}

function Preview({ windowHours }: { readonly windowHours: number }): ReactNode {
  const { workspace } = useHere();
  const { data, error, reload } = useLoaded(StopPreviewDocument, { workspaceId: workspace.id, windowHours });
  const preview = data?.emergencyStopPreview;
  if (error) return <Trouble error={error} again={reload} />;
  if (!data) return <Loading what="what a stop would do" />;
  if (!preview) return <Text className="soft">What it would do cannot be shown right now.</Text>;
  return (
    <div data-testid="stop-preview">
      <Text>A stop now would:</Text>
      <List size="sm">
        <List.Item>cut off {preview.cutOffCount} changes that wait and were not sent yet;</List.Item>
        <List.Item>wait for {preview.onTheirWayCount} that are on their way, and then put them back;</List.Item>
        <List.Item>
          put back {preview.restoredCount} changes of the last {windowHours} hours
          {preview.restored && preview.restored.length > 0 && (
            <List size="sm" withPadding>
              {preview.restored.map((each) => (
                <List.Item key={each.id}>{each.campaign?.name ?? "A campaign that is gone"}: {money(each.intendedBudget)} back to {money(each.budgetBefore)} a day</List.Item>
              ))}
            </List>
          )}
        </List.Item>
        <List.Item>let nothing be approved or sent until somebody lifts it.</List.Item>
      </List>
    </div>
  );
}

function Start({ act }: { readonly act: (ask: () => Promise<Refusable>) => Promise<void> }): ReactNode {
  const { workspace } = useHere();
  const [reason, setReason] = useState("");
  const [windowHours, setWindowHours] = useState(DAY_HOURS);
  const [sure, setSure] = useState(false);
  const [word, setWord] = useState("");
  const first = (event: SyntheticEvent): void => {
    event.preventDefault();
    setSure(true);
  };
  const second = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (word.trim().toLowerCase() !== WORD) return;
    void act(async () => (await carryOut("StopStart", StopStartDocument, { workspaceId: workspace.id, reason, windowHours })).emergencyStopStart);
  };
  return (
    <Card withBorder>
      <Stack>
        <form onSubmit={first} aria-label="What a stop would do">
          <Group align="end">
            <TextInput name="reason" label="Why stop?" required maxLength={500} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
            <NumberInput label="Put back what was changed in the last hours" min={0} max={168} allowDecimal={false} clampBehavior="strict" value={windowHours}
              onChange={(value) => setWindowHours(Number(value))} />
            {!sure && <Button type="submit" variant="outline" color="red">Show what it will do</Button>}
          </Group>
        </form>
        {sure && <Preview windowHours={windowHours} />}
        {sure && (
          <form onSubmit={second} aria-label="Stop now">
            <Group align="end">
              <TextInput name="word" label={`Type ${WORD} to go on`} required autoComplete="off" value={word} onChange={(event) => setWord(event.currentTarget.value)} />
              <Button type="submit" color="red" className="stop-now" disabled={word.trim().toLowerCase() !== WORD}>Stop {workspace.name} now</Button>
              <Button variant="default" onClick={() => { setSure(false); setWord(""); }}>Cancel</Button>
            </Group>
          </form>
        )}
      </Stack>
    </Card>
  );
}

function Past({ stop }: { readonly stop: Stop }): ReactNode {
  return (
    <Card withBorder component="article">
      <Text fw={600}>“{stop.reason}”</Text>
      <Text size="sm">
        {nameOf(stop.startedBy)}, {moment(stop.startedAt)}; lifted by {nameOf(stop.liftedBy)}{stop.liftedAt ? `, ${moment(stop.liftedAt)}` : ""}; {stop.itemCount} changes.
      </Text>
    </Card>
  );
}

export default function EmergencyStop(): ReactNode {
  const { workspace } = useHere();
  const { data, error, reload } = useLoaded(StopsDocument, { workspaceId: workspace.id });
  const [problem, setProblem] = useState("");
  useStream(AdjustmentProgressDocument, { workspaceId: workspace.id }, ({ adjustmentProgress: message }, goOnAfter) => {
    goOnAfter(message.cursor);
    reload();
  });
  const act = async (ask: () => Promise<Refusable>): Promise<void> => {
    try {
      setProblem((await ask()).userErrors[0]?.message ?? "");
    } catch (failed) {
      setProblem(told(failed));
    }
    reload();
  };
  const stops = data?.emergencyStops.nodes ?? [];
  const standing = stops.find((each) => !each.liftedAt);
  const past = stops.filter((each) => each.liftedAt);
  return (
    <>
      <title>Emergency stop - Campaign Express</title>
      <Title order={2} mb="sm">Emergency stop</Title>
      {(error ?? problem) && <Trouble error={error ?? problem} />}
      {!data && !error && <Loading what="stops" />}
      {data && standing && (
        <Alert color="red" variant="outline" title={`${workspace.name} is stopped`} data-testid="stopped" mb="md">
          <Text>{nameOf(standing.startedBy)}, {moment(standing.startedAt)} ({fromNow(standing.startedAt)}): “{standing.reason}”</Text>
          <Text>{standing.stillAt ? `Everything is still since ${moment(standing.stillAt)}.` : "Some changes are still being put back."} {standing.itemCount} changes are in the report.</Text>
          <Button mt="sm" className="lift" onClick={() => void act(async () => (await carryOut("StopLift", StopLiftDocument, { id: standing.id, expectedVersion: standing.version })).emergencyStopLift)}>Lift the stop</Button>
        </Alert>
      )}
      {data && !standing && <Start act={act} />}
      {data && past.length === 0 && !standing && (
        <Stack mt="md"><Empty title="No stop so far">It holds everything at once: what waits is cut off, what was changed lately is put back, people are told.</Empty></Stack>
      )}
      {past.length > 0 && (
        <Stack mt="lg">
          <Title order={3} size="h5">Earlier stops</Title>
          {past.map((each) => <Past key={each.id} stop={each} />)}
        </Stack>
      )}
    </>
  );
}
