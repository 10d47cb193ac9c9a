import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Two builds into one folder, so that the console is not cut into the many small pieces it would share with the explorer:
// `vite build` makes the console, `vite build --mode explorer` then adds the explorer.
export default defineConfig(({ mode }) => ({
  plugins: [react()],
  logLevel: "warn",
  // The API writes a fresh nonce over this word in every answer.
  html: { cspNonce: "CSP_NONCE" },
  build: {
    emptyOutDir: mode !== "explorer",
    target: "es2022",
    sourcemap: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The explorer's code editor is that large; the console never loads it.
    chunkSizeWarningLimit: 3000,
    rollupOptions: {
      input: mode === "explorer" ? "explorer.html" : "index.html",
      output: { experimentalMinChunkSize: 8_000 },
      onwarn: (warning, tell) => {
        // A library's note to its own compiler.
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") tell(warning);
      },
    },
  },
  // The editor's workers load parts of themselves.
  worker: { format: "es" },
  server: { proxy: { "/graphql": { target: "http://127.0.0.1:8000", ws: true }, "/exports": "http://127.0.0.1:8000" } },
}));
