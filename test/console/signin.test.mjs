import assert from "node:assert/strict";
import { test } from "node:test";
import { check, launch, visit } from "./browser.mjs";
import { project, start } from "./service.mjs";

const JWT_SECRET = "a secret for the tests of the console, 32 bytes";

test("signing in and out", async (t) => {
  const service = await start(t, { JWT_SECRET });
  const browser = await launch(t);
  for (const [size, theme] of [["desktop", "light"], ["phone", "dark"]]) {
    const person = await visit(t, browser, { size, theme });
    person.expected.push(/422|401/);
    const page = await person.open(service.url + "/generations?status=Failed");
    assert.match(page.url(), /sign-in/);
    await check(page, person, "sign-in");
    await page.getByLabel("Token").fill("not a token");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("The token is malformed.").waitFor();
    await check(page, person, "sign-in-refused");
    await page.getByLabel("Token").fill(service.token());
    await page.getByText(/This is the token of 7b0e6f0a/).waitFor();
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(service.url + "/generations?status=Failed");
    await page.getByText("Welcome").waitFor();
    assert.equal(await page.evaluate(() => document.cookie), "", "no script sees the session");
    assert.equal(await page.getByRole("link", { name: "Operator" }).count(), 0);
    await page.locator(".menu summary").click();
    await check(page, person, "menu");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(/sign-in/);
    await page.goto(service.url);
    assert.match(page.url(), /sign-in/);

    // A portal's link: the token is named, and used only when the person says so.
    await page.goto(service.url + "/sign-in?next=/#token=" + service.token());
    await page.reload();
    await page.goto(service.url + "/sign-in?next=/%3Fprompt%3Da+fox#token=" + service.token());
    await page.getByText(/This is the token of/).waitFor();
    assert.equal(new URL(page.url()).hash, "", "the token is not left in the address");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\?prompt=a/);
    assert.equal(await page.getByLabel("Prompt").inputValue(), "a fox");
    person.quiet();
  }
});

// Without any JWT setting there is a local user, who proves themselves by the key of the
// address that serve prints.
test("the address with the key", async (t) => {
  const service = await start(t);
  const browser = await launch(t);
  const person = await visit(t, browser, { size: "phone" });
  person.expected.push(/422/);
  const page = await person.context.newPage();
  await page.goto(service.url);
  assert.match(page.url(), /sign-in/);
  await page.getByText("aigen console").waitFor();
  await check(page, person, "sign-in-local");
  await page.goto(service.url + "/?key=wrong");
  await page.getByText("The key in that address is not the one of this service.").waitFor();
  await page.getByLabel("Address with the key, or token").fill(service.door + "x");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("#token-error").waitFor();
  await page.goto(service.door);
  assert.equal(page.url(), service.url + "/", "the key is not left in the address");
  assert.match(await page.locator(".banner").innerText(), /local user/);
  await page.locator(".menu summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/sign-in/);
  await page.getByLabel("Address with the key, or token").fill(service.door);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(service.url + "/");
  person.quiet();
});

test("a session that ends while a page is open", async (t) => {
  const service = await start(t, { JWT_SECRET });
  const person = await visit(t, await launch(t));
  person.expected.push(/401/);
  const page = await person.open(service.url + "/sign-in");
  // Tokens are taken for a little longer than they say, as clocks differ.
  await page.getByLabel("Token").fill(service.token("--lifetime", "3s"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(service.url + "/");
  await page.getByLabel("Prompt").fill("A thought that must not be lost");
  await page.getByText("Your session has ended").waitFor();
  await check(page, person, "session-ended");
  await page.getByRole("link", { name: "Sign in again" }).click();
  await page.getByLabel("Token").fill(service.token());
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(service.url + "/");
  assert.equal(await page.getByLabel("Prompt").inputValue(), "A thought that must not be lost");
  person.quiet();
});

test("the history goes on as one scrolls, and without script by links", async (t) => {
  const service = await start(t, { JWT_SECRET, WORKER_RENDER: "false" });
  const token = service.token();
  for (let i = 0; i < 60; i++) {
    const inputParameters = { format: ["InstagramPost", "TikTok", "FacebookPost"][i % 3], samples: 1 };
    await service.api("POST", "/generations", { projectId: project, inputPrompt: `Picture ${i}`, inputParameters }, token);
  }
  const browser = await launch(t);
  const person = await visit(t, browser);
  const cookies = [{ name: "aigen-" + new URL(service.url).port, value: token, url: service.url }];
  await person.context.addCookies(cookies);
  const page = await person.open(service.url + "/generations");
  assert.equal(await page.locator(".tile").count(), 24);
  await check(page, person, "history-long");
  for (const many of [48, 60]) {
    await page.locator(".more").scrollIntoViewIfNeeded();
    await page.waitForFunction((n) => document.querySelectorAll(".tile").length === n, many);
  }
  assert.equal(await page.locator(".more").count(), 0);
  assert.equal(new Set(await page.locator(".tile .prompt").allInnerTexts()).size, 60);
  person.quiet();

  const reader = await visit(t, browser, { javaScriptEnabled: false });
  await reader.context.addCookies(cookies);
  const plain = await reader.open(service.url + "/generations");
  await plain.getByRole("link", { name: "Older ones" }).click();
  await plain.getByRole("link", { name: "Older ones" }).click();
  assert.equal(await plain.locator(".tile").count(), 12);
  await plain.locator(".tile a").first().click();
  assert.match(await plain.locator("h1").innerText(), /Picture 11/);
});
