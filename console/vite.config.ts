import react from "@vitejs/plugin-react";
import { defineConfig, type HtmlTagDescriptor, type Plugin, type Rollup } from "vite";

/** The page begins with a small file that asks the server; the page names the rest too, so that it is fetched meanwhile. */
function named(): Plugin {
  return {
    name: "named",
    transformIndexHtml: {
      order: "post",
      handler: (_, { bundle }) => {
        const page = Object.values(bundle ?? {}).find((each): each is Rollup.OutputChunk => each.type === "chunk" && each.name === "main" && each.isDynamicEntry);
        const link = (attrs: HtmlTagDescriptor["attrs"]): HtmlTagDescriptor => ({ tag: "link", attrs: { crossorigin: true, ...attrs }, injectTo: "head" });
        return page ? [
          ...[...(page.viteMetadata?.importedCss ?? [])].map((name) => link({ rel: "preload", as: "style", href: `/${name}` })),
          ...[page.fileName, ...page.imports].map((name) => link({ rel: "modulepreload", href: `/${name}` })),
        ] : [];
      },
    },
  };
}

/** Fails a build that shows a component of Mantine whose styles nobody imports. */
function styled(): Plugin {
  return {
    name: "styled",
    generateBundle(_, bundle) {
      const shown = Object.values(bundle).flatMap((each) => (each.type === "chunk" ? Object.entries(each.modules) : []))
        .filter(([, { renderedLength }]) => renderedLength > 0)
        .map(([id]) => /@mantine\/core\/.*\/(\w+)\.module\.css\.mjs$/.exec(id)?.[1]);
      const styles = [...this.getModuleIds()].join("\n");
      const bare = [...new Set(shown)].filter((name) => name && !styles.includes(`@mantine/core/styles/${name}.css`) && !styles.includes("@mantine/core/styles.css"));
      if (bare.length > 0) this.error(`src/styles leaves out: ${bare.join(", ")}`);
    },
  };
}

// Two builds into one folder, so that the console is not cut into the many small pieces it would share with the explorer:
// `vite build` makes the console, `vite build --mode explorer` then adds the explorer.
export default defineConfig(({ mode }) => ({
  plugins: [react(), named(), styled()],
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
