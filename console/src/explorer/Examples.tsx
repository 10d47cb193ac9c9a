/** A pane of GraphiQL: example operations by domain. One press writes an operation into a tab, its variables filled in. */
import type { GraphiQLPlugin } from "@graphiql/react";
import { type ReactNode, useEffect, useState } from "react";
import { told } from "../parts/states";
import { type Example, filled, offered as read, type Offered } from "./examples";
import { dataOf } from "./fetcher";
import { headersOf, useTab } from "./useTab";

function Examples(): ReactNode {
  const [offered, setOffered] = useState<Offered | null>(null);
  const [said, setSaid] = useState("");
  const tab = useTab();
  useEffect(() => {
    read().then(setOffered, (problem: unknown) => setSaid(told(problem)));
  }, []);
  const show = async (offers: Offered, example: Example): Promise<void> => {
    const headers = headersOf(tab.headers());
    tab.write(example.document, example.variables);
    setSaid("Filling in the variables.");
    try {
      const { variables, missing } = await filled(offers, example.variables, (query, given) => dataOf(query, given, headers));
      // Another one may have been chosen meanwhile.
      if (tab.document() === example.document) tab.writeVariables(variables);
      setSaid(missing.length > 0 ? `None right now for: ${missing.join(", ")}. Sign in, or change the workspace first.` : `${example.title}: ready to run.`);
    } catch (problem) {
      setSaid(told(problem));
    }
  };
  const domains = [...new Set(offered?.examples.map(({ domain }) => domain))];
  return (
    <div className="examples">
      <h2>Examples</h2>
      <p role="status" data-testid="said">{said}</p>
      {offered && domains.map((domain) => (
        <details key={domain} open={domain === domains[0]}>
          <summary>{domain}</summary>
          <ul>
            {offered.examples.filter((each) => each.domain === domain).map((each) => (
              <li key={each.name}>
                <button type="button" data-name={each.name} onClick={() => void show(offered, each)}>{each.title}</button>
                <p>{each.about}</p>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </div>
  );
}

export const ListIcon = (): ReactNode => (
  <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden>
    <path d="M9 5h11M9 12h11M9 19h11M4 5h1M4 12h1M4 19h1" strokeLinecap="round" />
  </svg>
);

export const EXAMPLES: GraphiQLPlugin = { title: "Examples", icon: ListIcon, content: Examples };
