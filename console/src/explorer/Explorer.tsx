/** GraphiQL with this tab's session, the schema as the server prints it, and examples to begin with. */
import { Anchor, Button, Group, Modal, Text, Title, useComputedColorScheme } from "@mantine/core";
import { buildSchema, type GraphQLSchema } from "graphql";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import { ask } from "../api/client";
import { session } from "../api/session";
import { WhoDocument } from "../generated/graphql";
import { SignInForm } from "../pages/SignIn";
import { Loading, told, Trouble } from "../parts/states";
import { EXAMPLES } from "./Examples";
import { fetcher } from "./fetcher";

const WELCOME = "# Choose an example on the left, or begin to type: the editor knows the schema.\n# A token of your own goes below, under Headers: {\"authorization\": \"Bearer ...\"}\n{\n  viewer { name }\n}\n";

function Who(): ReactNode {
  const open = useSyncExternalStore(session.subscribe, session.isOpen);
  const [name, setName] = useState("");
  const [asking, setAsking] = useState(false);
  useEffect(() => {
    setName("");
    if (!open) return;
    setAsking(false);
    ask(WhoDocument, {}).then((data) => setName(data.viewer?.name ?? ""), () => setName(""));
  }, [open]);
  return (
    <Group gap="sm">
      <Text size="sm" role="status" data-testid="who">{open ? (name ? `Signed in as ${name}` : "Signed in") : session.reason() || "Not signed in"}</Text>
      {open ? (
        <Button size="xs" variant="default" onClick={() => void session.close()}>Sign out</Button>
      ) : (
        <Button size="xs" className="sign-in" onClick={() => setAsking(true)}>Sign in</Button>
      )}
      <Modal opened={asking && !open} onClose={() => setAsking(false)} title="Sign in" closeButtonProps={{ "aria-label": "Close" }} centered>
        <SignInForm />
      </Modal>
    </Group>
  );
}

export function Explorer(): ReactNode {
  const [schema, setSchema] = useState<GraphQLSchema | null>(null);
  const [error, setError] = useState("");
  const [round, setRound] = useState(0);
  const scheme = useComputedColorScheme("light");
  useEffect(() => {
    fetch("/schema.graphql")
      .then(async (answer) => {
        if (!answer.ok) throw new Error("The schema could not be read.");
        setSchema(buildSchema(await answer.text(), { assumeValidSDL: true }));
        setError("");
      })
      .catch((problem: unknown) => setError(told(problem)));
  }, [round]);
  return (
    <>
      <Group component="header" justify="space-between" px="md" py="xs">
        <Group gap="md" align="baseline">
          <Title order={1} size="h4">Explorer</Title>
          <Anchor href="/" size="sm" underline="always">Console</Anchor>
          <Anchor href="/schema.graphql" download="schema.graphql" size="sm" underline="always">Download the schema (SDL)</Anchor>
          <Anchor href="/plain/explorer" size="sm" underline="always">Plain explorer</Anchor>
        </Group>
        <Who />
      </Group>
      <main className="explorer">
        {error && <Trouble error={error} again={() => setRound(round + 1)} />}
        {!schema && !error && <Loading what="the schema" />}
        {schema && (
          <GraphiQL fetcher={fetcher} schema={schema} plugins={[HISTORY_PLUGIN, EXAMPLES]} visiblePlugin={EXAMPLES} defaultQuery={WELCOME}
            defaultEditorToolsVisibility forcedTheme={scheme} showPersistHeadersSettings={false} />
        )}
      </main>
    </>
  );
}
