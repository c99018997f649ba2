import assert from "node:assert/strict";
import { test } from "node:test";
import { check, launch, pick, visit } from "./browser.mjs";
import { start } from "./service.mjs";

const focused = (page) => page.waitForFunction(() => document.activeElement && document.activeElement !== document.body && document.activeElement.textContent.trim());
const lost = (page) => page.evaluate(() => document.activeElement === document.body);

async function samples(page, url, n = 2) {
  await page.goto(url);
  await page.getByLabel("Prompt").fill("A lake");
  await pick(page, "samples", n);
  await page.getByRole("button", { name: "Make samples" }).click();
  await page.waitForSelector("#choose");
}

test("the focus is not lost when the page changes", async (t) => {
  const service = await start(t, { LEDGER_INITIAL_CREDITS: "3" });
  const person = await visit(t, await launch(t));
  person.expected.push(/402/);
  await person.enter(service.url);
  const page = await person.context.newPage();
  await samples(page, service.url);
  await page.getByText("None of these?").click();
  await page.getByRole("button", { name: /Make new samples for 0.50 credits/ }).press("Enter");
  await page.waitForSelector("#choose"); // in between, the work is shown
  await page.waitForFunction(() => document.querySelectorAll(".story li").length >= 4);
  await focused(page);
  assert.ok(!(await lost(page)), "after new samples");
  assert.equal(await page.getByRole("link", { name: "sample 1", exact: true }).count(), 1, "the replaced ones are still to be seen");

  await page.getByRole("radio", { name: "Choose sample 1" }).check();
  await page.getByRole("button", { name: "Make the final" }).press("Enter");
  await page.waitForSelector(".is-Completed");
  await focused(page);
  assert.ok(!(await lost(page)), "after choosing");

  // A form that is refused: the page believes in credits that are gone.
  await page.goto(service.url);
  await page.getByLabel("Prompt").fill("Too much");
  await pick(page, "samples", 8);
  await page.evaluate(() => (document.querySelector("#studio .go").disabled = false));
  await page.getByRole("button", { name: "Make samples" }).press("Enter");
  await page.getByRole("alert").filter({ hasText: "Not enough credits" }).waitFor();
  await page.waitForFunction(() => document.activeElement.matches("[data-trouble]"));
  await check(page, person, "refused");
  await pick(page, "samples", 1);
  await page.getByRole("alert").waitFor({ state: "detached" }); // what was said is over
  person.quiet();
});

test("what was said of a field goes when it is mended, and a box keeps its size", async (t) => {
  const service = await start(t);
  const person = await visit(t, await launch(t));
  person.expected.push(/422/);
  const page = await person.open(service.url);
  const prompt = page.getByLabel("Prompt");
  const corner = await prompt.boundingBox();
  await page.mouse.move(corner.x + corner.width - 5, corner.y + corner.height - 5);
  await page.mouse.down();
  await page.mouse.move(corner.x + corner.width - 5, corner.y + corner.height + 95);
  await page.mouse.up();
  const tall = (await prompt.boundingBox()).height;
  assert.ok(tall > corner.height + 50, "made larger: " + tall);
  await prompt.fill("   ");
  await page.getByRole("button", { name: "Make samples" }).click();
  await page.getByText("Describe the picture.").waitFor();
  await page.waitForFunction(() => document.activeElement.id === "prompt");
  assert.equal((await prompt.boundingBox()).height, tall);
  await prompt.fill("A lake");
  assert.equal(await page.getByText("Describe the picture.").count(), 0);
  assert.equal(await prompt.getAttribute("aria-invalid"), null);
  person.quiet(); // and the browser's console has no word about the policy
});

