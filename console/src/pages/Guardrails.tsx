/** What may run without a person, what may never be passed, and the switches over both. */
import "../styles/later";
import { Accordion, Alert, Button, Card, Group, NativeSelect, Select, Stack, Switch, Text, Title } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { carryOut } from "../api/client";
import { AutomationSetDocument, type GuardrailPartsFragment, type GuardrailScopeInput, type GuardrailsQuery, GuardrailsDocument, type Platform } from "../generated/graphql";
import { Loading, Polite, told, Trouble } from "../parts/states";
import { useLoaded } from "../parts/useLoaded";
import { useHere } from "../parts/Viewer";
import { PLATFORMS } from "../words";
import { PROPOSERS } from "./guardrails/Fields";
import { GuardrailForm } from "./guardrails/GuardrailForm";

interface Place {
  readonly key: string;
  readonly name: string;
  readonly scope: GuardrailScopeInput;
}

const WHOLE: Place = { key: "workspace", name: "the whole workspace", scope: {} };

function placeOf({ scope }: GuardrailPartsFragment): Place {
  if (scope.kind === "PLATFORM" && scope.platform) return platformPlace(scope.platform);
  if (scope.kind === "RULE" && scope.rule) return rulePlace(scope.rule);
  if (scope.kind === "CAMPAIGN" && scope.campaign) return campaignPlace(scope.campaign.id, scope.campaign.name);
  return WHOLE;
}

const platformPlace = (platform: Platform): Place => ({ key: `platform ${platform}`, name: PLATFORMS[platform], scope: { platform } });
const rulePlace = (rule: string): Place => ({ key: `rule ${rule}`, name: PROPOSERS[rule] ?? `rule ${rule}`, scope: { rule } });
const campaignPlace = (campaignId: string, name: string): Place => ({ key: `campaign ${campaignId}`, name, scope: { campaignId } });

type Automation = NonNullable<GuardrailsQuery["automation"]>;

function Switches({ automation, reload, failed }: { readonly automation: Automation; readonly reload: () => void; readonly failed: (text: string) => void }): ReactNode {
  const { workspace } = useHere();
  const turn = (change: { autoApproval?: boolean; paused?: boolean }): void => {
    carryOut("AutomationSet", AutomationSetDocument, { workspaceId: workspace.id, expectedVersion: automation.version, change })
      .then((answer) => failed(answer.automationSet.userErrors[0]?.message ?? ""), (problem: unknown) => failed(told(problem)))
      .finally(reload);
  };
  return (
    <Card withBorder>
      <Title order={3} size="h5" mb="xs">Automation</Title>
      <Stack gap="sm">
        <Switch checked={automation.autoApproval} disabled={!workspace.mayDecideBudgets} onChange={(event) => turn({ autoApproval: event.currentTarget.checked })}
          label="Approve without a person" description="What lies inside both kinds of guardrail is approved and sent at once." />
        <Switch checked={automation.paused} disabled={!workspace.mayDecideBudgets} onChange={(event) => turn({ paused: event.currentTarget.checked })}
          label="Pause all automation" description="Nothing runs without a person, whatever else is on." />
        <Text size="sm" className="soft">Sending to real platforms is {automation.liveSending ? "on" : "off; the sandbox needs no leave"}.</Text>
      </Stack>
    </Card>
  );
}

interface AddProps {
  readonly taken: ReadonlySet<string>;
  readonly campaigns: readonly { readonly id: string; readonly name: string }[];
  readonly add: (place: Place) => void;
}

