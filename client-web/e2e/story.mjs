// What is played, in order: two people at browsers and one at client-core; a fourth looks in by telephone.
import assert from "node:assert/strict";

import { bridge, face } from "./painting.mjs";
import { Friend, server } from "./stage.mjs";

/** The room of all, as the server calls it. */
const GLOBAL = "Global";

/** One step, told on the console. */
async function step(name, play) {
  const start = Date.now();
  await play();
  console.log(`  ${name} (${Date.now() - start} ms)`);
}

export async function story({ person }) {
  const ada = await person("ada", { theme: "light" });
  const bo = await person("bo", { theme: "dark" });
  let dana;

  await step("mistakes stand at their fields", async () => {
    await ada.show("sign-in");
    await ada.page.getByLabel("Name", { exact: true }).fill("nobody");
    await ada.page.getByLabel("Password").fill("wrong password");
    await ada.page.keyboard.press("Enter");
    await ada.page.getByRole("alert").waitFor();
    await bo.button("Create account").first().click();
    await bo.page.getByLabel("Name", { exact: true }).fill("b");
    await bo.page.getByLabel("Password").fill("short");
    await bo.page.keyboard.press("Enter");
    await bo.page.getByText("At least 8 characters.").waitFor();
    await bo.show("create-account");
  });

  await step("three people register and land in the global room", async () => {
    await ada.register("Ada Lovelace");
    await bo.register("Bo Diddley");
    for (const { page } of [ada, bo]) await page.getByRole("heading", { name: GLOBAL }).first().waitFor();
    await ada.composer().waitFor();
    dana = await Friend.enter("dana", "Dana Scully");
  });

  await step("a name that is taken is said at the name", async () => {
    const other = await person("ada");
    await other.button("Create account").first().click();
    await other.page.getByLabel("Name", { exact: true }).fill("ADA");
    await other.page.getByLabel("Password").fill("a good password");
    await other.page.keyboard.press("Enter");
    await other.page.locator("[aria-invalid=true]").waitFor();
    assert.equal(await other.page.locator("[aria-invalid=true]").getAttribute("autocomplete"), "username");
    await other.leave();
  });

  await step("they talk in the global room, every character survives", async () => {
    await ada.say("Good morning! Did anybody see the kingfisher at the old bridge?");
    await bo.sees("kingfisher");
    await ada.say("It's <b>not</b> bold, isn't it? \u{1F926}\u{1F3FD}\u200D\u2640\uFE0F \u05E9\u05DC\u05D5\u05DD");
    await bo.seesOnce("It's <b>not</b> bold, isn't it?");
    await bo.say("I did: https://example.org/birds.");
    await ada.sees("I did");
    const heard = await dana.sees(GLOBAL, "isn't it?");
    assert.equal(heard.text, "It's <b>not</b> bold, isn't it? \u{1F926}\u{1F3FD}\u200D\u2640\uFE0F \u05E9\u05DC\u05D5\u05DD");
    assert.equal(heard.author, "Ada Lovelace");
    await dana.say(GLOBAL, "Two of them, by the weir.", "kingfisher");
    await ada.seesOnce("Two of them, by the weir.");
    await bo.seesOnce("Two of them, by the weir.");
  });

  await step("texts that are hard to draw hold nobody up", async () => {
    const texts = {
      joined: "\u{1F468}\u200D\u{1F469}\u200D\u{1F467}\u200D\u{1F466}".repeat(320),
      tower: "\u0301".repeat(3900),
      turned: "\u202Eabc\u2066".repeat(700),
      lines: "a\u2028b\n".repeat(900),
      word: "m".repeat(3900),
    };
    await ada.page.evaluate(() => {
      globalThis.longest = 0;
      new PerformanceObserver((list) => {
        globalThis.longest = Math.max(globalThis.longest, ...list.getEntries().map(({ duration }) => duration));
      }).observe({ type: "longtask" });
    });
    for (const [name, text] of Object.entries(texts)) {
      await dana.say(GLOBAL, `hard: ${name} ${text}`);
      await ada.sees(`hard: ${name}`);
      await ada.picture(`hard-${name}`);
      await dana.delete(GLOBAL, `hard: ${name}`);
      await ada.message(`hard: ${name}`).waitFor({ state: "detached" });
    }
    const longest = await ada.page.evaluate(() => globalThis.longest);
    console.log(`    the longest task took ${longest} ms`);
    assert.ok(longest < 1000, "a tenth of it is promised");
  });

  await step("typing is seen, and ends", async () => {
    await bo.composer().pressSequentially("Then we go", { delay: 20 });
    await ada.page.getByText("Bo Diddley is typing…").waitFor();
    await dana.seesTyping(GLOBAL, "Bo Diddley");
    await bo.composer().fill("");
    await ada.page.getByText("Bo Diddley is typing…").waitFor({ state: "detached" });
    await dana.type(GLOBAL);
    await ada.page.getByText("Dana Scully is typing…").waitFor();
  });

  await step("reply, react, edit, delete", async () => {
    await bo.tool("kingfisher", "Reply");
    await bo.say("Then we go again on Saturday. I bring the thermos, somebody brings cake.");
    await ada.sees("thermos");
    await ada.tool("thermos", "React");
    await ada.button("React with 🎉").click();
    await bo.page.getByRole("button", { name: /^🎉 1/ }).waitFor();
    await bo.page.getByRole("button", { name: /^🎉 1/ }).click();
    await ada.page.getByRole("button", { name: /^🎉 2/ }).waitFor();
    assert.equal((await dana.sees(GLOBAL, "thermos")).replyTo, "Good morning! Did anybody see the kingfisher at the old bridge?");
    await dana.react(GLOBAL, "thermos", "🎉");
    await ada.page.getByRole("button", { name: /^🎉 3/ }).waitFor();
    await ada.say("Plum or apple");
    await bo.sees("Plum or apple");
    await ada.composer().press("ArrowUp");
    await ada.composer().fill("Plum or apple cake?");
    await ada.composer().press("Enter");
    await bo.sees("Plum or apple cake?");
    await bo.sees("isn't it?");
    await bo.sees("(edited)");
    assert.equal((await dana.sees(GLOBAL, "Plum or apple cake?")).edited, true);
    await dana.edit(GLOBAL, "by the weir", "Two of them, at the weir.");
    await bo.sees("Two of them, at the weir.");
    await ada.say("a slip");
    await bo.sees("a slip");
    await ada.tool("a slip", "Delete");
    await ada.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await bo.sees("Message deleted");
    await dana.misses(GLOBAL, "a slip");
    await dana.say(GLOBAL, "a word too much");
    await ada.sees("a word too much");
    await dana.delete(GLOBAL, "a word too much");
    await ada.message("a word too much").waitFor({ state: "detached" });
  });

  await step("a picture is pasted", async () => {
    const picture = await face(bo.page);
    await bo.composer().evaluate((box, bytes) => {
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
      box.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }, [...picture]);
    await bo.page.getByRole("list", { name: "Files to send" }).getByRole("img").waitFor();
    await bo.composer().fill("Guess who");
    await bo.page.keyboard.press("Enter");
    await ada.drawn(ada.message("Guess who").getByRole("button", { name: /^Open picture/ }).locator("img"));
    await bo.tool("Guess who", "Delete");
    await bo.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await ada.message("Guess who").waitFor({ state: "detached" });
  });

  await step("pictures and files go both ways", async () => {
    const picture = await bridge(ada.page);
    await ada.attach(["bridge.jpg", picture], ["list.txt", Buffer.from("plums\nflour\n")], ["slip.txt", Buffer.from("no")]);
    await ada.button("Remove slip.txt").click();
    await ada.composer().fill("This is where I stood");
    await ada.show("attaching");
    await ada.page.keyboard.press("Enter");
    const got = bo.message("This is where I stood");
    await bo.drawn(got.getByRole("button", { name: "Open picture bridge.jpg" }).locator("img"));
    const { attachments } = await dana.sees(GLOBAL, "This is where I stood");
    assert.deepEqual(attachments.map(({ name, kind }) => [name, kind]), [["bridge.jpg", "picture"], ["list.txt", "file"]]);
    assert.deepEqual([attachments[0].width, attachments[0].height], [960, 600]);
    assert.deepEqual(await dana.fetches(GLOBAL, "This is where I stood"), attachments.map(({ size }) => size));
    const link = got.getByRole("link", { name: /^Download list\.txt/ });
    const file = await bo.page.request.get(new URL(await link.getAttribute("href"), bo.page.url()).href);
    assert.equal(await file.text(), "plums\nflour\n");
    await got.getByRole("button", { name: "Open picture bridge.jpg" }).click();
    await bo.drawn(bo.page.getByRole("dialog").getByRole("img", { name: "bridge.jpg" }));
    await bo.show("viewer");
    await bo.page.keyboard.press("Escape");
    await bo.page.getByRole("dialog").waitFor({ state: "detached" });
    await dana.send(GLOBAL, "And my notes", "notes.md", Buffer.from("# Birds\n"));
    await ada.message("And my notes").getByRole("link", { name: /^Download notes\.md/ }).waitFor();
  });

  await step("emotes: found, completed, large when alone, as a reaction", async () => {
    await bo.button("Emotes").click();
    await bo.page.getByLabel("Search emotes").fill("birthday");
    await bo.show("emotes");
    await bo.button("birthday cake").click();
    await bo.page.keyboard.press("Escape");
    await bo.composer().focus();
    await bo.page.keyboard.type(" :tada");
    await bo.page.getByRole("option", { name: ":tada:" }).waitFor();
    await bo.show("completing");
    await bo.page.keyboard.press("Enter");
    await bo.page.keyboard.press("Enter");
    await ada.sees("🎂 🎉");
    assert.equal((await dana.sees(GLOBAL, "🎂")).text.trim(), "🎂 🎉");
    await ada.tool("This is where I stood", "React");
    await ada.button("More emotes").click();
    await ada.page.getByRole("dialog").getByLabel("Search emotes").fill("bird");
    await ada.page.getByRole("dialog").getByRole("button", { name: "bird", exact: true }).click();
    await bo.page.getByRole("button", { name: /^🐦 1/ }).waitFor();
    await bo.message("This is where I stood").hover();
    await bo.show("tools");
  });

  await step("a GIF is found, kept as a favourite, sent", async () => {
    await bo.button("GIFs").click();
    await bo.page.getByRole("group", { name: "Categories" }).getByRole("button").nth(3).waitFor();
    await bo.show("gif-categories");
    await bo.page.getByLabel("Search GIFs").fill("party");
    const found = bo.page.getByRole("button", { name: /^Send / });
    await bo.drawn(found.first().locator("img"));
    await bo.show("gifs");
    await bo.page.getByRole("button", { name: /^Favourite: / }).first().click();
    await bo.page.getByRole("button", { name: /^Favourite: /, pressed: true }).waitFor();
    const title = (await found.first().getAttribute("title")) ?? "";
    await found.first().click();
    const gif = ada.page.locator("[role=log] article").last().locator("img");
    await ada.drawn(gif);
    const { attachments, author } = await dana.sees(GLOBAL, "");
    assert.equal(author, "Bo Diddley");
    assert.deepEqual(attachments.map(({ kind, animated }) => [kind, animated]), [["picture", true]], title);
    assert.equal((await dana.fetches(GLOBAL, ""))[0], attachments[0].size);
    await bo.button("GIFs").click();
    await bo.button("Favourites").click();
    await bo.button(`Send ${title}`).waitFor();
    await bo.page.keyboard.press("Escape");
  });

  await step("a direct chat opens, and appears at the other side", async () => {
    await ada.page.keyboard.press("Control+k");
    await ada.page.getByPlaceholder("Find people by name").fill("bo");
    await ada.page.getByRole("dialog").getByRole("button", { name: /Bo Diddley/ }).waitFor();
    await ada.show("add-chat");
    await ada.page.keyboard.press("Enter");
    await ada.page.getByRole("heading", { name: "Bo Diddley" }).first().waitFor();
    await ada.say("Lunch at one?\nThe usual place.");
    await bo.chat("Ada Lovelace").waitFor();
    await bo.chat("Ada Lovelace").getByText("1", { exact: true }).waitFor();
    await bo.chat("Ada Lovelace").click();
    await bo.sees("Lunch at one?");
    await bo.chat("Ada Lovelace").getByText("1", { exact: true }).waitFor({ state: "detached" });
    await bo.show("direct");
  });

  await step("a direct chat with somebody at the desktop's core, who is seen to be there", async () => {
    await ada.page.keyboard.press("Control+k");
    await ada.page.getByPlaceholder("Find people by name").fill("dana");
    await ada.page.getByRole("dialog").getByRole("button", { name: /Dana Scully/ }).click();
    await ada.page.getByRole("heading", { name: "Dana Scully" }).first().waitFor();
    await ada.say("Are you there?");
    await dana.sees("Ada Lovelace", "Are you there?");
    await dana.say("Ada Lovelace", "Always.");
    await ada.seesOnce("Always.");
    await ada.chat("Dana Scully").getByText("Online").waitFor({ state: "attached" });
    await dana.seesPresence("Ada Lovelace", "online");
    await dana.seesPresence("Bo Diddley", "online");
  });

  let code = "";
  await step("a group is made, found, joined", async () => {
    await ada.button("New group").click();
    await ada.page.getByLabel("Name", { exact: true }).fill("Bird watching");
    await ada.page.getByLabel("Public: anybody may join").check();
    await ada.show("create-group");
    await ada.page.getByRole("dialog").getByRole("button", { name: "Create group" }).click();
    await ada.page.getByRole("heading", { name: "Bird watching" }).first().waitFor();
    await ada.say("Trail opens at six, I checked.");
    await bo.button("New group").click();
    await bo.page.getByRole("dialog").getByRole("button", { name: "Join", exact: true }).first().click();
    await bo.button("Join Bird watching").waitFor();
    await bo.show("join-group");
    await bo.button("Join Bird watching").click();
    await bo.sees("Trail opens at six");
    await bo.say("Half past five it is!");
    await ada.sees("Half past five it is!");
    await ada.button("Members").click();
    await ada.page.getByRole("complementary").getByRole("button", { name: /Bo Diddley/ }).first().waitFor();
    await ada.show("members");
    await ada.button("Invite by code").click();
    await ada.page.locator("output").filter({ hasText: /^\w{12}$/ }).waitFor();
    code = (await ada.page.locator("output").textContent()) ?? "";
    await ada.show("invite");
    await ada.page.keyboard.press("Escape");
    await dana.join(code);
    await ada.page.getByRole("complementary").getByRole("button", { name: /Dana Scully/ }).first().waitFor();
    await dana.say("Bird watching", "I am in, too.");
    await bo.seesOnce("I am in, too.");
  });

  await step("somebody joins with a code, on a telephone", async () => {
    const cy = await person("cy", { theme: "dark", width: 360, height: 720, hasTouch: true });
    await cy.show("narrow-sign-in");
    await cy.register();
    await cy.show("narrow-chats");
    await cy.button("New group").click();
    await cy.page.getByRole("dialog").getByRole("button", { name: "Join", exact: true }).first().click();
    await cy.page.getByLabel("With an invite code").fill(code);
    await cy.show("narrow-join");
    await cy.page.getByLabel("With an invite code").press("Enter");
    await cy.say("Found you by the code");
    await cy.sees("Found you by the code");
    await cy.show("narrow-group");
    await ada.sees("Found you by the code");
    await dana.sees("Bird watching", "Found you by the code");
    await ada.page.getByRole("complementary").getByRole("button", { name: /cy/ }).first().waitFor();
    await cy.page.getByRole("button", { name: /^Back/ }).click();
    await cy.chat(GLOBAL).click();
    await cy.drawn(cy.message("This is where I stood").getByRole("button", { name: /^Open picture/ }).locator("img"));
    await cy.page.mouse.move(5, 5);
    await cy.show("narrow-global-room");
    await cy.leave();
  });

  await step("a profile is changed and seen", async () => {
    await bo.page.getByTitle("Your profile").click();
    const dialog = bo.page.getByRole("dialog");
    await dialog.locator("input[type=file]").setInputFiles({
      name: "me.png",
      mimeType: "image/png",
      buffer: await face(bo.page),
    });
    await bo.button("Use this part").waitFor();
    await bo.show("crop");
    await bo.button("Use this part").click();
    await bo.button("Colour 3").click();
    await bo.page.getByLabel("About you").fill("I watch birds, and they watch me.");
    await bo.show("profile");
    await bo.page.keyboard.press("Escape");
    await bo.page.getByText("Discard your changes?").waitFor();
    await bo.button("Keep editing").click();
    await bo.button("Save").click();
    await ada.page.getByRole("complementary").getByRole("button", { name: /Bo Diddley/ }).first().click();
    await ada.page.getByText("I watch birds, and they watch me.").waitFor();
    await ada.drawn(ada.page.getByRole("dialog").locator("img"));
    const { about, avatar, color } = await dana.knows("Bo Diddley");
    assert.equal(about, "I watch birds, and they watch me.");
    assert.match(`${avatar} ${color}`, /^[0-9a-f]{32} #[0-9a-f]{6}$/);
    await ada.show("person");
    await ada.page.keyboard.press("Escape");
  });

  await step("how one wants to be seen", async () => {
    const choose = async (name) => {
      await bo.page.getByRole("button", { name: /^Status:/ }).click();
      await bo.page.getByRole("menuitemradio", { name }).click();
    };
    await bo.page.getByRole("button", { name: /^Status:/ }).click();
    await bo.show("status");
    await bo.page.keyboard.press("Escape");
    await choose(/Do not disturb/);
    await dana.seesPresence("Bo Diddley", "do_not_disturb");
    await ada.chat("Bo Diddley").getByText("Do not disturb").waitFor({ state: "attached" });
    await choose(/Invisible/);
    await dana.seesPresence("Bo Diddley", "offline");
    await choose(/Online/);
    await dana.seesPresence("Bo Diddley", "online");
    await dana.chooses("do_not_disturb");
    await ada.chat("Dana Scully").getByText("Do not disturb").waitFor({ state: "attached" });
    await ada.chat(GLOBAL).click();
    await ada.sees("This is where I stood");
    await ada.page.mouse.move(5, 5);
    await ada.show("global-room");
    await ada.chat("Bird watching").click();
  });

  await step("drafts stay with their chats", async () => {
    await bo.composer().fill("half a thought");
    await bo.chat(GLOBAL).click();
    await bo.until("another chat has no draft", async () => (await bo.composer().inputValue()) === "");
    await bo.chat("Bird watching").click();
    await bo.until("the draft is there", async () => (await bo.composer().inputValue()) === "half a thought");
    await bo.composer().fill("");
  });

  await step("the server is killed: what is written meanwhile arrives once, also after a reload", async () => {
    await server.kill();
    await ada.page.getByText(/^Offline\./).waitFor();
    await ada.say("Written while the server was gone");
    await ada.page.getByText("Sending…").waitFor();
    await ada.show("offline");
    await dana.say("Bird watching", "Dana writes into the dark");
    await dana.again();
    await server.start();
    await bo.seesOnce("Written while the server was gone");
    await bo.seesOnce("Dana writes into the dark");
    await ada.page.getByText("Sending…").waitFor({ state: "detached" });
    await ada.seesOnce("Written while the server was gone");
    await bo.say("And back");
    await ada.seesOnce("And back");
    // A new page has all of it: what was said, the pictures, who has a picture of herself.
    await ada.page.reload();
    await ada.chat(GLOBAL).click();
    await ada.drawn(ada.message("This is where I stood").getByRole("button", { name: /^Open picture/ }).locator("img"));
    await ada.chat("Bird watching").click();
    await ada.sees("And back");
    await ada.drawn(ada.message("And back").locator("img"));
    await dana.sees("Bird watching", "And back");
    // The same messages in the same order, for everybody.
    const said = await dana.reads("Bird watching");
    assert.equal(said.length, new Set(said).size, `nothing twice: ${said}`);
    for (const reader of [ada, bo]) {
      const places = await reader.order(said);
      assert.deepEqual(places, [...places].sort((a, b) => a - b), `${reader.name}: ${said}`);
      assert.ok(!places.includes(-1), `${reader.name} has all of ${said}`);
    }
  });

  await step("a send whose answer is lost arrives once", async () => {
    // The server stores it; the answer never reaches the page, and the page is reloaded.
    await ada.page.route("**/SendMessage", async (route) => {
      await route.fetch();
      await route.abort();
    });
    await ada.say("The answer gets lost");
    await bo.seesOnce("The answer gets lost");
    await ada.page.reload();
    await ada.page.unroute("**/SendMessage");
    await ada.chat("Bird watching").click();
    await ada.sees("The answer gets lost");
    // What is sent later comes later: nothing of the other one is on its way any more.
    await ada.say("And this one is not");
    await bo.seesOnce("And this one is not");
    await ada.seesOnce("The answer gets lost");
    await bo.seesOnce("The answer gets lost");
  });

  await step("a refused message says why, can be edited and sent", async () => {
    await ada.page.route("**/SendMessage", (route) => route.fulfill(refusal("The group is asleep.")));
    await ada.say("refused at first");
    await ada.page.getByText("Not sent. The group is asleep.").waitFor();
    await ada.show("failed");
    await ada.page.unroute("**/SendMessage");
    await ada.button("Retry").click();
    await bo.seesOnce("refused at first");
  });

  await step("a long history: older pages without a jump, and back to the present", async () => {
    await longHistory(dana, ada);
  });

  await step("leaving and signing out", async () => {
    await bo.button("Members").click();
    await bo.button("Leave group").click();
    await bo.page.getByRole("dialog").getByRole("button", { name: "Leave", exact: true }).click();
    await bo.chat("Bird watching").waitFor({ state: "detached" });
    await bo.button("Sign out").click();
    await bo.page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
    await bo.page.getByLabel("Password").waitFor();
    await bo.page.reload();
    await bo.page.getByLabel("Password").waitFor();
    await dana.seesPresence("Bo Diddley", "offline");
  });

  await ada.leave();
  await bo.leave();
}

/** An answer of the protocol by which the server says no. */
function refusal(words) {
  const headers = { "content-type": "application/grpc-web+proto", "grpc-status": "9", "grpc-message": words };
  return { status: 200, headers, body: "" };
}

async function longHistory(writer, reader) {
  const lines = Array.from({ length: 260 }, (_, index) => `Line number ${index + 1}.`);
  await writer.recite("Bird watching", lines);
  // Her client sends as fast as the server lets anybody: 40 at once, then 4 a second.
  await reader.message("Line number 260.").first().waitFor({ timeout: 180_000 });
  // One step up, and where the line under the eye was at once and once all has been still for some frames.
  const step = () =>
    reader.page.getByRole("log").evaluate(async (scroller) => {
      const rows = () => [...scroller.querySelectorAll("article")];
      // The lower edge: above it the author's name comes and goes with what stands before.
      const place = (row) => row?.getBoundingClientRect().bottom ?? 0;
      const name = (row) => row?.textContent?.match(/Line number \d+\./)?.[0];
      scroller.scrollTop -= 700;
      const edge = scroller.getBoundingClientRect().top;
      const seen = rows().find((row) => place(row) > edge + 5);
      const line = name(seen);
      const before = place(seen);
      const after = () => place(rows().find((row) => name(row) === line));
      for (let still = 0, last = after(); still < 5; ) {
        await new Promise((resolve) => requestAnimationFrame(resolve));
        still = after() === last ? still + 1 : 0;
        last = after();
      }
      return { line, before, after: after() };
    });
  await reader.until("the first line comes", async () => {
    const { line, before, after } = await step();
    if (line) assert.ok(Math.abs(before - after) < 2, `a jump at ${line}: ${before} ${after}`);
    return (await reader.message("Line number 1.").count()) > 0;
  });
  await reader.sees("Line number 1.");
  assert.ok((await reader.page.locator("[role=log] article").count()) <= 151, "the window is bounded");
  await reader.show("history");
  await writer.say("Bird watching", "News meanwhile");
  await reader.page.getByRole("button", { name: /new message|Jump to present/ }).click();
  await reader.sees("News meanwhile");
  await reader.page.getByRole("button", { name: /Jump to present/ }).waitFor({ state: "detached" });
}
