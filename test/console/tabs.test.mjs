import assert from "node:assert/strict";
import { test } from "node:test";
import { launch, pick, visit } from "./browser.mjs";
import { slowEngine } from "./engine.mjs";
import { start, until } from "./service.mjs";

const leads = (page) => page.waitForFunction(() => navigator.locks.query().then((q) => q.held.some((l) => l.name === "aigen-live")));

async function make(page, url, prompt) {
  await page.goto(url);
  await page.getByLabel("Prompt").fill(prompt);
  await pick(page, "samples", 1);
  await page.getByRole("button", { name: "Make samples" }).click();
  await page.waitForURL(/\/generations\//);
}

// The tab that follows shows the samples, too: also if they were ready before it listened.
test("a second tab shows what becomes of a new picture, round after round", async (t) => {
  const service = await start(t);
  const person = await visit(t, await launch(t));
  const one = await person.open(service.url + "/generations");
  await leads(one);
  const two = await person.context.newPage();
  for (let round = 0; round < 5; round++) {
    await make(two, service.url, `Round ${round}`);
    await two.waitForSelector("#choose");
  }
  person.quiet();
});

test("a tab asks once after it has begun to listen", async (t) => {
  const engine = await slowEngine(t);
  const service = await start(t, engine.settings);
  const person = await visit(t, await launch(t));
  const one = await person.open(service.url + "/generations");
  await leads(one);
  const two = await person.context.newPage();
  await make(two, service.url, "A fox");
  const id = two.url().split("/").at(-1);

  // The page is made while the work goes on, and its script comes after the end.
  const three = await person.context.newPage();
  let goOn;
  const ended = new Promise((resolve) => (goOn = resolve));
  await three.route("**/js/live.js", async (route) => {
    await ended;
    await route.continue();
  });
  await three.goto(two.url(), { waitUntil: "commit" });
  await three.waitForSelector(".is-ProcessingSamples, .is-Pending");
  engine.letGo();
  await until("the end", () => two.evaluate((at) => fetch(`/generations/${at}`).then((r) => r.text()).then((text) => text.includes("is-Failed")), id));
  goOn();
  await three.waitForSelector(".is-Failed", { timeout: 8000 }); // less than the slow look takes
  person.quiet();
});

test("a tab does not depend on the one that leads", async (t) => {
  const engine = await slowEngine(t);
  const service = await start(t, engine.settings);
  const person = await visit(t, await launch(t));
  await person.enter(service.url);
  const one = await person.context.newPage();
  await one.addInitScript(() => (BroadcastChannel.prototype.postMessage = () => {})); // it tells nobody
  await one.goto(service.url + "/generations");
  await leads(one);
  const two = await person.context.newPage();
  await make(two, service.url, "A fox");
  await two.waitForSelector(".progress");
  await two.waitForLoadState("networkidle");
  engine.letGo();
  await two.waitForSelector(".is-Failed");
  person.quiet();
});

// A page that is loaded again knows how far the work is, and so does a new tab.
test("the percentage survives a reload", async (t) => {
  const engine = await slowEngine(t);
  const service = await start(t, engine.settings);
  const person = await visit(t, await launch(t));
  await person.enter(service.url);
  const page = await person.context.newPage();
  await make(page, service.url, "A fox");
  await page.waitForSelector(".progress");
  const id = page.url().split("/").at(-1);
  await page.waitForFunction(() => document.querySelector("[data-percent]").textContent === "0%."); // all that this engine tells
  await leads(page);
  await page.evaluate((at) => {
    // As the leading tab would tell it.
    new BroadcastChannel("aigen-live").postMessage({ kind: "change", id: at, progress: 42 });
  }, id);
  await page.waitForFunction(() => document.querySelector("progress").value === 42);
  assert.match(await page.title(), /^42% · Making samples · A fox/);
  await page.reload();
  await page.waitForFunction(() => document.querySelector("progress").value === 42);
  assert.equal(await page.locator("[data-percent]").innerText(), "42%.");
  const other = await person.open(page.url());
  await other.waitForFunction(() => document.querySelector("progress").value === 42);
  person.quiet();
});
