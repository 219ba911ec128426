// Makes src/gen from the protocol. With --check it changes nothing and fails if src/gen is not what would be made.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const check = process.argv.includes("--check");
const out = check ? mkdtempSync(join(tmpdir(), "rookery-gen-")) : ".";
const made = spawnSync("node_modules/.bin/buf", ["generate", "--output", out], { stdio: "inherit" });
if (made.status !== 0) process.exit(made.status ?? 1);
if (check) {
  const files = (folder) =>
    Object.fromEntries(
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
        .map((path) => [path.slice(folder.length), readFileSync(path, "utf8")]),
    );
  const same = JSON.stringify(files("src/gen")) === JSON.stringify(files(join(out, "src/gen")));
  rmSync(out, { recursive: true });
  if (!same) {
    console.error("src/gen is not what the protocol says: run `npm run gen` and commit it.");
    process.exit(1);
  }
}
