import assert from "node:assert/strict";
import { test } from "node:test";
import { launch, visit } from "./browser.mjs";
import { project, start } from "./service.mjs";

const JWT_SECRET = "a secret for the tests of the console, 32 bytes";

async function signedIn(t, settings = {}) {
  const service = await start(t, { JWT_SECRET, WORKER_RENDER: "false", ...settings });
  const token = service.token();
  const person = await visit(t, await launch(t));
  await person.context.addCookies([{ name: "aigen-" + new URL(service.url).port, value: token, url: service.url }]);
  const make = (inputPrompt) => service.api("POST", "/generations", { projectId: project, inputPrompt, inputParameters: { format: "InstagramPost", samples: 1 } }, token);
  return { service, person, make };
}

const live = (page) => page.waitForFunction(() => navigator.locks.query().then((q) => q.held.length > 0));
const prompts = (page) => page.locator(".tile .prompt").allInnerTexts();

test("what is begun elsewhere appears in the open lists", async (t) => {
  const { service, person, make } = await signedIn(t);
  const empty = await person.open(service.url + "/generations");
  const studio = await person.open(service.url);
  const others = await person.open(service.url + "/generations?status=Cancelled");
  await live(studio);
  for (let i = 0; i < 10; i++) await make(`Picture ${i}`);
  await empty.waitForFunction(() => document.querySelectorAll(".tile").length === 10);
  assert.deepEqual((await prompts(empty)).slice(0, 2), ["Picture 9", "Picture 8"]);
  assert.equal(await empty.getByText("Your pictures will appear here").isVisible(), false);
  await studio.waitForFunction(() => document.querySelector(".recent .tile .prompt")?.textContent === "Picture 9");
  assert.equal(await studio.locator(".recent .tile").count(), 8, "the newest eight");
  assert.equal(await others.locator(".tile").count(), 0, "not where the filter says otherwise");
  person.quiet();
});

test("further down the page, new ones wait until they are asked for", async (t) => {
  const { service, person, make } = await signedIn(t);
  for (let i = 0; i < 24; i++) await make(`Old ${i}`);
  const page = await person.open(service.url + "/generations");
  await live(page);
  await page.evaluate(() => scrollTo(0, 700));
  await make("New 1");
  await make("New 2");
  const button = page.getByRole("button", { name: "2 new" });
  await button.waitFor();
  assert.equal(await page.locator(".tile").count(), 24, "nothing moves beneath the eyes");
  await button.click();
  assert.deepEqual((await prompts(page)).slice(0, 3), ["New 2", "New 1", "Old 23"]);
  assert.equal(await page.evaluate(() => scrollY), 0);
  person.quiet();
});

test("a long list is found again at the same place", async (t) => {
  const { service, person, make } = await signedIn(t);
  for (let i = 0; i < 100; i++) await make(`Picture ${i}`);
  const page = await person.open(service.url + "/generations");
  for (const many of [48, 72, 96]) {
    await page.locator(".more").scrollIntoViewIfNeeded();
    await page.waitForFunction((n) => document.querySelectorAll(".tile").length >= n, many);
  }
  const tile = page.locator(".tile").nth(80);
  await tile.scrollIntoViewIfNeeded();
  const many = await page.locator(".tile").count();
  const before = await page.evaluate(() => scrollY);
  assert.ok(before > 2000, "scrolled: " + before);
  for (const leave of ["open one and go back", "reload"]) {
    if (leave === "reload") await page.reload();
    else {
      await tile.locator("a").click();
      await page.waitForSelector("#creative");
      await page.goBack();
    }
    await page.waitForFunction((n) => document.querySelectorAll(".tile").length >= n, many);
    await page.waitForFunction((y) => Math.abs(scrollY - y) < 400, before);
  }
  person.quiet();
});

test("a list is brought up to date with one request", async (t) => {
  const { service, person, make } = await signedIn(t);
  for (let i = 0; i < 24; i++) await make(`Picture ${i}`);
  const asked = [];
  person.context.on("request", (r) => new URL(r.url()).pathname.startsWith("/generations/") && asked.push(r.url()));
  person.expected.push(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|htmx/);
  const page = await person.open(service.url + "/generations");
  await live(page);
  await page.waitForFunction(() => performance.getEntriesByType("resource").some((e) => e.name.includes("/generations/cards?")));
  await page.waitForLoadState("networkidle");
  assert.ok(asked.length <= 2, "24 tiles, first view: " + asked.length);
  asked.length = 0;
  await service.stop("SIGKILL");
  await page.getByText("Connection lost").waitFor();
  await service.run();
  await page.getByText("Connection lost").waitFor({ state: "detached" });
  await page.waitForFunction(() => performance.getEntriesByType("resource").filter((e) => e.name.includes("/generations/cards?")).length > 1);
  await page.waitForLoadState("networkidle");
  assert.ok(asked.length <= 4, "after a restart: " + asked.length);
  person.quiet();
});
