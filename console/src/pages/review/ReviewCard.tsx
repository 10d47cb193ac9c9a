/** One recommendation: what is proposed and why, who else is at it, and the three decisions. */
import { Alert, Badge, Button, Card, Checkbox, Group, Progress, Spoiler, Text, Title } from "@mantine/core";
import { type FocusEvent, type KeyboardEvent, lazy, memo, type ReactNode, Suspense, useEffect, useRef, useState } from "react";
import { carryOut } from "../../api/client";
import { SignedOut } from "../../api/session";
import {
  ApproveDocument,
  EditDocument,
  type ErrorPartsFragment,
  type PresenceMode,
  type RecommendationPartsFragment,
  RejectDocument,
} from "../../generated/graphql";
import { journey, STEPS } from "../../parts/journey";
import { Loading, told } from "../../parts/states";
import { clock, decimal, deed, fromNow, moment, money, nameOf, percent, signed, STATE_COLORS, STATES } from "../../words";
import type { Draft } from "./Forms";
import { type Action, isOpen, type Item } from "./state";
import type { Presences } from "./useReview";

const ResponseCurve = lazy(() => import("./ResponseCurve"));
const EditForm = lazy(async () => ({ default: (await import("./Forms")).EditForm }));
const RejectForm = lazy(async () => ({ default: (await import("./Forms")).RejectForm }));

/** So long after somebody else's change a press decides nothing: it was meant for what stood there before. */
const SETTLE_MILLISECONDS = 700;
const EMPTY: Draft = { kind: "percent", amount: "", reason: "" };

type Form = "edit" | "reject";
export type Payload = { readonly recommendation?: RecommendationPartsFragment | null; readonly userErrors: readonly ErrorPartsFragment[] };

interface CardProps {
  readonly item: Item;
  readonly people: Presences;
  readonly mayDecide: boolean;
  readonly dispatch: (action: Action) => void;
  readonly look: (id: string, mode: PresenceMode | null) => void;
  readonly announce: (text: string) => void;
  readonly picked: boolean;
  readonly pick: (id: string) => void;
  /** Where the card leaves how it takes the answer to a request that others share. */
  readonly settles: Map<string, (payload: Payload) => void>;
  readonly unfunded: (rec: RecommendationPartsFragment, error: Extract<ErrorPartsFragment, { __typename: "PlanUnfunded" }>) => ReactNode;
}

