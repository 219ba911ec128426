import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// In use the server itself serves the page, so page and calls have one origin. Here a proxy makes it so.
const server = process.env.ROOKERY_URL ?? "http://127.0.0.1:7878";
const proxy = { "^/(rookery\\.v1\\.|media(/|$)|gif/)": { target: server } };

export default defineConfig({
  plugins: [svelte()],
  // No inlining: the page is to live under a policy without data: and inline anything.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy },
  preview: { proxy },
  test: { include: ["src/**/*.test.ts"] },
});
