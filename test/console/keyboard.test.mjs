import assert from "node:assert/strict";
import { test } from "node:test";
import { check, launch, visit } from "./browser.mjs";
import { start } from "./service.mjs";

const focused = (page) => page.evaluate(() => `${document.activeElement.tagName} ${document.activeElement.name ?? ""} ${document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim().slice(0, 40)}`);

// The whole way without a mouse.
test("with the keyboard alone", async (t) => {
  const service = await start(t);
  const person = await visit(t, await launch(t));
  const page = await person.open(service.url + "/generations");
  await page.keyboard.press("Tab");
  assert.match(await focused(page), /Skip to the content/);
  await page.keyboard.press("?");
  await page.waitForSelector("#keys[open]");
  await check(page, person, "keys");
  await page.keyboard.press("Escape");
  await page.waitForSelector("#keys", { state: "hidden" });
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await page.waitForURL(service.url + "/");
  await page.keyboard.press("n");
  await page.keyboard.type("An ocean at night, n g s d ? are letters here");
  await page.keyboard.press("Tab");
  await page.keyboard.type("ink");
  while (!(await focused(page)).startsWith("INPUT format")) await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Tab");
  assert.match(await focused(page), /^INPUT samples/);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Control+Enter");

  await page.waitForURL(/\/generations\//);
  await page.waitForSelector("#choose");
  assert.match(await page.locator(".title").innerText(), /Instagram story/);
  assert.equal(await page.locator(".sample").count(), 3);
  await page.keyboard.press("2");
  await page.waitForSelector("#viewer[open]");
  const count = () => page.locator("[data-viewer-count]").innerText();
  assert.equal(await count(), "2 of 3");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  assert.equal(await count(), "1 of 3");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await count(), "3 of 3");
  await page.keyboard.press("Escape");
  await page.waitForSelector("#viewer", { state: "hidden" });
  await page.waitForFunction(() => document.activeElement.dataset.view); // given back by the close event, a moment later
  assert.match(await page.evaluate(() => document.activeElement.dataset.view), /3/, "the focus is back where it came from");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#viewer[open]");
  await page.keyboard.press("Enter"); // chooses, and costs nothing
  await page.waitForSelector("#viewer", { state: "hidden" });
  assert.ok(await page.getByRole("radio", { name: "Choose sample 3" }).isChecked());
  assert.equal(await page.locator("[data-says]").innerText(), "Sample 3, 1080 × 1920, 1.00 credits.");
  while (!(await focused(page)).includes("Choose sample 3")) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter"); // in a choice: nothing is sent
  await page.keyboard.press("Tab");
  assert.match(await focused(page), /^INPUT resolution/);
  await page.keyboard.press("Tab");
  assert.match(await focused(page), /^BUTTON {2}Make the final for 1.00 credits/);
  assert.equal(await page.locator("#balance b").innerText(), "99.25", "nothing was spent so far");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".is-ProcessingFinal, .is-Completed");
  await page.waitForFunction(() => document.activeElement !== document.body, null, { timeout: 5000 });
  await page.waitForSelector(".is-Completed");
  const chosen = await page.locator(".sample.selected a").getAttribute("data-view");
  assert.equal(chosen, "3");

  const dark = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await dark();
  await page.locator("#main").focus();
  await page.keyboard.press("d");
  assert.notEqual(await dark(), before);
  await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  await page.waitForLoadState("networkidle");
  await page.reload();
  assert.notEqual(await dark(), before, "the choice is remembered");
  person.quiet();
});
