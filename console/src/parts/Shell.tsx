import { Anchor, AppShell, Badge, Burger, Button, Group, NativeSelect, NavLink, SegmentedControl, Text, Title } from "@mantine/core";
import { useMantineColorScheme, type MantineColorScheme } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type ReactNode, useEffect } from "react";
import { Link, useLocation } from "react-router";
import { hangUp, useLine, useStream } from "../api/live";
import { NotificationAddedDocument, UnreadCountDocument } from "../generated/graphql";
import { useLoaded } from "./useLoaded";
import { useHere } from "./Viewer";

const PAGES = [
  ["/", "Review"],
  ["/adjustments", "Adjustments"],
  ["/history", "History"],
  ["/notifications", "Notifications"],
  ["/guardrails", "Guardrails"],
  ["/stop", "Emergency stop"],
] as const;

const LINE = {
  live: ["Live", "teal"],
  connecting: ["Connecting", "gray"],
  waiting: ["Connection lost, trying again", "orange"],
} as const;

interface Frame {
  readonly children: ReactNode;
  readonly choose: (id: string) => void;
  readonly leave: () => void;
}

export function Shell({ children, choose, leave }: Frame): ReactNode {
  const { viewer, workspace } = useHere();
  const [menu, { toggle, close }] = useDisclosure(false);
  const line = useLine();
  const { pathname } = useLocation();
  // Every page keeps the line open by this stream, so that "Live" is true wherever one is.
  const { data, reload } = useLoaded(UnreadCountDocument, { workspaceId: workspace.id });
  useStream(NotificationAddedDocument, { workspaceId: workspace.id }, ({ notificationAdded: message }, goOnAfter) => {
    goOnAfter(message.cursor);
    if (message.__typename !== "Watermark") reload();
  });
  useEffect(reload, [pathname, reload]);
  const unread = data?.notificationUnreadCount ?? 0;
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [label, color] = LINE[line];
  return (
    <AppShell header={{ height: 56 }} navbar={{ width: 220, breakpoint: "sm", collapsed: { mobile: !menu } }} padding="md">
      <AppShell.Header>
        <a className="skip" href="#main">
          Skip to the page
        </a>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group wrap="nowrap">
            <Burger opened={menu} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
            <Title order={1} size="h4" textWrap="nowrap">
              Campaign Express
            </Title>
          </Group>
          <Group gap="sm" wrap="nowrap">
            <Badge variant="dot" color={color} data-testid="line" data-state={line} role="status" tt="none">
              {label}
            </Badge>
            <Text size="sm" visibleFrom="sm" data-testid="who">
              {viewer.name}
            </Text>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label="Pages">
        <AppShell.Section grow>
          {PAGES.map(([path, title]) => (
            <NavLink
              key={path}
              component={Link}
              to={path}
              label={title}
              rightSection={path === "/notifications" && unread > 0 ? <Badge size="sm" aria-label={`${unread} unread`}>{unread}</Badge> : null}
              active={pathname === path}
              variant="light"
              aria-current={pathname === path ? "page" : undefined}
              onClick={close}
            />
          ))}
        </AppShell.Section>
        <AppShell.Section>
          {viewer.workspaces.length > 1 ? (
            <NativeSelect
              label="Workspace"
              value={workspace.id}
              data={viewer.workspaces.map((each) => ({ value: each.id, label: each.name }))}
              onChange={(event) => choose(event.currentTarget.value)}
            />
          ) : (
            <Text size="sm" className="soft">
              {workspace.name}
            </Text>
          )}
          <SegmentedControl
            my="sm"
            size="xs"
            fullWidth
            aria-label="Colours"
            value={colorScheme}
            onChange={(value) => setColorScheme(value as MantineColorScheme)}
            data={[
              { value: "auto", label: "System" },
              { value: "light", label: "Light" },
              { value: "dark", label: "Dark" },
            ]}
          />
          <Group justify="space-between">
            <Anchor href="/explorer" size="sm">
              Explorer
            </Anchor>
            <Button
              variant="default"
              size="xs"
              onClick={() => {
                hangUp();
                leave();
              }}
            >
              Sign out
            </Button>
          </Group>
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        {children}
      </AppShell.Main>
    </AppShell>
  );
}
