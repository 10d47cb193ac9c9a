/** The inputs of a draft, each with its unit, what it does, and what holds where it is left empty. */
import { Checkbox, Fieldset, MultiSelect, NativeSelect, NumberInput, SimpleGrid, Switch, Text } from "@mantine/core";
import type { ReactNode } from "react";
import type { GuardrailsQuery, Platform } from "../../generated/graphql";
import { PLATFORMS } from "../../words";
import { type Draft, type Part, type Setting, SETTINGS, shown } from "./settings";

export type Defaults = GuardrailsQuery["guardrailDefaults"];

export const PROPOSERS: Readonly<Record<string, string>> = {
  rebalancer: "Rebalancer", "auto-scaler": "Auto-scaler", "ltv-cac": "LTV/CAC shifts", optimizer: "Optimizer", rule: "Rules of one's own",
};

const UNITS: Readonly<Record<Setting["kind"], string>> = { money: "", percent: "%", number: "", whole: "", hours: "hours", days: "days" };

/** What holds where a setting is left empty, in words. */
export function defaultOf(setting: Setting, defaults: Defaults, rule: string | null): string {
  const found = defaults.filter((each) => each.setting === `${setting.part}.${setting.name}` && (rule === null || each.proposer === rule));
  const unit = setting.kind === "money" ? " in the account's currency" : UNITS[setting.kind] && ` ${UNITS[setting.kind]}`;
  const told = (value: string): string => `${shown(setting.kind, value)}${unit}`;
  const values = new Set(found.map((each) => each.value));
  const [first] = found;
  const everyone = rule !== null || found.length === Object.keys(PROPOSERS).length;
  if (first === undefined) return "Empty: not limited here.";
  if (values.size === 1 && everyone) return `Empty: ${told(first.value)}.`;
  return `Empty: ${found.map((each) => `${PROPOSERS[each.proposer] ?? each.proposer} ${told(each.value)}`).join(", ")}${everyone ? "" : "; others not limited"}.`;
}

const PLATFORM_CHOICES = Object.entries(PLATFORMS).map(([value, label]) => ({ value, label }));
const hours = (from: number, until: number): { value: string; label: string }[] =>
  Array.from({ length: until - from + 1 }, (_, place) => ({ value: String(from + place), label: `${String(from + place).padStart(2, "0")}:00` }));

export interface FieldsProps {
  readonly draft: Draft;
  readonly change: (part: Partial<Draft>) => void;
  readonly wrong: Readonly<Record<string, string>>;
  readonly currency: string;
  readonly defaults: Defaults;
  /** The scope is one proposer or rule, one platform, or one campaign. */
  readonly rule: string | null;
  readonly isPlatform: boolean;
  readonly isCampaign: boolean;
  readonly readOnly: boolean;
}

function Number_({ setting, draft, change, wrong, currency, defaults, rule, readOnly }: FieldsProps & { readonly setting: Setting }): ReactNode {
  const unit = setting.kind === "money" ? currency : UNITS[setting.kind];
  return (
    <NumberInput
      name={setting.name}
      label={setting.label}
      description={`${setting.does} ${defaultOf(setting, defaults, rule)}`}
      suffix={unit ? ` ${unit}` : ""}
      hideControls
      readOnly={readOnly}
      value={draft.typed[setting.name] ?? ""}
      onChange={(value) => change({ typed: { ...draft.typed, [setting.name]: String(value) } })}
      error={wrong[setting.name]}
    />
  );
}

function Numbers({ part, ...props }: FieldsProps & { readonly part: Part }): ReactNode {
  const shownHere = SETTINGS.filter((each) => each.part === part && !(each.notForCampaign && props.isCampaign));
  return <SimpleGrid cols={{ base: 1, sm: 2 }} className="fields">{shownHere.map((each) => <Number_ key={each.name} setting={each} {...props} />)}</SimpleGrid>;
}

export function ThresholdFields(props: FieldsProps): ReactNode {
  const { draft, change, wrong, readOnly } = props;
  return (
    <Fieldset legend="What may run without a person">
      <Text size="sm" className="soft" mb="sm">What a person approves passes all of it.</Text>
      <Numbers part="thresholds" {...props} />
      <SimpleGrid cols={{ base: 1, sm: 3 }} mt="md" className="fields">
        <NativeSelect name="respectsLearning" label="While the platform learns" disabled={readOnly}
          description="After larger changes platforms learn for some days. Empty: it waits."
          value={draft.respectsLearning} onChange={(event) => change({ respectsLearning: event.currentTarget.value as Draft["respectsLearning"] })}
          data={[{ value: "", label: "Not set here" }, { value: "true", label: "Wait for a person" }, { value: "false", label: "Go on" }]} error={wrong["respectsLearning"]} />
        <NativeSelect name="from" label="Automation acts from" disabled={readOnly} description="Hours of the account's own zone. Empty: at any hour."
          value={draft.from} onChange={(event) => change({ from: event.currentTarget.value })} data={[{ value: "", label: "Not set here" }, ...hours(0, 23)]} error={wrong["activeHours"]} />
        <NativeSelect name="until" label="and stops at" disabled={readOnly} description="Earlier than the first means on the next day."
          value={draft.until} onChange={(event) => change({ until: event.currentTarget.value })} data={[{ value: "", label: "Not set here" }, ...hours(1, 24)]} />
      </SimpleGrid>
      <Switch mt="md" label="Nothing here runs without a person" description="The kill switch of this scope alone." disabled={readOnly}
        checked={draft.automationPaused} onChange={(event) => change({ automationPaused: event.currentTarget.checked })} />
    </Fieldset>
  );
}

export function LimitFields(props: FieldsProps): ReactNode {
  const { draft, change, wrong, isCampaign, isPlatform, readOnly } = props;
  return (
    <Fieldset legend="What never happens, whoever approves">
      <Numbers part="limits" {...props} />
      {!isCampaign && !isPlatform && (
        <SimpleGrid cols={{ base: 1, sm: 2 }} mt="md">
          <div>
            <Checkbox label="Only some platforms may change" description="Empty: all may." disabled={readOnly} checked={draft.allowedPlatforms !== null}
              onChange={(event) => change({ allowedPlatforms: event.currentTarget.checked ? [] : null })} />
            {draft.allowedPlatforms !== null && (
              <MultiSelect mt="xs" label="These" data={PLATFORM_CHOICES} readOnly={readOnly} value={[...draft.allowedPlatforms]} error={wrong["allowedPlatforms"]}
                onChange={(value) => change({ allowedPlatforms: value as Platform[] })} />
            )}
          </div>
          <MultiSelect label="Platforms that may not change" description="Empty: none." data={PLATFORM_CHOICES} readOnly={readOnly} value={[...draft.deniedPlatforms]}
            error={wrong["deniedPlatforms"]} onChange={(value) => change({ deniedPlatforms: value as Platform[] })} />
        </SimpleGrid>
      )}
      <Switch mt="md" label="Nothing changes here at all" description="Also nothing that a person approves; only putting an earlier budget back." disabled={readOnly}
        checked={draft.changesDenied} onChange={(event) => change({ changesDenied: event.currentTarget.checked })} />
    </Fieldset>
  );
}
