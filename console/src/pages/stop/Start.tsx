/** Pulling the emergency stop: first what it would do, then the word that does it. */
import { Button, Card, Group, List, NativeSelect, NumberInput, Spoiler, Stack, Text, TextInput } from "@mantine/core";
import { type ReactNode, type SyntheticEvent, useState } from "react";
import { carryOut } from "../../api/client";
import { type EmergencyStopPausing, StopPreviewDocument, type StopPreviewQuery, StopStartDocument } from "../../generated/graphql";
import { Loading, Trouble } from "../../parts/states";
import { useLoaded } from "../../parts/useLoaded";
import { useHere } from "../../parts/Viewer";
import { counted, money, PLATFORMS } from "../../words";

const DAY_HOURS = 24;
const WORD = "stop";
/** A telephone's whole width, else as wide as it is. */
const WIDE = { base: "100%", sm: "auto" };

export const PAUSING: Readonly<Record<EmergencyStopPausing, string>> = {
  NONE: "No campaign: budgets alone",
  AFFECTED: "Those whose budget was changed in these hours",
  ALL: "All that run in this workspace",
};

export interface Refusable {
  readonly userErrors: readonly { readonly message: string }[];
}

export type Act = (ask: () => Promise<Refusable>) => Promise<void>;

interface Reach {
  readonly windowHours: number;
  readonly pauseCampaigns: EmergencyStopPausing;
}

type Told = NonNullable<StopPreviewQuery["emergencyStopPreview"]>;

/** A list that may be long, cut where it would push the second step off the page. */
function Named({ names, count }: { readonly names: readonly (readonly [key: string, text: string])[]; readonly count: number }): ReactNode {
  if (names.length === 0) return null;
  return (
    <Spoiler maxHeight={144} showLabel="All of them" hideLabel="Fewer">
      <List size="sm" withPadding>
        {names.map(([key, text]) => <List.Item key={key}>{text}</List.Item>)}
        {count > names.length && <List.Item>and {count - names.length} more</List.Item>}
      </List>
    </Spoiler>
  );
}

function Deeds({ told, windowHours }: { readonly told: Told; readonly windowHours: number }): ReactNode {
  const restored = (told.restored ?? []).map((each) =>
    [each.id, `${each.campaign?.name ?? "A campaign that is gone"}: ${money(each.intendedBudget)} back to ${money(each.budgetBefore)} a day`] as const);
  const paused = (told.paused ?? []).map((each) => [each.id, `${each.name}${each.account ? `, ${PLATFORMS[each.account.platform]}` : ""}`] as const);
  return (
    <List size="sm">
      <List.Item>cut off {counted(told.cutOffCount, "change")} that wait and were not sent yet;</List.Item>
      <List.Item>wait for {told.onTheirWayCount} on their way, and then put them back;</List.Item>
      <List.Item>
        put back {counted(told.restoredCount, "change")} of the last {windowHours} hours
        <Named names={restored} count={told.restoredCount} />
      </List.Item>
      {told.pausedCount > 0 && (
        <List.Item>
          pause {counted(told.pausedCount, "campaign")}, which a person sets running again one by one once the stop is lifted
          <Named names={paused} count={told.pausedCount} />
        </List.Item>
      )}
      {told.restartsCutOffCount > 0 && <List.Item>leave {counted(told.restartsCutOffCount, "campaign")} paused that wait to be set running again;</List.Item>}
      <List.Item>let nothing be approved or sent until somebody lifts it.</List.Item>
    </List>
  );
}

function Preview({ windowHours, pauseCampaigns }: Reach): ReactNode {
  const { workspace } = useHere();
  const { data, error, reload } = useLoaded(StopPreviewDocument, { workspaceId: workspace.id, windowHours, pauseCampaigns });
  const told = data?.emergencyStopPreview;
  if (error) return <Trouble error={error} again={reload} />;
  if (!data) return <Loading what="what a stop would do" />;
  if (!told) return <Text className="soft">What it would do cannot be shown right now.</Text>;
  return (
    <div data-testid="stop-preview" role="status" aria-live="polite">
      <Text>A stop now would:</Text>
      <Deeds told={told} windowHours={windowHours} />
    </div>
  );
}

export function Start({ act }: { readonly act: Act }): ReactNode {
  const { workspace } = useHere();
  const [reason, setReason] = useState("");
  const [reach, setReach] = useState<Reach>({ windowHours: DAY_HOURS, pauseCampaigns: "NONE" });
  const [sure, setSure] = useState(false);
  const [word, setWord] = useState("");
  const first = (event: SyntheticEvent): void => {
    event.preventDefault();
    setSure(true);
  };
  const second = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (word.trim().toLowerCase() !== WORD) return;
    void act(async () => (await carryOut("StopStart", StopStartDocument, { workspaceId: workspace.id, reason, ...reach })).emergencyStopStart);
  };
  return (
    <Card withBorder>
      <Stack>
        <form onSubmit={first} aria-label="What a stop would do">
          <Group align="end">
            <TextInput name="reason" w={WIDE} label="Why stop?" required maxLength={500} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
            <NumberInput name="hours" w={WIDE} label="Put back what was changed in the last hours" min={0} max={168} allowDecimal={false} clampBehavior="strict" value={reach.windowHours}
              onChange={(value) => setReach({ ...reach, windowHours: Number(value) })} />
            <NativeSelect name="pausing" w={WIDE} label="Pause campaigns as well" value={reach.pauseCampaigns} data={Object.entries(PAUSING).map(([value, label]) => ({ value, label }))}
              onChange={(event) => setReach({ ...reach, pauseCampaigns: event.currentTarget.value as EmergencyStopPausing })} />
            {!sure && <Button type="submit" variant="outline" color="red">Show what it will do</Button>}
          </Group>
        </form>
        {sure && <Preview {...reach} />}
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
