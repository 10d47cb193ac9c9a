/** The two forms of a card, each with its field in focus when it opens. What is typed lives in the card, so it stays. */
import "../../styles/later";
import { Button, Group, NumberInput, SegmentedControl, Stack, Text, Textarea } from "@mantine/core";
import { type ReactNode, type RefObject, type SyntheticEvent, useEffect, useRef } from "react";
import type { RecommendationPartsFragment } from "../../generated/graphql";
import { money } from "../../words";

export interface Draft {
  readonly kind: "percent" | "dailyBudget";
  readonly amount: string;
  readonly reason: string;
}

interface FormProps {
  readonly rec: RecommendationPartsFragment;
  readonly draft: Draft;
  readonly change: (part: Partial<Draft>) => void;
  readonly submit: () => void;
  readonly cancel: () => void;
  readonly busy: boolean;
  /** What was decided can be read and left, not sent. */
  readonly closed: boolean;
  readonly wrong: string;
}

function Buttons({ busy, closed, cancel, label }: Pick<FormProps, "busy" | "closed" | "cancel"> & { readonly label: string }): ReactNode {
  return (
    <Group>
      <Button type="submit" loading={busy} disabled={closed}>
        {label}
      </Button>
      <Button variant="default" onClick={cancel}>
        Cancel
      </Button>
    </Group>
  );
}

function useFocused<Field extends HTMLElement>(): RefObject<Field | null> {
  const field = useRef<Field>(null);
  useEffect(() => field.current?.focus(), []);
  return field;
}

const send = (submit: () => void) => (event: SyntheticEvent) => {
  event.preventDefault();
  submit();
};

export function EditForm({ rec, draft, change, submit, cancel, busy, closed, wrong }: FormProps): ReactNode {
  const field = useFocused<HTMLInputElement>();
  const { amount: current, currency } = rec.currentBudget;
  const typed = Number(draft.amount);
  const wanted = draft.kind === "percent" ? Number(current) * (1 + typed / 100) : typed;
  const preview =
    draft.amount === "" || Number.isNaN(typed)
      ? ""
      : `${money({ amount: String(wanted), currency })} a day instead of ${money(rec.currentBudget)}, before rounding to the platform's step`;
  return (
    <form onSubmit={send(submit)} aria-label={`Edit ${rec.campaignName}`} className="edit-form">
      <Stack gap="xs">
        <SegmentedControl
          aria-label="Say the budget as"
          value={draft.kind}
          onChange={(kind) => change({ kind: kind as Draft["kind"] })}
          data={[
            { value: "percent", label: "Percent" },
            { value: "dailyBudget", label: `${currency} a day` },
          ]}
        />
        <NumberInput
          label={draft.kind === "percent" ? "Percent more, or with a minus less" : `Daily budget in ${currency}`}
          required
          ref={field}
          decimalScale={6}
          hideControls
          value={draft.amount}
          onChange={(value) => change({ amount: String(value) })}
          error={wrong || undefined}
          description={preview || undefined}
        />
        <Buttons busy={busy} closed={closed} cancel={cancel} label="Save" />
      </Stack>
    </form>
  );
}

export function RejectForm({ rec, draft, change, submit, cancel, busy, closed, wrong }: FormProps): ReactNode {
  const field = useFocused<HTMLTextAreaElement>();
  return (
    <form onSubmit={send(submit)} aria-label={`Reject ${rec.campaignName}`} className="reject-form">
      <Stack gap="xs">
        <Textarea
          ref={field}
          label="Why not?"
          required
          maxLength={500}
          autosize
          minRows={2}
          value={draft.reason}
          onChange={(event) => change({ reason: event.currentTarget.value })}
          error={wrong || undefined}
        />
        <Text size="xs" className="soft">
          The reason stays with the recommendation, and the idea stays away for some days.
        </Text>
        <Buttons busy={busy} closed={closed} cancel={cancel} label="Reject" />
      </Stack>
    </form>
  );
}