export const ReviewCard = memo(function ReviewCard({ item, people, mayDecide, dispatch, look, announce, unfunded, picked, pick, settles }: CardProps): ReactNode {
  const { rec, adjustment, change } = item;
  const open = isOpen(item);
  const root = useRef<HTMLDivElement>(null);
  const [form, setForm] = useState<Form | null>(null);
  const [draft, setDraft] = useState(EMPTY);
  const [seen, setSeen] = useState(rec.version);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const [notice, setNotice] = useState<ReactNode>(null);
  const [curve, setCurve] = useState(false);
  const settlesAt = useRef(0);

  useEffect(() => {
    if (!change) return;
    settlesAt.current = performance.now() + SETTLE_MILLISECONDS;
    setNotice(null);
    announce(`${rec.campaignName}: ${nameOf(change.actor)} ${change.lost ? "was first and " : ""}${deed(rec)}`);
  }, [change, rec, announce]);

  const openForm = (kind: Form): void => {
    setForm(kind);
    setSeen(rec.version);
    setWrong("");
    look(rec.id, "EDITING");
  };
  const closeForm = (): void => {
    setForm(null);
    setWrong("");
    look(rec.id, "VIEWING");
    root.current?.focus();
  };

  const settle = ({ recommendation, userErrors }: Payload): void => {
    if (recommendation) {
      setForm(null);
      setDraft(EMPTY);
      setNotice(null);
      dispatch({ type: "changed", rec: recommendation, change: null });
      announce(`${recommendation.campaignName}: ${recommendation.status === "NEEDS_REVIEW" ? `changed to ${money(recommendation.proposedBudget)} a day` : STATES[recommendation.status]}`);
      root.current?.focus();
      return;
    }
    const [error] = userErrors;
    if (!error) return;
    if (error.__typename === "RecommendationVersionConflict" && error.current) {
      const { current, changedBy, changedAt } = error;
      dispatch({ type: "changed", rec: current, change: { actor: changedBy ?? null, at: changedAt ?? null, lost: true } });
      return;
    }
    announce(`${rec.campaignName}: ${error.message}`);
    if (error.__typename === "PlanUnfunded") setNotice(unfunded(rec, error));
    else if (error.__typename === "GuardrailBlocked") setNotice(error.violations.map((each) => <Text size="sm" key={each.message}>{each.message} {each.wouldPass}</Text>));
    else if (form) setWrong(error.message);
    else setNotice(error.message);
  };

  useEffect(() => {
    settles.set(rec.id, settle);
    return () => {
      settles.delete(rec.id);
    };
  });

  const act = async (ask: (onWait: () => void) => Promise<Payload>): Promise<void> => {
    if (busy) return;
    if (performance.now() < settlesAt.current) {
      setNotice("This has just changed. Look again, then press once more.");
      return;
    }
    setBusy(true);
    setWrong("");
    try {
      settle(await ask(() => setNotice("No answer yet. Sending the same request again.")));
    } catch (error) {
      setNotice(
        <>
          <Text size="sm">{told(error)} Trying again repeats exactly this request; it is carried out once.</Text>
          {!(error instanceof SignedOut) && (
            <Button size="xs" variant="default" mt="xs" onClick={() => void act(ask)}>
              Try again
            </Button>
          )}
        </>,
      );
    } finally {
      setBusy(false);
    }
  };
  const approve = (): void =>
    void act(async (onWait) => (await carryOut("Approve", ApproveDocument, { id: rec.id, expectedVersion: rec.version }, onWait)).recommendationApprove);
  const edit = (): void => {
    const wanted = draft.kind === "percent" ? { percent: draft.amount } : { dailyBudget: draft.amount };
    void act(async (onWait) => (await carryOut("Edit", EditDocument, { id: rec.id, expectedVersion: seen, change: wanted }, onWait)).recommendationEdit);
  };
  const reject = (): void =>
    void act(async (onWait) => (await carryOut("Reject", RejectDocument, { id: rec.id, expectedVersion: seen, reason: draft.reason }, onWait)).recommendationReject);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && form) closeForm();
    if (event.target !== root.current || event.ctrlKey || event.metaKey || event.altKey) return;
    const cards = [...document.querySelectorAll<HTMLElement>(".card")];
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (step) {
      event.preventDefault();
      cards[cards.indexOf(root.current) + step]?.focus();
    } else if (open && mayDecide && event.key === "a") approve();
    else if (open && mayDecide && event.key === "e") openForm("edit");
    else if (open && mayDecide && event.key === "r") openForm("reject");
    else if (open && mayDecide && event.key === "x") pick(rec.id);
    else if (open && event.key === "c") setCurve(!curve);
    else return;
    event.preventDefault();
  };
  const onBlur = (event: FocusEvent): void => {
    if (!event.currentTarget.contains(event.relatedTarget) && !form) look(rec.id, null);
  };

  const shared = {
    rec, draft, busy, wrong, closed: !open, cancel: closeForm,
    change: (part: Partial<Draft>): void => setDraft({ ...draft, ...part }),
  };
  const delta = Number(rec.delta.amount);
  const edited = Number(rec.proposedBudget.amount) !== Number(rec.suggestedBudget.amount);
  return (
    // The card itself takes the focus, so that the arrow keys and a, e, r work on it; its buttons do the same.
    <Card
      component="article"
      ref={root}
      withBorder
      className="card"
      tabIndex={0}
      aria-label={rec.campaignName}
      aria-busy={busy}
      data-id={rec.id}
      data-status={rec.status}
      data-version={rec.version}
      data-delta={rec.delta.amount}
      onKeyDown={onKeyDown}
      onFocus={() => open && look(rec.id, form ? "EDITING" : "VIEWING")}
      onBlur={onBlur}
    >
      <Group justify="space-between" align="start" wrap="nowrap">
        <Group gap="xs" wrap="nowrap" align="start">
          {open && mayDecide && <Checkbox className="pick" checked={picked} onChange={() => pick(rec.id)} aria-label={`Choose ${rec.campaignName}`} />}
          <Title order={3} size="h5">
            {rec.campaignName}
          </Title>
        </Group>
        <Badge variant="light" color={STATE_COLORS[rec.status]} tt="none" miw="max-content">
          {STATES[rec.status]}
        </Badge>
      </Group>
      <Text size="lg" mt={4} className="budget">
        {money(rec.currentBudget)} <span aria-hidden>→</span>
        <span className="skip"> to </span> <strong className="proposed">{money(rec.proposedBudget)}</strong>{" "}
        <Text span size="sm" className="soft">
          a day
        </Text>{" "}
        <Text span size="sm" fw={600} className={delta < 0 ? "down" : "up"}>
          {signed(rec.delta)} ({percent(delta / Number(rec.currentBudget.amount))})
        </Text>
      </Text>
      {edited && (
        <Text size="sm" className="soft edited">
          Edited by a person; suggested was {money(rec.suggestedBudget)}. The figures are for the suggestion.
        </Text>
      )}
      {open ? (
        <>
          <dl className="facts">
            <dt className="soft">ROAS</dt>
            <dd>
              {decimal(rec.roasNow)} now, {decimal(rec.roasExpected)} expected (change {decimal(rec.roasChangeLow, "always")} to{" "}
              {decimal(rec.roasChangeHigh, "always")}, 90 % sure)
            </dd>
            <dt className="soft">Revenue</dt>
            <dd>{signed(rec.expectedRevenueChange)} a day expected</dd>
            <dt className="soft">Confidence</dt>
            <dd>
              {rec.confidence > 0.99 ? "over 99%" : percent(rec.confidence, "auto")}
              <Progress value={rec.confidence * 100} size="xs" mt={2} maw={120} aria-label="Confidence" />
            </dd>
            <dt className="soft">Decide by</dt>
            <dd>
              {moment(rec.expiresAt)} ({fromNow(rec.expiresAt)})
            </dd>
          </dl>
          <Spoiler maxHeight={43} showLabel="Whole reason" hideLabel="Less" mt="xs">
            <Text size="sm" className="reason">
              {rec.rationale}
            </Text>
          </Spoiler>
          <Button variant="default" size="xs" mt="xs" w="fit-content" className="draw" aria-expanded={curve} onClick={() => setCurve(!curve)}
            aria-label={`${curve ? "Hide" : "Draw"} the response curve of ${rec.campaignName}`}>
            {curve ? "Hide the response curve" : "Response curve"}
          </Button>
          {curve && <Suspense fallback={<Loading what="the chart" />}><ResponseCurve rec={rec} /></Suspense>}
        </>
      ) : (
        <Text size="sm">
          {STATES[rec.status]}
          {rec.decidedBy ? ` by ${nameOf(rec.decidedBy)}` : ""}
          {rec.decidedAt ? `, ${moment(rec.decidedAt)}` : ""}
          {rec.decisionReason ? `: “${rec.decisionReason}”` : ""}
        </Text>
      )}
      {people.length > 0 && (
        <Text size="sm" fw={600} className="people" mt={4}>
          {people.map(({ who, mode }) => `${nameOf(who)} is ${mode === "EDITING" ? "editing" : "looking"}`).join(", ")}
        </Text>
      )}
      {adjustment && (
        <Alert variant="light" color={STEPS[adjustment.status][1]} mt="xs" p="xs" role="status" className="way" data-status={adjustment.status}>
          {journey(adjustment, rec.platform)}
        </Alert>
      )}
      {change && (
        <Alert variant="outline" color={change.lost ? "orange" : "blue"} mt="xs" p="xs" role="status" className="change" data-lost={change.lost}>
          <Text size="sm">
            {nameOf(change.actor)} {change.lost ? "was first and " : ""}
            {deed(rec)}
            {change.at ? `, ${clock(change.at)} (${fromNow(change.at)})` : ""}.
          </Text>
          {form && <Text size="sm">What you typed is kept.</Text>}
          <Group gap="xs" mt={4}>
            {form && open && (
              <Button size="xs" className="go-on" onClick={() => { setSeen(rec.version); dispatch({ type: "noticed", id: rec.id }); }}>
                Go on from the new state
              </Button>
            )}
            {!form && open && mayDecide && change.lost && (
              <Button size="xs" onClick={approve}>Approve {money(rec.proposedBudget)} a day</Button>
            )}
            <Button size="xs" variant="default" onClick={() => dispatch({ type: "noticed", id: rec.id })}>Seen</Button>
          </Group>
        </Alert>
      )}
      {notice !== null && (
        <Alert variant="outline" color="orange" mt="xs" p="xs" className="notice" role="alert">
          {typeof notice === "string" ? <Text size="sm">{notice}</Text> : notice}
        </Alert>
      )}
      {open && mayDecide && !form && (
        <Group mt="sm" gap="xs" className="acts">
          <Button className="approve" onClick={approve} loading={busy} aria-label={`Approve ${rec.campaignName}`}>Approve</Button>
          <Button className="edit" variant="default" onClick={() => openForm("edit")} aria-label={`Edit ${rec.campaignName}`}>Edit</Button>
          <Button className="reject" variant="default" onClick={() => openForm("reject")} aria-label={`Reject ${rec.campaignName}`}>Reject</Button>
        </Group>
      )}
      {form && (
        <Suspense fallback={<Loading what="the form" />}>
          {form === "edit" ? <EditForm {...shared} submit={edit} /> : <RejectForm {...shared} submit={reject} />}
        </Suspense>
      )}
    </Card>
  );
});
