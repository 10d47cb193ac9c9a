/** All guardrails of one scope: typed, tried on last week, saved. Who was first is told, and nothing typed is lost. */
import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { type ReactNode, type SyntheticEvent, useState } from "react";
import { carryOut } from "../../api/client";
import { type GuardrailErrorPartsFragment, type GuardrailPartsFragment, GuardrailRemoveDocument, type GuardrailScopeInput, GuardrailSetDocument } from "../../generated/graphql";
import { told } from "../../parts/states";
import { useHere } from "../../parts/Viewer";
import { fromNow, moment, nameOf } from "../../words";
import { type Defaults, type FieldsProps, LimitFields, ThresholdFields } from "./Fields";
import { Preview } from "./Preview";
import { differences, draftOf, EMPTY, inputOf, SETTINGS } from "./settings";

type Conflict = Extract<GuardrailErrorPartsFragment, { __typename: "GuardrailVersionConflict" }>;

interface FormProps {
  readonly name: string;
  readonly scope: GuardrailScopeInput;
  readonly currency: string;
  readonly found: GuardrailPartsFragment | null;
  readonly defaults: Defaults;
  readonly maySet: boolean;
  readonly saved: (text: string) => void;
}

const labelOf = (name: string): string => SETTINGS.find((each) => each.name === name)?.label ?? "Platforms, hours and switches";

export function GuardrailForm({ name, scope, currency, found, defaults, maySet, saved }: FormProps): ReactNode {
  const { workspace } = useHere();
  // What the form was opened on: what others set meanwhile is told when this is sent, not typed over.
  const [base, setBase] = useState(found);
  const [draft, setDraft] = useState(() => (found ? draftOf(found) : EMPTY));
  const [refused, setRefused] = useState<Readonly<Record<string, string>>>({});
  const [problem, setProblem] = useState("");
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const [busy, setBusy] = useState(false);
  const { change, wrong } = inputOf(draft, scope);
  const untouched = differences(draft, base ? draftOf(base) : EMPTY).length === 0;

  const settle = (errors: readonly GuardrailErrorPartsFragment[]): void => {
    const byField: Record<string, string> = {};
    for (const error of errors) {
      const place = error.field?.at(-1);
      if (error.__typename === "GuardrailVersionConflict") setConflict(error);
      else if (place !== undefined && error.field?.[0] === "change") byField[place] = error.message;
      else setProblem(error.message);
    }
    setRefused(byField);
  };
  const act = async (ask: () => Promise<readonly GuardrailErrorPartsFragment[]>): Promise<void> => {
    setBusy(true);
    setProblem("");
    setConflict(null);
    try {
      settle(await ask());
    } catch (error) {
      setProblem(`${told(error)} What you typed is kept; sending it again does it once.`);
    } finally {
      setBusy(false);
    }
  };
  const save = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (Object.keys(wrong).length > 0) return;
    void act(async () => {
      const intent = { workspaceId: workspace.id, scope, change, expectedVersion: base?.version ?? null };
      const { guardrail, userErrors } = (await carryOut("GuardrailSet", GuardrailSetDocument, intent)).guardrailSet;
      if (guardrail) {
        setBase(guardrail);
        setDraft(draftOf(guardrail));
        saved(`Guardrails of ${name} are saved.`);
      }
      return userErrors;
    });
  };
  const remove = (): void => {
    if (!base) return;
    void act(async () => {
      const { guardrail, userErrors } = (await carryOut("GuardrailRemove", GuardrailRemoveDocument, { id: base.id, expectedVersion: base.version })).guardrailRemove;
      if (guardrail) {
        setBase(null);
        setDraft(EMPTY);
        saved(`Guardrails of ${name} are removed; what is wider holds again.`);
      }
      return userErrors;
    });
  };
  const goOn = (kept: boolean): void => {
    const current = conflict?.current ?? null;
    setBase(current);
    if (!kept) setDraft(current ? draftOf(current) : EMPTY);
    setConflict(null);
  };
  const theirs = conflict?.current ? draftOf(conflict.current) : EMPTY;
  const fields: FieldsProps = {
    draft, currency, defaults,
    wrong: { ...refused, ...wrong },
    change: (part) => { setDraft((known) => ({ ...known, ...part })); setRefused({}); },
    rule: scope.rule ?? null, isPlatform: scope.platform != null, isCampaign: scope.campaignId != null, readOnly: !maySet,
  };
  return (
    <form onSubmit={save} aria-label={`Guardrails of ${name}`} className="guardrail-form" data-version={base?.version ?? 0}>
      <Stack>
        <Text size="sm" className="soft">
          What is left empty is not set here: a wider scope&apos;s word holds, and where there is none the default that stands beside it. Amounts are in {currency}.
        </Text>
        <ThresholdFields {...fields} />
        <LimitFields {...fields} />
        <Preview scope={scope} change={Object.keys(wrong).length > 0 ? null : change} />
        {conflict && (
          <Alert color="orange" variant="outline" role="alert" className="conflict" title="Somebody was first">
            <Text size="sm">
              {nameOf(conflict.changedBy)} set these guardrails{conflict.changedAt ? `, ${moment(conflict.changedAt)} (${fromNow(conflict.changedAt)})` : ""}. What you typed is kept.
            </Text>
            <Text size="sm">Different from yours: {[...new Set(differences(theirs, draft).map(labelOf))].join(", ") || "nothing"}.</Text>
            <Group mt="xs">
              <Button size="xs" className="keep-mine" onClick={() => goOn(true)}>Go on with what I typed</Button>
              <Button size="xs" variant="default" className="take-theirs" onClick={() => goOn(false)}>Show what is set now</Button>
            </Group>
          </Alert>
        )}
        {problem && <Alert color="red" variant="outline" role="alert" className="problem">{problem}</Alert>}
        {maySet && (
          <Group>
            <Button type="submit" loading={busy} disabled={untouched || conflict !== null}>Save</Button>
            <Button variant="default" disabled={untouched} onClick={() => { setDraft(base ? draftOf(base) : EMPTY); setRefused({}); }}>Discard what I typed</Button>
            {base && <Button variant="outline" color="red" className="remove" loading={busy} disabled={conflict !== null} onClick={remove}>Remove all of {name}</Button>}
          </Group>
        )}
      </Stack>
    </form>
  );
}
