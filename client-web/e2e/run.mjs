// Plays the browser client in real browsers. Started by server/tests/browser.rs (`cargo xtask test browser`), which holds the
// server at ROOKERY_URL and the third person. ROOKERY_TEST_CHROMIUM names the browser; pictures go to ROOKERY_PICTURES.
import { mkdirSync } from "node:fs";

import { chromium } from "playwright-core";

import { Person } from "./person.mjs";
import { story } from "./story.mjs";

const { ROOKERY_URL: url, ROOKERY_TEST_CHROMIUM: executablePath, ROOKERY_PICTURES: pictures } = process.env;
if (!url || !executablePath) throw new Error("start this by `cargo xtask test browser`");
if (pictures) mkdirSync(pictures, { recursive: true });

// Nothing asks anybody but the server; no sandbox, for whoever is root in a container has none.
const quiet = ["disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync"];
const browser = await chromium.launch({
  executablePath,
  args: ["no-sandbox", "disable-gpu", ...quiet].map((flag) => `--${flag}`),
});
const people = [];
try {
  await story({
    person: async (name, options) => {
      const person = await Person.enter(browser, url, name, pictures, options);
      people.push(person);
      return person;
    },
  });
  console.log("All is well.");
} catch (error) {
  console.log(error);
  process.exitCode = 1;
  // What everybody saw when it went wrong.
  for (const person of people) {
    console.log(`${person.name}:`, person.faults);
    await person.picture(`failure-${person.name}`).catch(() => {});
  }
}
await browser.close();
process.exit();
