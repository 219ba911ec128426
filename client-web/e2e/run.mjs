// Plays the browser client against a real server: ROOKERY_SERVER names its program, ROOKERY_CHROMIUM the browser (Debian's by
// default), ROOKERY_PICTURES a folder for screenshots. `npm run build` comes first.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { Person } from "./person.mjs";
import { serve } from "./serve.mjs";
import { Server } from "./server.mjs";
import { story } from "./story.mjs";

const program = process.env.ROOKERY_SERVER;
if (!program) throw new Error("ROOKERY_SERVER names no program");
const data = mkdtempSync(join(tmpdir(), "rookery-e2e-"));
const pictures = process.env.ROOKERY_PICTURES ?? join(data, "pictures");
mkdirSync(pictures, { recursive: true });

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const server = new Server(program, join(data, "data"));
const ends = [() => server.kill()];
let failed = false;
try {
  await server.start();
  const site = await serve(join(root, "dist"), () => server.url);
  ends.unshift(() => site.end());
  const browser = await chromium.launch({
    executablePath: process.env.ROOKERY_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  ends.unshift(() => browser.close());
  await story({
    server,
    person: (name, options) => Person.enter(browser, site.url, name, pictures, options),
  });
  console.log("All is well.");
} catch (error) {
  failed = true;
  console.error(error);
}
for (const end of ends) await end();
rmSync(data, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
