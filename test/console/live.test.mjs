import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, launch, visit } from "./browser.mjs";
import { start } from "./service.mjs";

const create = (page, prompt) => async () => {
  await page.getByLabel("Prompt").fill(prompt);
  await page.getByRole("button", { name: "Make samples" }).click();
  await page.waitForURL(/\/generations\//);
};

// Two tabs of one person are live at once, over one connection.
test("two tabs", async (t) => {
  const service = await start(t);
  const person = await visit(t, await launch(t));
  const one = await person.open(service.url);
  await create(one, "A forest in the mist")();
  await one.waitForSelector("#choose");
  const two = await person.open(one.url());
  const history = await person.open(service.url + "/generations");
  await history.waitForSelector(".tile .pill.warn");
  // What is being typed in one tab stays as it is while another changes things.
  await two.getByText("None of these?").click();
  await two.locator("#anew").getByLabel("Prompt").fill("half a thou");

  await choose(one, 2);
  await two.waitForSelector(".is-Completed");
  await one.waitForSelector(".is-Completed");
  await history.waitForFunction(() => document.querySelector(".tile") && !document.querySelector(".tile .pill"));
  for (const page of [one, two, history]) await page.waitForFunction(() => document.querySelector("#balance b").textContent === "98.00");
  const streams = await Promise.all([one, two, history].map((p) => p.evaluate(() => performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/live")).length)));
  assert.equal(await one.evaluate(() => navigator.locks.query().then((q) => q.held.filter((l) => l.name === "aigen-live").length)), 1);
  assert.ok(streams.reduce((a, b) => a + b) <= 1, "one connection: " + streams);

  // The tab that has the connection goes; another takes over.
  await one.close();
  await two.waitForFunction(() => navigator.locks.query().then((q) => q.held.some((l) => l.name === "aigen-live") && q.pending.length === 1));
  await history.goto(service.url);
  await create(history, "A desert at noon")();
  await history.waitForSelector("#choose");
  await two.waitForFunction(() => document.querySelector("#balance b").textContent === "97.00");
  person.quiet();
});

// The service is killed and started again while a page is open.
test("the service is restarted", async (t) => {
  const service = await start(t);
  const person = await visit(t, await launch(t));
  person.expected.push(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|htmx:sendError|htmx:afterRequest/);
  const page = await person.open(service.url);
  await page.getByLabel("Prompt").fill("A city in the rain");
  await service.stop("SIGKILL");
  await page.getByText("Connection lost").waitFor();
  await page.getByRole("button", { name: "Make samples" }).click();
  await page.getByText("No connection").waitFor();
  assert.equal(await page.getByLabel("Prompt").inputValue(), "A city in the rain", "nothing typed is lost");

  await service.run();
  await page.getByText("Connection lost").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Make samples" }).click(); // the form of before the restart
  await page.waitForURL(/\/generations\//);
  await page.waitForSelector("#choose");

  // Now in the middle of the work, and another tab chooses while this one is cut off.
  await service.stop("SIGTERM");
  await service.run();
  const other = await person.open(page.url());
  await choose(other, 1);
  await other.waitForSelector(".is-Completed");
  await page.waitForSelector(".is-Completed");
  person.quiet();
});
