import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, launch, pick, visit } from "./browser.mjs";
import { start, until } from "./service.mjs";

// Without script everything can be read, and done: forms answer with redirects.
test("without script", async (t) => {
  const service = await start(t);
  const person = await visit(t, await launch(t), { javaScriptEnabled: false });
  const page = await person.open(service.url);
  await page.getByLabel("Prompt").fill("A meadow in spring");
  await pick(page, "samples", 2);
  await page.getByRole("button", { name: "Make samples" }).click();
  await page.waitForURL(/\/generations\//);
  await page.waitForSelector("#choose"); // the page loads itself again until then
  await choose(page, 2);
  await page.waitForSelector(".is-Completed");
  assert.equal(await page.getByRole("link", { name: "Download" }).count(), 1);
  await page.getByRole("button", { name: "Dark theme" }).click();
  await page.waitForSelector("html[data-theme=dark]");
  assert.match(page.url(), /\/generations\//, "back where it was");
});

// What the first page costs, pictures not counted.
test("the first page is small and quick", async (t) => {
  const service = await start(t);
  const person = await visit(t, await launch(t));
  await person.enter(service.url);
  const page = await person.context.newPage();
  const wire = await person.context.newCDPSession(page);
  await wire.send("Network.enable");
  const kinds = new Map();
  let bytes = 0;
  const by = {};
  wire.on("Network.responseReceived", (e) => kinds.set(e.requestId, e));
  wire.on("Network.loadingFinished", (e) => {
    const seen = kinds.get(e.requestId);
    if (seen?.type === "Image" && !seen.response.mimeType.includes("svg")) return;
    bytes += e.encodedDataLength;
    by[new URL(seen.response.url).pathname.split("/").slice(-1)[0] || "/"] = e.encodedDataLength;
  });
  await page.goto(service.url);
  await page.waitForLoadState("load");
  await until("the stream", () => page.evaluate(() => navigator.locks.query().then((q) => q.held.length === 1)));
  t.diagnostic(`${bytes} bytes: ${JSON.stringify(by)}`);
  assert.ok(bytes > 20000, "it was measured: " + bytes);
  assert.ok(bytes < 100000, `${bytes} bytes: ${JSON.stringify(by)}`);

  const again = await page.reload().then(() => page.evaluate(() => performance.getEntriesByType("resource").filter((e) => e.transferSize > 0 && !e.name.includes("/generations/cards?")).map((e) => e.name)));
  assert.deepEqual(again, [], "the second time everything but the page itself, and what is new, comes from the cache");
  const shift = await page.evaluate(() => new Promise((resolve) => {
    new PerformanceObserver((list) => resolve(list.getEntries().reduce((sum, e) => sum + e.value, 0))).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => resolve(0), 500);
  }));
  assert.ok(shift < 0.1, "nothing jumps: " + shift);
  person.quiet();
});
