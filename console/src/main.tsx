import "@mantine/core/styles.css";
import "@mantine/charts/styles.css";
import "./console.css";
import { createTheme, MantineProvider } from "@mantine/core";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Provider } from "urql";
import { App } from "./App";
import { client } from "./api/client";
import { hold } from "./api/session";

const theme = createTheme({ primaryColor: "indigo", defaultRadius: "md", primaryShade: { light: 7, dark: 8 }, autoContrast: true });
// The API lets only styles run that carry the nonce of this very answer.
const nonce = document.querySelector<HTMLMetaElement>("meta[property='csp-nonce']")?.nonce ?? "";

await hold();
createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <Provider value={client}>
        <App />
      </Provider>
    </MantineProvider>
  </StrictMode>,
);
