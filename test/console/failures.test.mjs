import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { check, choose, launch, pick, visit } from "./browser.mjs";
import { start } from "./service.mjs";

// An image server that does what the prompt says.
function imageServer(t) {
  return new Promise((resolve) => {
    const server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      const refused = body.includes("forbidden");
      response.writeHead(refused ? 400 : 500, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ error: refused ? { code: "moderation_blocked", type: "image_generation_user_error", message: "Your request was rejected by the safety system." } : { message: "out of memory" } }));
    }).listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}/v1`));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
  });
}

// Each failure is told kindly, says what was not charged, and leads on.
test("failures", async (t) => {
  const service = await start(t, { IMAGE_API_URL: await imageServer(t), IMAGE_API_MODEL: "test", MAX_STAGE_ATTEMPTS: "1", LEDGER_INITIAL_CREDITS: "2" });
  const browser = await launch(t);
  for (const [size, theme] of [["desktop", "light"], ["phone", "dark"]]) {
    const person = await visit(t, browser, { size, theme });
    person.expected.push(/402|422/);
    const page = await person.open(service.url);
    const ask = async (prompt, n) => {
      await page.goto(service.url);
      await page.getByLabel("Prompt").fill(prompt);
      await pick(page, "samples", n);
      await page.getByRole("button", { name: "Make samples" }).click();
    };
    await ask("something forbidden", 1);
    await page.getByRole("heading", { name: "The engine declined this prompt" }).waitFor();
    await check(page, person, "declined");
    await ask("a fox", 1);
    await page.getByRole("heading", { name: "The engine could not finish" }).waitFor();
    await check(page, person, "failed");
    await page.waitForFunction(() => document.querySelector("#balance b").textContent === "2.00"); // given back, and shown
    await page.getByRole("link", { name: "Try again" }).click();
    assert.equal(await page.getByLabel("Prompt").inputValue(), "a fox");
    assert.equal(await page.locator("#balance b").innerText(), "2.00", "nothing was charged");

    await pick(page, "format", "Custom");
    await page.getByLabel("Width").fill("5000");
    await page.locator("#studio").evaluate((f) => (f.noValidate = true));
    await page.getByRole("button", { name: "Make samples" }).click();
    await page.getByText("Each side must be a whole number").waitFor();
    await page.waitForFunction(() => document.activeElement.id === "width");
    assert.ok(await page.evaluate(() => document.activeElement.getBoundingClientRect().bottom < innerHeight - 160), "and can be seen");
    await check(page, person, "studio-faults");
    person.quiet();
  }
});

test("too few credits", async (t) => {
  const service = await start(t, { LEDGER_INITIAL_CREDITS: "0.50" });
  const person = await visit(t, await launch(t));
  person.expected.push(/402/);
  const page = await person.open(service.url);
  await page.getByLabel("Prompt").fill("a castle");
  await page.getByText("Your balance does not cover this.", { exact: true }).waitFor();
  assert.ok(await page.getByRole("button", { name: "Make samples" }).isDisabled(), "what cannot work is not offered");
  await check(page, person, "no-credits");
  await pick(page, "samples", 2);
  await page.getByText("Your balance does not cover this.", { exact: true }).waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Make samples" }).click();
  await page.waitForSelector("#choose");
  await page.getByRole("radio", { name: "Choose sample 1" }).check();
  await page.getByText(/Your balance does not cover this/).first().waitFor();
  assert.ok(await page.getByRole("button", { name: "Make the final" }).isDisabled());
  await check(page, person, "no-credits-for-the-final");

  // The page does not know that the balance is gone: the service does, and what it says
  // stays on the page.
  await page.locator("#choose").evaluate((form) => form.requestSubmit());
  await page.getByRole("alert").filter({ hasText: "Not enough credits" }).waitFor();
  assert.ok(await page.getByRole("radio", { name: "Choose sample 1" }).isChecked(), "the choice is kept");
  assert.match(await page.getByRole("alert").innerText(), /aigen credits grant --user [0-9a-f-]{36} --amount 100/);
  await check(page, person, "refused-final");
  person.quiet();
});
