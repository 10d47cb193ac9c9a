import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // The API writes a fresh nonce over this word in every answer.
  html: { cspNonce: "CSP_NONCE" },
  build: { target: "es2022", sourcemap: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { "/graphql": { target: "http://127.0.0.1:8000", ws: true }, "/exports": "http://127.0.0.1:8000" } },
});
