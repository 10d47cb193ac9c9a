/** The recommendations of a workspace, by platform, live. */
import { Alert, Button, Card, Group, SimpleGrid, Spoiler, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { insist, keyOf, settled } from "../api/client";
import {
  DecideDocument,
  type ErrorPartsFragment,
  type OverviewQuery,
  type Platform,
  type RecommendationPartsFragment,
} from "../generated/graphql";
import { Empty, Loading, Polite, told, Trouble } from "../parts/states";
import { useHere } from "../parts/Viewer";
import { decimal, fromNow, moment, money, percent, PLATFORMS, signed } from "../words";
import { type Payload, ReviewCard } from "./review/ReviewCard";
import { type Answer, Answers, Together } from "./review/Together";
import { inOrder, isOpen, type Item, payersOf } from "./review/state";
import { usePresence } from "./review/usePresence";
import { type Presences, useReview } from "./review/useReview";

const NOBODY: Presences = [];

type Overview = NonNullable<OverviewQuery["workspace"]>;
type Summary = NonNullable<Overview["platformSummary"]>[number];

function Deadline({ overview }: { readonly overview: Overview }): ReactNode {
  const { reviewProgress: progress, latestPlan: plan } = overview;
  return (
    <SimpleGrid cols={{ base: 1, sm: plan && plan.skipped.length > 0 ? 2 : 1 }} mb="lg">
      <Card withBorder>
        <Title order={2} size="h5">Today&apos;s review</Title>
        <Text data-testid="deadline">
          Decide by {moment(overview.reviewDeadline, overview.timeZone)} ({overview.timeZone}), {fromNow(overview.reviewDeadline)}.
        </Text>
        {progress && progress.total > 0 && (
          <Text size="sm" className="soft">
            Of {progress.total} due today, {progress.decidedInTime} were decided in time and {progress.waiting} wait.
          </Text>
        )}
      </Card>
      {plan && plan.skipped.length > 0 && (
        <Card withBorder>
          <Title order={2} size="h5">{plan.skipped.length} left alone</Title>
          <Spoiler maxHeight={43} showLabel="Which, and why" hideLabel="Less">
            {plan.skipped.map((each, place) => (
              <Text size="sm" key={place}>{each.campaignName}: {each.explanation}</Text>
            ))}
          </Spoiler>
        </Card>
      )}
    </SimpleGrid>
  );
}

function Totals({ summary }: { readonly summary: Summary }): ReactNode {
  const { dailyBudget, proposedDelta, expectedRevenueChange, openRecommendations, roas } = summary;
  const after = dailyBudget && { amount: String(Number(dailyBudget.amount) + Number(proposedDelta.amount)), currency: dailyBudget.currency };
  return (
    <Text className="totals" size="sm">
      {openRecommendations} open
      {dailyBudget && after && Number(dailyBudget.amount) > 0 &&
        ` · ${money(dailyBudget)} → ${money(after)} a day (${percent(Number(proposedDelta.amount) / Number(dailyBudget.amount))})`}
      {` · ${signed(expectedRevenueChange)} revenue a day`}
      {roas != null && ` · ROAS ${decimal(roas)} last week`}
    </Text>
  );
}

export function Review(): ReactNode {
  const { workspace } = useHere();
  const { items, loaded, error, overview, people, dispatch, load } = useReview();
  const look = usePresence();
  const [said, setSaid] = useState("");
  const announce = useCallback((text: string) => setSaid(text), []);
  const mayDecide = workspace.mayDecideBudgets;

  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const pick = useCallback((id: string): void => {
    setPicked((known) => {
      const next = new Set(known);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);
  // What somebody else decides meanwhile is no longer chosen.
  const chosen = [...picked].map((id) => items.get(id)).filter((each): each is Item => each !== undefined && isOpen(each));
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const [answers, setAnswers] = useState<readonly Answer[]>([]);
  const settles = useRef(new Map<string, (payload: Payload) => void>());

  const together = async (all: readonly Item[], choice: "APPROVE" | "REJECT", reason: string | null): Promise<string> => {
    const wanted = all.map(({ rec }) => ({ id: rec.id, expectedVersion: rec.version, choice, reason }));
    const decisions = wanted.map((each) => ({ ...each, idempotencyKey: keyOf("Decide", each) }));
    const { results, userErrors } = (await insist(DecideDocument, { decisions })).recommendationsDecide;
    for (const each of wanted) settled("Decide", each);
    // Each has an answer of its own, which its card tells as if it had been asked alone.
    results.forEach((each, place) => settles.current.get(wanted[place]?.id ?? "")?.(each));
    const told = results.map((each, place) => ({ name: all[place]?.rec.campaignName ?? "", refused: each.userErrors[0]?.message ?? null }));
    setAnswers(told);
    const [refused] = userErrors;
    return refused ? refused.message : `${told.filter((each) => each.refused === null).length} of ${told.length} ${choice === "APPROVE" ? "approved" : "rejected"}`;
  };
  const decideChosen = async (choice: "APPROVE" | "REJECT", reason: string | null): Promise<void> => {
    setBusy(true);
    setProblem("");
    try {
      announce(await together(chosen, choice, reason));
      setPicked(new Set());
    } catch (failed) {
      setProblem(`${told(failed)} Sending it again repeats exactly this request; each is carried out once.`);
    } finally {
      setBusy(false);
    }
  };
  // Cards are drawn again only for what is theirs, so what they call must not change with everything else.
  const newest = useRef({ items, together });
  useEffect(() => {
    newest.current = { items, together };
  });
  const unfunded = useCallback((rec: RecommendationPartsFragment, { shortfall }: Extract<ErrorPartsFragment, { __typename: "PlanUnfunded" }>): ReactNode => {
    const { items, together } = newest.current;
    const payers = payersOf(items, rec, shortfall);
    const self = items.get(rec.id);
    return (
      <>
        <Text size="sm">Not approved yet: the decreases approved so far pay for {money(shortfall)} a day less than this takes.</Text>
        {payers.length === 0 ? (
          <Text size="sm">No open decrease of its plan is left: edit this to less, or reject it.</Text>
        ) : (
          <>
            <ul>
              {payers.map((each) => (
                <li key={each.rec.id}>{each.rec.campaignName}: {signed(each.rec.delta)} a day</li>
              ))}
            </ul>
            <Button size="xs" className="together" onClick={() => void together(self ? [...payers, self] : payers, "APPROVE", null).then(announce, (problem: unknown) => announce(told(problem)))}>
              Approve these and this one
            </Button>
          </>
        )}
      </>
    );
  }, [announce]);
  const cardOf = (item: Item): ReactNode => (
    <ReviewCard
      key={item.rec.id}
      item={item}
      people={people.get(item.rec.id) ?? NOBODY}
      mayDecide={mayDecide}
      dispatch={dispatch}
      look={look}
      announce={announce}
      unfunded={unfunded}
      picked={picked.has(item.rec.id)}
      pick={pick}
      settles={settles.current}
    />
  );

  // The forms come before somebody opens one: with the first sign of a hand on the page.
  useEffect(() => {
    if (!mayDecide) return;
    const signs = ["pointermove", "pointerdown", "focusin", "keydown"];
    const fetchForms = (): void => {
      for (const each of signs) removeEventListener(each, fetchForms);
      void import("./review/Forms");
    };
    for (const each of signs) addEventListener(each, fetchForms, { passive: true });
    return () => {
      for (const each of signs) removeEventListener(each, fetchForms);
    };
  }, [mayDecide]);

  // What was decided while the page was open stays where it stood, so that nothing jumps under a hand.
  const [stood] = useState(() => new Set<string>());
  for (const item of items.values()) if (isOpen(item)) stood.add(item.rec.id);
  const byPlatform = (Object.keys(PLATFORMS) as Platform[])
    .map((platform) => [platform, [...items.values()].filter(({ rec }) => rec.platform === platform && stood.has(rec.id)).sort(inOrder)] as const)
    .filter(([, found]) => found.length > 0);
  const decided = [...items.values()].filter(({ rec }) => !stood.has(rec.id)).sort((one, other) => (other.rec.decidedAt ?? "").localeCompare(one.rec.decidedAt ?? ""));
  const waiting = [...items.values()].some(isOpen);

  return (
    <>
      <title>Review - Campaign Express</title>
      <Polite text={said} />
      <Title order={2} mb="sm">Review</Title>
      {error && <Trouble error={error} again={load} />}
      {!mayDecide && (
        <Alert variant="outline" role="note" mb="md" data-testid="may-not">You may look but not decide: that takes the reviewer role and write access to campaigns.</Alert>
      )}
      {overview && <Deadline overview={overview} />}
      {answers.length > 0 && <Answers answers={answers} close={() => setAnswers([])} />}
      {!loaded && !error && <Loading what="recommendations" />}
      {loaded && !waiting && (
        <Empty title="Nothing waits for review">
          New recommendations come with the next sync of the ad accounts, and appear here by themselves.
        </Empty>
      )}
      <Stack gap="xl" mt="md" data-testid="platforms" data-loaded={loaded}>
        {byPlatform.map(([platform, found]) => {
          const summary = overview?.platformSummary?.find((each) => each.platform === platform);
          return (
            <section key={platform} aria-label={PLATFORMS[platform]}>
              <Group gap="md" mb="xs" align="baseline">
                <Title order={2} size="h4">{PLATFORMS[platform]}</Title>
                {summary && <Totals summary={summary} />}
              </Group>
              <SimpleGrid cols={{ base: 1, lg: 2, xl: 3 }} className="cards">{found.map(cardOf)}</SimpleGrid>
            </section>
          );
        })}
        {decided.length > 0 && (
          <section aria-label="Decided lately">
            <Title order={2} size="h4" mb="xs">Decided lately</Title>
            <SimpleGrid cols={{ base: 1, lg: 2, xl: 3 }} className="cards">{decided.map(cardOf)}</SimpleGrid>
          </section>
        )}
      </Stack>
      {chosen.length > 0 && <Together chosen={chosen} decide={decideChosen} clear={() => setPicked(new Set())} busy={busy} problem={problem} />}
      {mayDecide && loaded && (
        <Text size="sm" className="soft" mt="lg">
          On a card: arrow keys or j and k move, a approves, e edits, r rejects, c draws the curve, x chooses it for a decision together, Escape closes a form.
        </Text>
      )}
    </>
  );
}
