/** From which size on people are told of a changed daily budget. Who comes second is told who was first, and keeps what they typed. */
import { Alert, Button, Card, Group, NumberInput, Text, Title } from "@mantine/core";
import { type ReactNode, type SyntheticEvent, useState } from "react";
import { carryOut } from "../../api/client";
import { AlertThresholdDocument, AlertThresholdSetDocument } from "../../generated/graphql";
import { shifted } from "../../parts/decimals";
import { told, Trouble } from "../../parts/states";
import { useLoaded } from "../../parts/useLoaded";
import { useHere } from "../../parts/Viewer";
import { decimal, fromNow, nameOf } from "../../words";

export function AlertThreshold(): ReactNode {
  const { workspace } = useHere();
  const { data, error, reload } = useLoaded(AlertThresholdDocument, { workspaceId: workspace.id });
  const [typed, setTyped] = useState<string | null>(null);
  // The version this person saw when they began to type.
  const [seen, setSeen] = useState(0);
  const [notice, setNotice] = useState<{ readonly text: string; readonly done: boolean } | null>(null);
  const [busy, setBusy] = useState(false);
  const found = data?.workspace;
  if (error) return <Trouble error={error} again={reload} />;
  if (!found) return null;
  const maySet = workspace.permissions.includes("SYSTEM_WRITE");
  const change = (value: string): void => {
    if (typed === null) setSeen(found.version);
    setTyped(value);
  };
  const save = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (typed === null) return;
    setBusy(true);
    try {
      const asked = { id: workspace.id, expectedVersion: seen, change: { alertAbove: typed } };
      const [refused] = (await carryOut("AlertThresholdSet", AlertThresholdSetDocument, asked)).workspaceUpdate.userErrors;
      if (!refused) {
        setTyped(null);
        setNotice({ text: "Saved; it holds from now on.", done: true });
      } else if (refused.__typename === "WorkspaceVersionConflict" && refused.current) {
        const { changedBy, changedAt, current } = refused;
        setSeen(current.version);
        setNotice({
          text: `${nameOf(changedBy)} changed the settings first${changedAt ? `, ${fromNow(changedAt)}` : ""}: it is ${decimal(Number(current.alertAbove))} now. What you typed is kept; save again to set it.`,
          done: false,
        });
      } else setNotice({ text: refused.message, done: false });
      reload();
    } catch (failed) {
      setNotice({ text: told(failed), done: false });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Card withBorder mt="lg" component="section" aria-label="Large changes" data-testid="threshold" data-version={found.version}>
      <Title order={3} size="h5">Large changes</Title>
      <form onSubmit={(event) => void save(event)} aria-label="From which size on people are told">
        <Group align="end" mt="xs">
          <NumberInput name="alertAbove" label="Tell people of changes of a daily budget by more than" description="In units of each account's own currency; 0 tells of all. It counts what a platform has confirmed."
            required withAsterisk={false} min={0} decimalScale={6} hideControls readOnly={!maySet} value={typed ?? shifted(found.alertAbove, 0)} onChange={(value) => change(String(value))} />
          {maySet && <Button type="submit" variant="default" loading={busy} disabled={typed === null || typed === ""}>Save</Button>}
        </Group>
      </form>
      {!maySet && <Text size="sm" className="soft" mt="xs">Changing it takes write access to the settings.</Text>}
      {notice && <Alert variant="outline" color={notice.done ? "teal" : "orange"} mt="xs" role={notice.done ? "status" : "alert"}>{notice.text}</Alert>}
    </Card>
  );
}
