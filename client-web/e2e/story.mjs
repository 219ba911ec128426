// What is played, in order.
import assert from "node:assert/strict";

/** One step, told on the console. */
async function step(name, play) {
  const start = Date.now();
  await play();
  console.log(`  ${name} (${Date.now() - start} ms)`);
}

export async function story({ server, person }) {
  const ada = await person("ada", { theme: "light" });
  const bo = await person("bo", { theme: "dark" });

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

  await step("two people register and land in the global room", async () => {
    await ada.register("Ada Lovelace");
    await bo.register("Bo Diddley");
  });

  await step("a name that is taken is said at the name", async () => {
    const other = await person("ada");
    await other.button("Create account").first().click();
    await other.page.getByLabel("Name", { exact: true }).fill("ADA");
    await other.page.getByLabel("Password").fill("a good password");
    await other.page.keyboard.press("Enter");
    await other.page.locator("[aria-invalid=true]").waitFor();
    assert.equal(await other.page.locator("[aria-invalid=true]").getAttribute("autocomplete"), "username");
    await other.page.context().close();
  });

  await step("they talk in the global room, every character survives", async () => {
    await ada.say("Good morning! Did anybody see the kingfisher at the old bridge?");
    await bo.sees("kingfisher");
    await ada.say("It's <b>not</b> bold, isn't it? \u{1F926}\u{1F3FD}\u200D\u2640\uFE0F \u05E9\u05DC\u05D5\u05DD");
    await bo.seesOnce("It's <b>not</b> bold, isn't it?");
    await bo.say("I did: https://example.org/birds.");
    await ada.sees("I did");
  });

  await step("typing is seen, and ends", async () => {
    await bo.composer().pressSequentially("Then we go", { delay: 20 });
    await ada.page.getByText("Bo Diddley is typing…").waitFor();
    await bo.composer().fill("");
    await ada.page.getByText("Bo Diddley is typing…").waitFor({ state: "detached" });
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
    await ada.say("Plum or apple");
    await bo.sees("Plum or apple");
    await ada.composer().press("ArrowUp");
    await ada.composer().fill("Plum or apple cake?");
    await ada.composer().press("Enter");
    await bo.sees("Plum or apple cake?");
    await bo.sees("isn't it?");
    await bo.sees("(edited)");
    await ada.say("a slip");
    await bo.sees("a slip");
    await ada.tool("a slip", "Delete");
    await ada.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await bo.sees("Message deleted");
    await bo.say("🎂🎉");
    await ada.sees("🎂🎉");
    await ada.page.mouse.move(5, 5);
    await ada.show("global-room");
    await bo.message("thermos").hover();
    await bo.show("global-room");
  });

  await step("a direct chat opens, and appears at the other side", async () => {
    await ada.page.keyboard.press("Control+k");
    await ada.page.getByPlaceholder("Find people by name").fill("bo");
    await ada.page.getByRole("dialog").getByRole("button", { name: /Bo Diddley/ }).waitFor();
    await ada.show("add-chat");
    await ada.page.keyboard.press("Enter");
    await ada.page.getByRole("heading", { name: "Bo Diddley" }).waitFor();
    await ada.say("Lunch at one?\nThe usual place.");
    await bo.chat("Ada Lovelace").waitFor();
    await bo.chat("Ada Lovelace").getByText("1", { exact: true }).waitFor();
    await bo.chat("Ada Lovelace").click();
    await bo.sees("Lunch at one?");
    await bo.chat("Ada Lovelace").getByText("1", { exact: true }).waitFor({ state: "detached" });
    await bo.show("direct");
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
  });

  await step("somebody joins with a code, on a telephone", async () => {
    const cy = await person("cy", { theme: "dark", width: 360, height: 720 });
    await cy.show("narrow-sign-in");
    await cy.button("Create account").first().click();
    await cy.page.getByLabel("Name", { exact: true }).fill("cy");
    await cy.page.getByLabel("Password").fill("a good password");
    await cy.page.keyboard.press("Enter");
    await cy.page.getByRole("heading", { name: "Chats" }).waitFor();
    await cy.show("narrow-chats");
    await cy.button("New group").click();
    await cy.page.getByRole("dialog").getByRole("button", { name: "Join", exact: true }).first().click();
    await cy.page.getByLabel("With an invite code").fill(code);
    await cy.show("narrow-join");
    await cy.page.getByLabel("With an invite code").press("Enter");
    await cy.say("Found you by the code");
    await cy.show("narrow-group");
    await ada.sees("Found you by the code");
    await ada.page.getByRole("complementary").getByRole("button", { name: /cy/ }).first().waitFor();
    await cy.page.context().close();
  });

  await step("a profile is changed and seen", async () => {
    await bo.page.getByTitle("Your profile").click();
    await bo.page.getByLabel("About you").fill("I watch birds, and they watch me.");
    await bo.show("profile");
    await bo.page.keyboard.press("Escape");
    await bo.page.getByText("Discard your changes?").waitFor();
    await bo.button("Keep editing").click();
    await bo.button("Save").click();
    await ada.page.getByRole("complementary").getByRole("button", { name: /Bo Diddley/ }).first().click();
    await ada.page.getByText("I watch birds, and they watch me.").waitFor();
    await ada.show("person");
    await ada.page.keyboard.press("Escape");
  });

  await step("drafts stay with their chats", async () => {
    await bo.composer().fill("half a thought");
    await bo.page.waitForTimeout(600);
    await bo.chat("Everybody").or(bo.chat("Global")).first().click();
    await bo.page.waitForTimeout(100);
    assert.equal(await bo.composer().inputValue(), "");
    await bo.chat("Bird watching").click();
    await bo.page.waitForTimeout(100);
    assert.equal(await bo.composer().inputValue(), "half a thought");
    await bo.composer().fill("");
  });

  await step("the server is killed: what is written meanwhile arrives once, also after a reload", async () => {
    await server.kill();
    await ada.page.getByText(/^Offline\./).waitFor({ timeout: 15_000 });
    await ada.say("Written while the server was gone");
    await ada.page.getByText("Sending…").waitFor();
    await ada.show("offline");
    await ada.page.reload();
    await ada.page.getByText(/^Offline\./).waitFor({ timeout: 15_000 });
    await ada.chat("Bird watching").click();
    await ada.sees("Written while the server was gone");
    await ada.sees("Half past five it is!");
    await server.start();
    await bo.seesOnce("Written while the server was gone");
    await ada.page.getByText("Sending…").waitFor({ state: "detached", timeout: 40_000 });
    await ada.seesOnce("Written while the server was gone");
    await bo.say("And back");
    await ada.seesOnce("And back");
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
    await ada.page.waitForTimeout(1500);
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
    await longHistory(bo, ada);
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
  });

  assert.deepEqual([...ada.faults, ...bo.faults], []);
}

