/** What runs first: it begins to read while the page's code is still on its way, then draws the page. */
import { beginWho } from "./api/who";
import { hold } from "./api/session";
import { beginEarly } from "./pages/review/reading";
import { knownWorkspace } from "./parts/workspace";

const ready = hold().then(() => {
  beginWho();
  beginEarly(knownWorkspace());
});
void Promise.all([import("./main"), ready]).then(([{ draw }]) => draw());