test("with colours of one's own, what is chosen is seen", async (t) => {
  const service = await start(t);
  const person = await visit(t, await launch(t), { forcedColors: "active" });
  const page = await person.open(service.url);
  const outline = (selector) => page.locator(selector).first().evaluate((e) => `${getComputedStyle(e).outlineStyle} ${getComputedStyle(e).outlineWidth}`);
  for (const [chosen, other] of [
    [".format:has(:checked)", ".format:not(:has(:checked))"],
    [".counts label:has(:checked)", ".counts label:not(:has(:checked))"],
    [".places [aria-current]", ".places a:not([aria-current])"],
  ]) assert.notEqual(await outline(chosen), await outline(other), chosen);
  await samples(page, service.url);
  await page.getByRole("radio", { name: "Choose sample 1" }).check();
  assert.notEqual(await outline(".pick:has(:checked)"), await outline(".pick:not(:has(:checked))"));
  assert.notEqual(await outline(".sizes label:has(:checked)"), await outline(".sizes label:not(:has(:checked))"));
  await page.goto(service.url + "/generations");
  assert.notEqual(await outline(".chip[aria-current]"), await outline(".chip:not([aria-current])"));
  person.quiet();
});

test("single keys can be switched off", async (t) => {
  const service = await start(t);
  const person = await visit(t, await launch(t));
  await person.enter(service.url);
  const page = await person.context.newPage();
  await samples(page, service.url);
  await page.keyboard.press("?");
  await page.getByRole("checkbox", { name: /Shortcuts of a single key/ }).uncheck();
  await page.getByRole("button", { name: "Close" }).click();
  for (let visit = 0; visit < 2; visit++) {
    await page.locator("#main").focus();
    const address = page.url();
    for (const key of ["d", "1", "?", "n", "g", "h"]) await page.keyboard.press(key);
    assert.equal(await page.locator("dialog[open]").count(), 0);
    assert.equal(await page.locator("html[data-theme]").count(), 0);
    assert.equal(page.url(), address);
    await page.reload(); // it is remembered
  }
  await page.locator(".menu summary").click();
  await page.getByRole("button", { name: "Keyboard" }).click(); // and can be switched on again
  await page.getByRole("checkbox", { name: /Shortcuts of a single key/ }).check();
  await page.getByRole("button", { name: "Close" }).click();
  await page.locator("#main").focus();
  await page.keyboard.press("1");
  await page.waitForSelector("#viewer[open]");
  person.quiet();
});

test("the theme is the system's again", async (t) => {
  const service = await start(t);
  const person = await visit(t, await launch(t), { theme: "dark" });
  const page = await person.open(service.url);
  const bar = () => page.evaluate(() => [...document.querySelectorAll('meta[name="theme-color"]')].map((m) => m.content));
  await page.getByRole("button", { name: "Light theme" }).click();
  await page.waitForSelector("html[data-theme=light]");
  assert.deepEqual(await bar(), ["#f3f4f0", "#f3f4f0"], "the browser's bars follow");
  await page.locator(".menu summary").click();
  await check(page, person, "themes");
  const kept = page.waitForResponse((r) => r.url().endsWith("/theme"));
  await page.getByRole("button", { name: "System" }).click();
  await kept;
  await page.reload();
  assert.equal(await page.locator("html[data-theme]").count(), 0);
  assert.deepEqual(await bar(), ["#f3f4f0", "#121513"]);
  person.quiet();
});

test("notes have a picture, and can be closed", async (t) => {
  const service = await start(t);
  const person = await visit(t, await launch(t), { size: "phone" });
  person.expected.push(/ERR_|htmx/);
  const page = await person.open(service.url);
  await page.getByLabel("Prompt").fill("A lake");
  await service.stop("SIGKILL");
  await page.getByText("Connection lost").waitFor();
  await page.getByRole("button", { name: "Make samples" }).click();
  const note = page.locator(".toast", { hasText: "No connection" });
  await note.waitFor();
  assert.equal(await note.locator("svg").count(), 2);
  const [bill, box] = await Promise.all([page.locator(".bill").boundingBox(), page.locator("#toasts").boundingBox()]);
  assert.ok(box.y + box.height < bill.y, "it does not lie on what is pressed next");
  await note.getByRole("button", { name: "Close this note" }).click();
  await note.waitFor({ state: "detached" });
  person.quiet();
});

test("the documentation's links are told from its text", async (t) => {
  const service = await start(t);
  const person = await visit(t, await launch(t));
  const page = await person.open(service.url + "/docs");
  await check(page, person, "docs");
  person.quiet();
});