/** A further scope. What has guardrails already stands in the list above. */
function Add({ taken, campaigns, add }: AddProps): ReactNode {
  const [kind, setKind] = useState<"platform" | "rule" | "campaign">("platform");
  const [picked, setPicked] = useState<string | null>(null);
  const places = {
    platform: (Object.keys(PLATFORMS) as Platform[]).map(platformPlace),
    rule: Object.keys(PROPOSERS).map(rulePlace),
    campaign: campaigns.map((each) => campaignPlace(each.id, each.name)),
  }[kind].filter((each) => !taken.has(each.key));
  const chosen = places.find((each) => each.key === picked);
  return (
    <Card withBorder>
      <Title order={3} size="h5" mb="xs">Narrower guardrails</Title>
      <Text size="sm" className="soft" mb="xs">Of a threshold the narrowest word wins: a campaign&apos;s, then a proposer&apos;s, a platform&apos;s, the workspace&apos;s. Of a hard limit the tightest wins.</Text>
      <Group align="end">
        <NativeSelect name="kind" label="For" value={kind} onChange={(event) => { setKind(event.currentTarget.value as typeof kind); setPicked(null); }}
          data={[{ value: "platform", label: "one platform" }, { value: "rule", label: "one proposer" }, { value: "campaign", label: "one campaign" }]} />
        <Select name="which" label="Which" searchable value={picked} onChange={setPicked} data={places.map((each) => ({ value: each.key, label: each.name }))}
          nothingFoundMessage="Nothing like that, or it has guardrails already" />
        <Button variant="default" disabled={!chosen} onClick={() => { if (chosen) add(chosen); setPicked(null); }}>Set guardrails for it</Button>
      </Group>
    </Card>
  );
}

export default function Guardrails(): ReactNode {
  const { workspace } = useHere();
  const { data, error, reload } = useLoaded(GuardrailsDocument, { workspaceId: workspace.id });
  const [problem, setProblem] = useState("");
  const [said, setSaid] = useState("");
  const [added, setAdded] = useState<readonly Place[]>([]);
  const [opened, setOpened] = useState<string | null>(WHOLE.key);
  // A form is made when it is first opened, and then stays as it is: nothing typed is lost, and what is closed asks nothing.
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set([WHOLE.key]));
  const open = (key: string | null): void => {
    setOpened(key);
    if (key !== null) setSeen((known) => new Set([...known, key]));
  };
  const maySet = workspace.permissions.includes("CAMPAIGN_WRITE") && workspace.permissions.includes("SYSTEM_WRITE");
  const nodes = data?.guardrails.nodes ?? [];
  const bySet = new Map(nodes.map((each) => [placeOf(each).key, each]));
  const places = [...new Map([WHOLE, ...nodes.map(placeOf), ...added].map((each) => [each.key, each])).values()];
  const campaigns = data?.workspace?.campaigns?.nodes ?? [];
  const currencyOf = ({ key, scope }: Place): string =>
    bySet.get(key)?.currency ?? campaigns.find((each) => each.id === scope.campaignId)?.account?.currency ?? data?.workspace?.reportingCurrency ?? "USD";
  return (
    <>
      <title>Guardrails - Campaign Express</title>
      <Polite text={said} />
      <Title order={2} mb="sm">Guardrails</Title>
      {(error ?? problem) && <Trouble error={error ?? problem} again={reload} />}
      {!data && !error && <Loading what="guardrails" />}
      {data && (
        <Stack data-testid="guardrails">
          {data.automation && <Switches automation={data.automation} reload={reload} failed={setProblem} />}
          {!maySet && <Alert variant="outline" role="note" data-testid="may-not-set">You may look and try, not set: that takes write access to campaigns and to the settings.</Alert>}
          {said && <Alert variant="outline" role="status" color="teal" withCloseButton closeButtonLabel="Close" onClose={() => setSaid("")} data-testid="saved">{said}</Alert>}
          <Accordion variant="contained" order={3} value={opened} onChange={open}>
            {places.map((place) => (
              <Accordion.Item key={place.key} value={place.key}>
                <Accordion.Control>
                  Guardrails of {place.name} <Text span size="sm" className="soft">{bySet.has(place.key) ? "" : "(none set yet)"}</Text>
                </Accordion.Control>
                <Accordion.Panel>
                  {seen.has(place.key) && (
                    <GuardrailForm name={place.name} scope={place.scope} currency={currencyOf(place)} found={bySet.get(place.key) ?? null}
                      defaults={data.guardrailDefaults} maySet={maySet} saved={(text) => { setSaid(text); reload(); }} />
                  )}
                </Accordion.Panel>
              </Accordion.Item>
            ))}
          </Accordion>
          {maySet && <Add taken={new Set(places.map((each) => each.key))} campaigns={campaigns} add={(place) => { setAdded([...added, place]); open(place.key); }} />}
        </Stack>
      )}
    </>
  );
}
