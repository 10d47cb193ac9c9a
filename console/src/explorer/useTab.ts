/** The tab of GraphiQL that is open: what stands in it, and writing an operation into it or into a new one. */
import { pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";

const NARROW = "(max-width: 48em)";

export interface Tab {
  readonly document: () => string;
  readonly headers: () => string;
  readonly write: (document: string, variables: unknown) => void;
  readonly writeVariables: (variables: unknown) => void;
}

export function useTab(): Tab {
  const { queryEditor, variableEditor, headerEditor } = useGraphiQL(pick("queryEditor", "variableEditor", "headerEditor"));
  const actions = useGraphiQLActions();
  const document = (): string => queryEditor?.getValue() ?? "";
  const headers = (): string => headerEditor?.getValue() ?? "";
  const writeVariables = (variables: unknown): void => variableEditor?.setValue(JSON.stringify(variables, null, 2));
  return {
    document,
    headers,
    writeVariables,
    write: (text, variables) => {
      // A telephone has no room for the pane beside the editor.
      if (matchMedia(NARROW).matches) actions.setVisiblePlugin(null);
      if (document().trim()) {
        // A token that somebody typed goes along into the new tab.
        const said = headers();
        actions.addTab();
        headerEditor?.setValue(said);
      }
      queryEditor?.setValue(text);
      writeVariables(variables);
    },
  };
}

/** What the headers editor says, where it is JSON. */
export function headersOf(text: string): Record<string, string> {
  try {
    return JSON.parse(text || "{}") as Record<string, string>;
  } catch {
    return {};
  }
}
