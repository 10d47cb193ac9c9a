/** Who is signed in, and the frame around the pages. */
import { lazy, startTransition, Suspense, type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import { BrowserRouter, Route, Routes } from "react-router";
import { session } from "./api/session";
import { who } from "./api/who";
import type { ViewerPartsFragment } from "./generated/graphql";
import { Shell } from "./parts/Shell";
import { Empty, Loading, Trouble, told } from "./parts/states";
import { HereProvider } from "./parts/Viewer";
import { knownWorkspace, rememberWorkspace } from "./parts/workspace";
import { Review } from "./pages/Review";

const SignIn = lazy(() => import("./pages/SignIn"));
const SignInAgain = lazy(async () => ({ default: (await import("./pages/SignIn")).SignInAgain }));
const Adjustments = lazy(() => import("./pages/Adjustments"));
const History = lazy(() => import("./pages/History"));
const Notifications = lazy(() => import("./pages/Notifications"));
const Guardrails = lazy(() => import("./pages/Guardrails"));
const EmergencyStop = lazy(() => import("./pages/Stop"));

export function App(): ReactNode {
  const open = useSyncExternalStore(session.subscribe, session.isOpen);
  const [viewer, setViewer] = useState<ViewerPartsFragment | null>(null);
  const [error, setError] = useState("");
  const [round, setRound] = useState(0);
  const [chosen, setChosen] = useState(knownWorkspace);
  useEffect(() => {
    if (!open) return;
    who().then(
      (data) => {
        // The frame and its page are drawn in slices: the browser stays free meanwhile.
        startTransition(() => setViewer(data.viewer ?? null));
        const ids = data.viewer?.workspaces.map(({ id }) => id) ?? [];
        if (!ids.includes(knownWorkspace() ?? "")) rememberWorkspace(ids[0] ?? null);
        setError("");
      },
      (problem: unknown) => setError(told(problem)),
    );
  }, [open, round]);

  if (!viewer) {
    if (!open) return <Suspense fallback={<Loading what="the door" />}><SignIn /></Suspense>;
    return error ? <Trouble error={error} again={() => setRound(round + 1)} /> : <Loading what="your workspaces" />;
  }
  const workspace = viewer.workspaces.find((each) => each.id === chosen) ?? viewer.workspaces[0];
  if (!workspace) return <Empty title="No workspace yet">Ask an owner of your company to give you a role in one.</Empty>;
  const choose = (id: string): void => {
    rememberWorkspace(id);
    setChosen(id);
  };
  const leave = (): void => {
    setViewer(null);
    rememberWorkspace(null);
    void session.close();
  };
  return (
    <HereProvider value={{ viewer, workspace }}>
      <BrowserRouter>
        <Shell choose={choose} leave={leave}>
          <Suspense fallback={<Loading what="the page" />}>
            <Routes key={`${viewer.id} ${workspace.id}`}>
              <Route path="/" element={<Review />} />
              <Route path="/adjustments" element={<Adjustments />} />
              <Route path="/history" element={<History />} />
              <Route path="/notifications" element={<Notifications />} />
              <Route path="/guardrails" element={<Guardrails />} />
              <Route path="/stop" element={<EmergencyStop />} />
              <Route path="*" element={<Empty title="There is no such page">The menu leads to those that are.</Empty>} />
            </Routes>
          </Suspense>
        </Shell>
      </BrowserRouter>
      {!open && <Suspense fallback={null}><SignInAgain /></Suspense>}
    </HereProvider>
  );
}
