import { gzipSync } from "node:zlib";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// In use the server itself serves the page, so page and calls have one origin. Here a proxy makes it so.
const server = process.env.ROOKERY_URL ?? "http://127.0.0.1:7878";
const proxy = { "^/(rookery\\.v1\\.|media(/|$)|gif/)": { target: server } };

/** Puts a packed twin beside each file that is worth it: the server sends that one to browsers. */
const packed: Plugin = {
  name: "packed",
  apply: "build",
  generateBundle: {
    order: "post",
    handler(_, bundle) {
      for (const file of Object.values(bundle)) {
        const plain = Buffer.from(file.type === "chunk" ? file.code : file.source);
        const source = gzipSync(plain, { level: 9 });
        if (source.length < plain.length * 0.9) this.emitFile({ type: "asset", fileName: `${file.fileName}.gz`, source });
      }
    },
  },
};

export default defineConfig({
  plugins: [svelte(), packed],
  // No inlining: the page is to live under a policy without data: and inline anything.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy },
  preview: { proxy },
  test: { include: ["src/**/*.test.ts"] },
});
