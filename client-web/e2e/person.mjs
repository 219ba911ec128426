// Somebody at a browser of her own, who finds things by what they are called.
import assert from "node:assert/strict";
import { join } from "node:path";

import axe from "axe-core";

const SERIOUS = ["serious", "critical"];

export class Person {
  static async enter(browser, url, name, pictures, { theme = "light", width = 1200, height = 800 } = {}) {
    const context = await browser.newContext({ colorScheme: theme, viewport: { width, height } });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    context.setDefaultTimeout(10_000);
    const page = await context.newPage();
    const person = new Person(page, name, pictures, theme);
    // What the policy refuses and what breaks is said on the console.
    page.on("pageerror", (error) => person.faults.push(String(error)));
    page.on("console", (line) => {
      if (/Content Security Policy|Trusted/i.test(line.text())) person.faults.push(line.text());
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
    await this.page.getByLabel("Display name").fill(displayName);
    await this.page.getByLabel("Password").fill("a good password");
    await this.page.keyboard.press("Enter");
    await this.page.getByRole("heading", { name: "Chats" }).waitFor();
    await this.composer().waitFor();
  }

  composer() {
    return this.page.getByRole("textbox", { name: /^Message / });
  }

  async say(text) {
    await this.composer().fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** A message in the list, by its text. */
  message(text) {
    return this.page.locator("[role=log] article").filter({ hasText: text });
  }

  async sees(text) {
    await this.message(text).first().waitFor({ timeout: 15_000 });
  }

  async seesOnce(text) {
    await this.sees(text);
    assert.equal(await this.message(text).count(), 1, `${this.name} sees “${text}” once`);
  }

  /** A chat in the list. */
  chat(name) {
    return this.page.getByRole("navigation", { name: "Chats" }).getByRole("button").filter({ hasText: name });
  }

  async tool(text, name) {
    await this.message(text).first().hover();
    await this.message(text).first().getByRole("button", { name, exact: true }).click();
  }

  async picture(name) {
    await this.page.waitForTimeout(250);
    await this.page.screenshot({ path: join(this.pictures, `${name}-${this.theme}.png`) });
  }

  /** Nothing that keeps anybody out. */
  async check(place) {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run());
    const serious = violations.filter(({ impact }) => SERIOUS.includes(impact));
    const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(" | ")}`);
    assert.deepEqual(told, [], `${place} in ${this.theme}`);
    const { scrollWidth, clientWidth } = await this.page.evaluate(() => document.documentElement);
    assert.ok(!(scrollWidth > clientWidth), `${place} is wider than the window`);
  }

  async show(place) {
    await this.picture(place);
    await this.check(place);
  }
}
