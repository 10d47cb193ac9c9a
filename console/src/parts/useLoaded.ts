/** One read of a page: its data, what went wrong, and reading it again. The data of before stays while it is read again. */
import { useCallback, useEffect, useState } from "react";
import { insist } from "../api/client";
import type { TypedDocumentString } from "../generated/graphql";
import { told } from "./states";

export interface Loaded<Data> {
  readonly data: Data | null;
  readonly error: string | null;
  readonly reload: () => void;
}

export function useLoaded<Data, Variables extends object>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Loaded<Data> {
  const [data, setData] = useState<Data | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  const said = JSON.stringify(variables);
  useEffect(() => {
    let current = true;
    insist(document, JSON.parse(said) as Variables).then(
      (found) => {
        if (!current) return;
        setData(found);
        setError(null);
      },
      (problem: unknown) => {
        if (current) setError(told(problem));
      },
    );
    return () => {
      current = false;
    };
  }, [document, said, round]);
  const reload = useCallback(() => setRound((each) => each + 1), []);
  return { data, error, reload };
}
