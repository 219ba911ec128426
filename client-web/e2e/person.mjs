// Somebody at a browser of her own, who finds things by what they are called.
import assert from "node:assert/strict";
import { join } from "node:path";

import axe from "axe-core";

/** Nothing that is waited for takes longer, on a busy machine either. */
const PATIENCE = 30_000;
const SERIOUS = ["serious", "critical"];
/** What a browser says when nobody answers, as in an outage. */
const OUTAGE = /net::ERR_/;

export class Person {
  static async enter(browser, url, name, pictures, { theme = "light", width = 1200, height = 800, hasTouch = false } = {}) {
    const context = await browser.newContext({
      colorScheme: theme,
      viewport: { width, height },
      hasTouch,
      reducedMotion: "reduce",
      locale: "en-GB",
    });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    const person = new Person(page, name, pictures, theme);
    const { origin } = new URL(url);
    // What breaks and what the policy refuses is said on the console.
    page.on("pageerror", (error) => person.faults.push(String(error)));
    page.on("console", (line) => {
      const refused = /Content Security Policy|Trusted/i.test(line.text());
      if (refused || (line.type() === "error" && !OUTAGE.test(line.text()))) person.faults.push(line.text());
    });
    page.on("request", (request) => {
      const asked = new URL(request.url());
      if (asked.origin !== origin && asked.protocol !== "blob:") person.faults.push(`asks ${request.url()}`);
    });
    await page.goto(url);
    return person;
  }

  constructor(page, name, pictures, theme) {
    Object.assign(this, { page, name, pictures, theme, faults: [] });
  }

  button(name) {
    return this.page.getByRole("button", { name, exact: true });
  }

  async register(displayName) {
    await this.button("Create account").first().click();
    await this.page.getByLabel("Name", { exact: true }).fill(this.name);
    if (displayName) await this.page.getByLabel("Display name").fill(displayName);
    await this.page.getByLabel("Password").fill("a good password");
    await this.page.keyboard.press("Enter");
    await this.page.getByRole("heading", { name: "Chats" }).waitFor();
  }

  composer() {
    return this.page.getByRole("textbox", { name: /^Message / });
  }

  async say(text) {
    await this.composer().fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** Chooses files for the next message: pairs of a name and a Buffer. */
  async attach(...files) {
    const form = this.page.locator("form", { has: this.composer() });
    await form.locator("input[type=file]").setInputFiles(files.map(([name, buffer]) => ({ name, buffer, mimeType: "" })));
  }

  /** Waits until a picture is drawn. */
  async drawn(image) {
    await image.waitFor();
    await this.until("a picture is drawn", () => image.evaluate((node) => node.complete && node.naturalWidth > 0));
  }

  /** A message in the list, by its text. */
  message(text) {
    return this.page.locator("[role=log] article").filter({ hasText: text });
  }

  async sees(text) {
    await this.message(text).first().waitFor();
  }

  async seesOnce(text) {
    await this.sees(text);
    assert.equal(await this.message(text).count(), 1, `${this.name} sees “${text}” once`);
  }

  /** The places of texts in the list, from the top. */
  async order(texts) {
    const rows = await this.page.locator("[role=log] article").allInnerTexts();
    return texts.map((text) => rows.findIndex((row) => row.includes(text)));
  }

  /** A chat in the list. */
  chat(name) {
    return this.page.getByRole("navigation", { name: "Chats" }).getByRole("button").filter({ hasText: name });
  }

  async tool(text, name) {
    await this.message(text).first().hover();
    await this.message(text).first().getByRole("button", { name, exact: true }).click();
  }

  /** Waits until something is so. */
  async until(what, so) {
    const end = Date.now() + PATIENCE;
    while (!(await so())) {
      if (Date.now() > end) throw new Error(`${this.name} waits in vain: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async picture(name) {
    if (!this.pictures) return;
    for (const theme of ["light", "dark"]) {
      await this.page.emulateMedia({ colorScheme: theme });
      await this.page.screenshot({ path: join(this.pictures, `${name}-${theme}.png`), animations: "disabled" });
    }
    await this.page.emulateMedia({ colorScheme: this.theme });
  }

  /** Nothing that keeps anybody out. */
  async check(place) {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run());
    const serious = violations.filter(({ impact }) => SERIOUS.includes(impact));
    const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(" | ")}`);
    assert.deepEqual(told, [], `${place} in ${this.theme}`);
    const { scrollWidth, clientWidth } = await this.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return { scrollWidth, clientWidth };
    });
    assert.ok(scrollWidth <= clientWidth, `${place} is wider than the window`);
  }

  async show(place) {
    await this.picture(place);
    await this.check(place);
  }

  /** Ends her browser; nothing may have been amiss. */
  async leave() {
    assert.deepEqual(this.faults, [], this.name);
    await this.page.context().close();
  }
}
