/** A file of the API, which asks for the token that a plain link would not send. */
import { authorised } from "../api/client";

/** Fetch a file and hand it to the browser under the name the server gives it. Raises what `authorised` does, and Error. */
export async function download(address: string, otherwise: string): Promise<void> {
  const answer = await authorised(address);
  if (!answer.ok) throw new Error("The file could not be made.");
  keep(await answer.blob(), /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? otherwise);
}

/** Hand something that is here to the browser as a file. */
export function keep(content: Blob, name: string): void {
  const made = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = made;
  link.download = name;
  link.click();
  URL.revokeObjectURL(made);
}
