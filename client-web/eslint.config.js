import svelte from "eslint-plugin-svelte";
import typescript from "typescript-eslint";

import config from "./svelte.config.js";

export default typescript.config(
  { ignores: ["dist/", "src/gen/", "node_modules/"] },
  ...typescript.configs.strict,
  ...svelte.configs.recommended,
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: typescript.parser, svelteConfig: config } },
  },
  {
    rules: {
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_", argsIgnorePattern: "^_" }],
      // Text is drawn as text: there is no HTML from messages anywhere.
      "svelte/no-at-html-tags": "error",
      "svelte/no-inline-styles": "error",
      // Maps of the state are replaced, never changed: they need no reactivity of their own.
      "svelte/prefer-svelte-reactivity": "off",
      "no-restricted-globals": [
        "error",
        { name: "localStorage", message: "Secrets do not belong there; src/engine/disk keeps the rest." },
      ],
    },
  },
  // Who is signed in here and small habits, none of them secret: they have to be there before anything is drawn.
  { files: ["src/api/session.ts", "src/ui/habit.ts"], rules: { "no-restricted-globals": "off" } },
  {
    files: ["src/state/**", "src/engine/**"],
    ignores: ["src/engine/ambient.ts", "src/engine/script.ts", "**/*.test.ts"],
    rules: {
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: "Time comes from Ambient." },
        { object: "Math", property: "random", message: "Chance comes from Ambient." },
        { object: "performance", property: "now", message: "Time comes from Ambient." },
      ],
    },
  },
);
