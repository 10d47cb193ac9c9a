/** Documents that a server runs which runs registered ones only: its own, and those of the workspaces one may see. */
import { Kind, type OperationDefinitionNode, parse, type TypeNode } from "graphql";
import { ask } from "../api/client";
import { session } from "../api/session";
import { RegisteredDocumentsDocument, WhoDocument } from "../generated/graphql";
import { readable } from "./fetcher";

export interface Known {
  /** Whose document it is. */
  readonly of: string;
  readonly name: string;
  readonly sha256: string;
  readonly text: string;
}

export interface Found {
  readonly documents: readonly Known[];
  /** What could not be read, and why. */
  readonly missing: readonly string[];
  readonly workspaceId: string | null;
}

async function ofServer(): Promise<readonly Known[] | null> {
  const answer = await readable("/explorer/documents.json");
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error("The server's documents could not be read.");
  return (await answer.json()) as readonly Known[];
}

/** Every document that can be run now. Raises Error. */
export async function knownDocuments(): Promise<Found> {
  const server = await ofServer();
  const missing = server ? [] : ["Sign in to see the documents."];
  if (!session.isOpen()) return { documents: server ?? [], missing, workspaceId: null };
  const workspaces = (await ask(WhoDocument, {})).viewer?.workspaces ?? [];
  const own = await Promise.all(workspaces.map(async ({ id, name }) => {
    try {
      const { trustedDocuments } = await ask(RegisteredDocumentsDocument, { workspaceId: id });
      if (trustedDocuments.pageInfo.hasNextPage) missing.push(`Of ${name} these are the newest hundred.`);
      return trustedDocuments.nodes.map((each) => ({ ...each, of: `Registered by ${name}` }));
    } catch (problem) {
      missing.push(`${name}: ${problem instanceof Error ? problem.message : "not read"}`);
      return [];
    }
  }));
  return { documents: [...own.flat(), ...(server ?? [])], missing, workspaceId: workspaces[0]?.id ?? null };
}

const FILLERS: Readonly<Record<string, unknown>> = { Int: 1, Float: 1, Boolean: true, ID: "", String: "" };

function filler(type: TypeNode): unknown {
  if (type.kind === Kind.NON_NULL_TYPE) return filler(type.type);
  return type.kind === Kind.LIST_TYPE ? [] : (FILLERS[type.name.value] ?? "");
}

/** Variables to begin with: those that a document demands, the workspace filled in, and a page's size. */
export function begun(text: string, workspaceId: string | null): Record<string, unknown> {
  const operation = parse(text).definitions.find((each): each is OperationDefinitionNode => each.kind === Kind.OPERATION_DEFINITION);
  const demanded = (operation?.variableDefinitions ?? []).filter(
    ({ type, defaultValue, variable }) => variable.name.value === "first" || (type.kind === Kind.NON_NULL_TYPE && !defaultValue),
  );
  return Object.fromEntries(demanded.map(({ variable: { name: { value: name } }, type }) => {
    if (name === "workspaceId") return [name, workspaceId ?? ""];
    return [name, name === "first" ? 10 : filler(type)];
  }));
}
