// Writes src/generated/graphql.ts: types and typed documents of the operations in src/operations, from ../schema.graphql.
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { codegen } from "@graphql-codegen/core";
import * as typescript from "@graphql-codegen/typescript";
import * as operations from "@graphql-codegen/typescript-operations";
import * as typedDocuments from "@graphql-codegen/typed-document-node";
import { buildSchema, parse, printSchema } from "graphql";

const here = new URL("./", import.meta.url);
const schema = buildSchema(await readFile(new URL("../schema.graphql", here), "utf8"));
const folder = new URL("src/operations/", here);
const documents = await Promise.all(
  (await readdir(folder)).sort().map(async (name) => ({
    location: name,
    document: parse(await readFile(new URL(name, folder), "utf8")),
  })),
);
const scalars = Object.fromEntries(
  ["Cursor", "CurrencyCode", "Date", "DateTime", "Decimal"].map((name) => [name, "string"]),
);
const config = {
  scalars: { ...scalars, PageSize: "number", SummaryDays: "number", WindowHours: "number", JSON: "unknown" },
  strictScalars: true,
  enumsAsTypes: true,
  useTypeImports: true,
  skipTypename: false,
  immutableTypes: true,
  onlyOperationTypes: true,
  dedupeFragments: true,
  // As texts, an operation is an eighth of its tree, and nothing has to print it.
  documentMode: "string",
};
const text = await codegen({
  filename: "graphql.ts",
  schema: parse(printSchema(schema)),
  schemaAst: schema,
  documents,
  config,
  plugins: [{ typescript: {} }, { operations: {} }, { typedDocuments: {} }],
  pluginMap: { typescript, operations, typedDocuments: { ...typedDocuments } },
});
await mkdir(new URL("src/generated/", here), { recursive: true });
// What a page does not use is left out of the build where it is known to do nothing.
const pure = text.replaceAll("= new TypedDocumentString(", "= /*#__PURE__*/ new TypedDocumentString(");
await writeFile(new URL("src/generated/graphql.ts", here), pure);