/** An answer of the protocol by which the server says no. */
function refusal(words) {
  const headers = { "content-type": "application/grpc-web+proto", "grpc-status": "9", "grpc-message": words };
  return { status: 200, headers, body: "" };
}

async function longHistory(writer, reader) {
  for (let number = 1; number <= 260; number++) {
    await writer.composer().fill(`Line number ${number}.`);
    await writer.page.keyboard.press("Enter");
  }
  await reader.sees("Line number 260.");
  const log = reader.page.getByRole("log");
  const topLine = () =>
    log.evaluate((scroller) => {
      const edge = scroller.getBoundingClientRect().top;
      const row = [...scroller.querySelectorAll("article")].find((row) => row.getBoundingClientRect().bottom > edge + 5);
      return { text: row?.textContent?.match(/Line number \d+\./)?.[0], top: row?.getBoundingClientRect().top };
    });
  await log.hover();
  for (let turn = 0; turn < 60; turn++) {
    await reader.page.mouse.wheel(0, -700);
    await reader.page.waitForTimeout(40);
    const before = await topLine();
    await reader.page.waitForTimeout(120);
    const after = await topLine();
    if (before.text && before.text === after.text) {
      assert.ok(Math.abs((before.top ?? 0) - (after.top ?? 0)) < 2, `a jump at ${before.text}`);
    } else {
      assert.equal(before.text, after.text, "another line under the eye");
    }
    if ((await reader.message("Line number 1.").count()) > 0) break;
  }
  await reader.sees("Line number 1.");
  assert.ok((await reader.page.locator("[role=log] article").count()) <= 151, "the window is bounded");
  await reader.show("history");
  await writer.say("News meanwhile");
  await reader.page.getByRole("button", { name: /new message|Jump to present/ }).click();
  await reader.sees("News meanwhile");
  await reader.page.getByRole("button", { name: /Jump to present/ }).waitFor({ state: "detached" });
}
