/** Several recommendations decided at once: what is chosen, the two decisions, and each one's own answer. */
import { Alert, Button, Group, Paper, Text, Textarea } from "@mantine/core";
import { type ReactNode, type SyntheticEvent, useState } from "react";
import { signed } from "../../words";
import type { Item } from "./state";

export interface Answer {
  readonly name: string;
  /** Null: done. */
  readonly refused: string | null;
}

interface TogetherProps {
  readonly chosen: readonly Item[];
  readonly decide: (choice: "APPROVE" | "REJECT", reason: string | null) => Promise<void>;
  readonly clear: () => void;
  readonly busy: boolean;
  readonly problem: string;
}

function sums(chosen: readonly Item[]): string {
  const byCurrency = new Map<string, number>();
  for (const { rec } of chosen) byCurrency.set(rec.delta.currency, (byCurrency.get(rec.delta.currency) ?? 0) + Number(rec.delta.amount));
  return [...byCurrency].map(([currency, amount]) => signed({ amount: String(amount), currency })).join(", ");
}

export function Together({ chosen, decide, clear, busy, problem }: TogetherProps): ReactNode {
  const [rejecting, setRejecting] = useState(false);
  const [reason, setReason] = useState("");
  const reject = (event: SyntheticEvent): void => {
    event.preventDefault();
    void decide("REJECT", reason).then(() => setRejecting(false));
  };
  return (
    <Paper withBorder shadow="md" p="sm" className="chosen" component="section" aria-label="What is chosen">
      {problem && <Alert color="orange" variant="outline" role="alert" mb="xs" p="xs">{problem}</Alert>}
      <Group justify="space-between">
        <Text fw={600}>{chosen.length} chosen, {sums(chosen)} a day</Text>
        {!rejecting && (
          <Group gap="xs">
            <Button className="approve-chosen" loading={busy} onClick={() => void decide("APPROVE", null)}>Approve {chosen.length}</Button>
            <Button variant="default" className="reject-chosen" onClick={() => setRejecting(true)}>Reject {chosen.length}</Button>
            <Button variant="default" onClick={clear}>Choose none</Button>
          </Group>
        )}
      </Group>
      {rejecting && (
        <form onSubmit={reject} aria-label="Reject what is chosen">
          <Textarea label="Why not? The reason stays with each of them." required maxLength={500} autosize value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
          <Group gap="xs" mt="xs">
            <Button type="submit" loading={busy}>Reject {chosen.length}</Button>
            <Button variant="default" onClick={() => setRejecting(false)}>Cancel</Button>
          </Group>
        </form>
      )}
    </Paper>
  );
}

/** What became of each: shown until it is closed, because cards that were decided say only where they are. */
export function Answers({ answers, close }: { readonly answers: readonly Answer[]; readonly close: () => void }): ReactNode {
  const done = answers.filter((each) => each.refused === null).length;
  return (
    <Alert variant="outline" role="status" color={done === answers.length ? "teal" : "orange"} mb="md" withCloseButton closeButtonLabel="Close" onClose={close} className="answers"
      title={`${done} of ${answers.length} done`}>
      <ul>
        {answers.map(({ name, refused }) => <li key={name}><Text size="sm">{name}: {refused ?? "done"}</Text></li>)}
      </ul>
    </Alert>
  );
}
