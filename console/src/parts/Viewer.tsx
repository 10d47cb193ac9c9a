/** Who is signed in, and in which workspace they work. */
import { createContext, useContext } from "react";
import type { ViewerPartsFragment } from "../generated/graphql";

type Workspace = ViewerPartsFragment["workspaces"][number];

export interface Here {
  readonly viewer: ViewerPartsFragment;
  readonly workspace: Workspace;
}

const HereContext = createContext<Here | null>(null);
export const HereProvider = HereContext.Provider;

export function useHere(): Here {
  const here = useContext(HereContext);
  if (!here) throw new Error("used outside a workspace");
  return here;
}
