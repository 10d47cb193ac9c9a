// Writes each larger text of the build once more, as brotli and as gzip, so that the API need not compress anything.
import { readFile, readdir, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const LEAST_BYTES = 1024;
// The code editor takes the best setting many seconds.
const LARGE_BYTES = 1_000_000;
const folder = new URL("dist/assets/", import.meta.url);

for (const name of await readdir(folder)) {
  if (!/\.(js|css|svg)$/.test(name)) continue;
  const text = await readFile(new URL(name, folder));
  if (text.length < LEAST_BYTES) continue;
  const params = { [constants.BROTLI_PARAM_QUALITY]: text.length > LARGE_BYTES ? 9 : 11 };
  await writeFile(new URL(`${name}.br`, folder), await promisify(brotliCompress)(text, { params }));
  await writeFile(new URL(`${name}.gz`, folder), await promisify(gzip)(text, { level: 9 }));
}
