import "@mantine/core/styles.css";
import "graphiql/style.css";
import "./explorer.css";
import "graphiql/setup-workers/vite";
import { MantineProvider } from "@mantine/core";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { hold } from "../api/session";
import { cssVariablesResolver, theme } from "../parts/theme";
import { Explorer } from "./Explorer";

await hold();
createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariablesResolver} defaultColorScheme="auto">
      <Explorer />
    </MantineProvider>
  </StrictMode>,
);
