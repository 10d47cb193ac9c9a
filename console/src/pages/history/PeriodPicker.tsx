/** Which days are shown: some usual periods, or a first and a last day. */
import { Group, NativeSelect, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { lastDays, type Period, wrongWith } from "./period";

const USUAL = [7, 30, 90, 365] as const;

interface PickerProps {
  readonly period: Period;
  /** Today in the workspace's zone. */
  readonly today: string;
  readonly change: (period: Period) => void;
}

/** Begins with a period; another one is another picker, by its key. What cannot be asked for is said and goes no further. */
export function PeriodPicker({ period, today, change }: PickerProps): ReactNode {
  const [typed, setTyped] = useState(period);
  const type = (next: Period): void => {
    setTyped(next);
    if (wrongWith(next) === "") change(next);
  };
  const usual = USUAL.find((days) => {
    const same = lastDays(days, today);
    return same.since === period.since && same.until === period.until;
  });
  const wrong = wrongWith(typed);
  return (
    <Group align="start" component="section" aria-label="Period">
      <NativeSelect name="usual" label="Period" value={usual ?? ""} onChange={(event) => event.currentTarget.value && change(lastDays(Number(event.currentTarget.value), today))}
        data={[{ value: "", label: "Chosen days", disabled: true }, ...USUAL.map((days) => ({ value: String(days), label: `Last ${days} days` }))]} />
      <TextInput type="date" name="since" label="First day" required withAsterisk={false} value={typed.since} max={typed.until} error={wrong || undefined}
        onChange={(event) => type({ ...typed, since: event.currentTarget.value })} />
      <TextInput type="date" name="until" label="Last day" required withAsterisk={false} value={typed.until} min={typed.since} max={today}
        onChange={(event) => type({ ...typed, until: event.currentTarget.value })} />
    </Group>
  );
}
