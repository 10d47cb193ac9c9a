/** A pane of GraphiQL where a server runs registered documents only: those, each written into a tab by one press. */
import type { GraphiQLPlugin } from "@graphiql/react";
import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import { session } from "../api/session";
import { told } from "../parts/states";
import { ListIcon } from "./Examples";
import { begun, type Found, type Known, knownDocuments } from "./known";
import { useTab } from "./useTab";

function Documents(): ReactNode {
  const open = useSyncExternalStore(session.subscribe, session.isOpen);
  const [found, setFound] = useState<Found | null>(null);
  const [said, setSaid] = useState("");
  const [round, setRound] = useState(0);
  const tab = useTab();
  useEffect(() => {
    let current = true;
    knownDocuments().then(
      (each) => {
        if (!current) return;
        setFound(each);
        setSaid(each.missing.join(" "));
      },
      (problem: unknown) => {
        if (current) setSaid(told(problem));
      },
    );
    return () => {
      current = false;
    };
  }, [open, round]);
  const show = ({ name, text }: Known): void => {
    tab.write(text, begun(text, found?.workspaceId ?? null));
    setSaid(`${name}: fill in what is empty, and run it.`);
  };
  const groups = [...new Set(found?.documents.map((each) => each.of))];
  return (
    <div className="examples">
      <h2>Registered documents</h2>
      <p data-testid="only">
        This server runs registered documents only. Those below run now, by their text or by their hash; to run others, register them with RegisterDocument.{" "}
        <button type="button" onClick={() => setRound(round + 1)}>Read them again</button>
      </p>
      <p role="status" data-testid="said">{said}</p>
      {groups.map((group, place) => (
        <details key={group} open={place === 0}>
          <summary>{group}</summary>
          <ul>
            {found?.documents.filter((each) => each.of === group).map((each) => (
              <li key={each.sha256}>
                <button type="button" data-name={each.name} onClick={() => show(each)}>{each.name}</button>
                <p className="hash">sha256:{each.sha256}</p>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </div>
  );
}

export const DOCUMENTS: GraphiQLPlugin = { title: "Registered documents", icon: ListIcon, content: Documents };
