/** What this person was told, newest first, live. */
import "../styles/later";
import { Badge, Button, Card, Group, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { ask } from "../api/client";
import { useStream } from "../api/live";
import { NotificationAcknowledgeDocument, NotificationAddedDocument, NotificationReadDocument, NotificationsDocument, NotificationsReadAllDocument } from "../generated/graphql";
import { Empty, Loading, told, Trouble } from "../parts/states";
import { useLoaded } from "../parts/useLoaded";
import { useHere } from "../parts/Viewer";
import { fromNow, moment, nameOf } from "../words";
import { AlertThreshold } from "./notifications/AlertThreshold";

const PAGE = 50;

export default function Notifications(): ReactNode {
  const { workspace } = useHere();
  const { data, error, reload } = useLoaded(NotificationsDocument, { workspaceId: workspace.id, first: PAGE, after: null });
  const [problem, setProblem] = useState("");
  useStream(NotificationAddedDocument, { workspaceId: workspace.id }, ({ notificationAdded: message }, goOnAfter) => {
    goOnAfter(message.cursor);
    if (message.__typename !== "Watermark") reload();
  });
  const act = (doing: Promise<unknown>): void => {
    doing.then(() => setProblem(""), (failed: unknown) => setProblem(told(failed))).finally(reload);
  };
  const nodes = data?.notifications.nodes;
  const unread = nodes?.some((each) => !each.readAt) ?? false;
  return (
    <>
      <title>Notifications - Campaign Express</title>
      <Group justify="space-between" mb="sm">
        <Title order={2}>Notifications</Title>
        {unread && <Button variant="default" onClick={() => act(ask(NotificationsReadAllDocument, { workspaceId: workspace.id }))}>Mark all as read</Button>}
      </Group>
      {(error ?? problem) && <Trouble error={error ?? problem} again={reload} />}
      {!nodes && !error && <Loading what="notifications" />}
      {nodes?.length === 0 && <Empty title="Nothing to tell you yet">When a change fails, a sync stops or a review is due, it says so here at once.</Empty>}
      <Stack data-testid="notifications">
        {nodes?.map((each) => (
          <Card withBorder component="article" key={each.id}>
            <Group justify="space-between" wrap="nowrap" align="start">
              <Title order={3} size="h5" fw={each.readAt ? 400 : 700}>{each.title}</Title>
              {each.urgency === "HIGH" && <Badge color="red" variant="light" tt="none">Urgent</Badge>}
            </Group>
            <Text size="sm">{each.body}</Text>
            <Text size="sm" className="soft">
              {moment(each.at)} ({fromNow(each.at)})
              {each.alert?.acknowledgedAt ? `; ${nameOf(each.alert.acknowledgedBy)} takes care of it` : ""}
              {each.alert?.resolvedAt ? "; it has recovered" : ""}
            </Text>
            <Group mt="xs">
              {each.alert && !each.alert.acknowledgedAt && !each.alert.resolvedAt && (
                <Button size="xs" onClick={() => act(ask(NotificationAcknowledgeDocument, { id: each.id }))}>I take care of it</Button>
              )}
              {!each.readAt && <Button size="xs" variant="default" onClick={() => act(ask(NotificationReadDocument, { id: each.id }))}>Mark as read</Button>}
            </Group>
          </Card>
        ))}
      </Stack>
      {data?.notifications.pageInfo.hasNextPage && <Text size="sm" className="soft" mt="md">The newest {PAGE} are shown.</Text>}
      {nodes && <AlertThreshold />}
    </>
  );
}
