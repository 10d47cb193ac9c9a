/** GraphiQL with this tab's session, the schema as the server prints it, and examples to begin with. */
import { Alert, Anchor, Button, Group, Modal, Text, Title, useComputedColorScheme } from "@mantine/core";
import { buildSchema, type GraphQLSchema } from "graphql";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import { ask } from "../api/client";
import { session } from "../api/session";
import { WhoDocument } from "../generated/graphql";
import { SignInForm } from "../pages/SignIn";
import { Loading, told, Trouble } from "../parts/states";
import { keep } from "../parts/download";
import { DOCUMENTS } from "./Documents";
import { EXAMPLES } from "./Examples";
import { offered } from "./examples";
import { fetcher, readable } from "./fetcher";

const WELCOME = "# Choose an example on the left, or begin to type: the editor knows the schema.\n# A token of your own goes below, under Headers: {\"authorization\": \"Bearer ...\"}\n{\n  viewer { name }\n}\n";
const ONLY = "# This server runs registered documents only: choose one on the left.\n";

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

interface Schema {
  readonly text: string;
  readonly built: GraphQLSchema;
}

/** The schema as the server prints it; barred where it does so for those only who are signed in, and nobody is. */
function useSchema(): { schema: Schema | null; barred: boolean; error: string; again: () => void } {
  const open = useSyncExternalStore(session.subscribe, session.isOpen);
  const [schema, setSchema] = useState<Schema | null>(null);
  const [barred, setBarred] = useState(false);
  const [error, setError] = useState("");
  const [round, setRound] = useState(0);
  const isRead = schema !== null;
  useEffect(() => {
    if (isRead) return;
    readable("/schema.graphql")
      .then(async (answer) => {
        setBarred(answer.status === 401);
        setError("");
        if (answer.status === 401) return;
        if (!answer.ok) throw new Error("The schema could not be read.");
        const text = await answer.text();
        setSchema({ text, built: buildSchema(text, { assumeValidSDL: true }) });
      })
      .catch((problem: unknown) => setError(told(problem)));
  }, [isRead, open, round]);
  return { schema, barred, error, again: () => setRound(round + 1) };
}

export function Explorer(): ReactNode {
  const { schema, barred, error, again } = useSchema();
  const [without, setWithout] = useState(false);
  const [only, setOnly] = useState<boolean | null>(null);
  const scheme = useComputedColorScheme("light");
  useEffect(() => {
    offered().then((found) => setOnly(found.only), () => setOnly(false));
  }, []);
  const list = only ? DOCUMENTS : EXAMPLES;
  return (
    <>
      <Group component="header" justify="space-between" px="md" py="xs">
        <Group gap="md" align="baseline">
          <Title order={1} size="h4">Explorer</Title>
          <Anchor href="/" size="sm" underline="always">Console</Anchor>
          {schema && (
            <Anchor component="button" type="button" size="sm" underline="always" className="take" onClick={() => keep(new Blob([schema.text]), "schema.graphql")}>
              Download the schema (SDL)
            </Anchor>
          )}
          <Anchor href="/plain/explorer" size="sm" underline="always">Plain explorer</Anchor>
        </Group>
        <Who />
      </Group>
      <main className="explorer">
        {error && <Trouble error={error} again={again} />}
        {barred && !without && (
          <Alert variant="outline" title="This server shows its schema to those who are signed in" m="md" data-testid="barred">
            <Text>Sign in above. With an API key, go on without the schema and put the key below the editor, under Headers.</Text>
            <Button variant="default" mt="sm" onClick={() => setWithout(true)}>Go on without the schema</Button>
          </Alert>
        )}
        {!schema && !error && !barred && <Loading what="the schema" />}
        {(schema || without) && only !== null && (
          <GraphiQL fetcher={fetcher} schema={schema?.built ?? null} plugins={[HISTORY_PLUGIN, list]} visiblePlugin={list}
            defaultQuery={only ? ONLY : WELCOME} defaultEditorToolsVisibility forcedTheme={scheme} showPersistHeadersSettings={false} />
        )}
      </main>
    </>
  );
}
