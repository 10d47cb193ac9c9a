/** How pages say that they load, that there is nothing, and that something went wrong. */
import { Alert, Button, Card, Group, Loader, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

export function Loading({ what }: { readonly what: string }): ReactNode {
  return (
    <Group role="status" p="md">
      <Loader size="sm" aria-hidden />
      <Text>Loading {what}…</Text>
    </Group>
  );
}

export function Empty({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactNode {
  return (
    <Card withBorder padding="lg" data-testid="empty">
      <Title order={2} size="h4">
        {title}
      </Title>
      <Text className="soft" mt="xs">
        {children}
      </Text>
    </Card>
  );
}

export function Trouble({ error, again }: { readonly error: string; readonly again?: () => void }): ReactNode {
  return (
    <Alert color="red" variant="outline" role="alert" title="That did not work" mb="md">
      <Text>{error}</Text>
      {again && (
        <Button variant="default" mt="sm" onClick={again}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

/** Said to who listens instead of looking. */
export function Polite({ text }: { readonly text: string }): ReactNode {
  return (
    <div className="skip" role="status" aria-live="polite">
      {text}
    </div>
  );
}

export const told = (error: unknown): string => (error instanceof Error ? error.message : "Something went wrong.");
