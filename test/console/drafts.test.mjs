import assert from "node:assert/strict";
import { test } from "node:test";
import { launch, pick, visit } from "./browser.mjs";
import { start } from "./service.mjs";

const form = (page) =>
  page.evaluate(() => {
    const { prompt, style, format, samples, width } = document.getElementById("studio").elements;
    return [prompt, style, format, samples, width].map((field) => field.value);
  });

async function fill(page, format = "Custom") {
  await page.getByLabel("Prompt").fill("A lighthouse");
  await page.getByRole("button", { name: "Ink drawing" }).click();
  await pick(page, "format", format);
  if (format === "Custom") await page.getByLabel("Width").fill("640");
  await pick(page, "samples", 2);
}

test("what was entered stays after a reload and a detour", async (t) => {
  const service = await start(t);
  const person = await visit(t, await launch(t));
  const page = await person.open(service.url);
  await fill(page);
  const entered = ["A lighthouse", "Ink drawing", "Custom", "2", "640"];
  await page.reload();
  assert.deepEqual(await form(page), entered);
  assert.equal(await page.locator("[data-total]").innerText(), "0.50");
  assert.equal(await page.getByRole("button", { name: "Ink drawing" }).getAttribute("aria-pressed"), "true");
  await page.getByRole("link", { name: "History", exact: true }).first().click();
  await page.getByRole("link", { name: "Studio", exact: true }).first().click();
  await page.waitForSelector("#studio");
  assert.deepEqual(await form(page), entered);
  await page.goto(service.url + "/?prompt=another");
  assert.deepEqual(await form(page), ["another", "", "InstagramPost", "4", "1024"], "a link says what to write");
  person.quiet();
});

test("what was sent is found again by going back, and nowhere else", async (t) => {
  const service = await start(t);
  const person = await visit(t, await launch(t));
  const page = await person.open(service.url);
  await fill(page, "TikTok");
  await page.getByRole("button", { name: "Make samples" }).click();
  await page.waitForURL(/\/generations\//);
  await page.waitForSelector("#choose");
  await page.goBack();
  await page.waitForSelector("#studio");
  assert.deepEqual(await form(page), ["A lighthouse", "Ink drawing", "TikTok", "2", "1024"]);
  await page.goto(service.url + "/generations");
  await page.goto(service.url);
  assert.deepEqual(await form(page), ["", "", "InstagramPost", "4", "1024"], "a new start");

  // "n" leads to the prompt, and leaves nothing in the address.
  await page.goto(service.url + "/generations");
  await page.keyboard.press("n");
  await page.waitForFunction(() => document.activeElement?.id === "prompt");
  assert.equal(page.url(), service.url + "/");
  person.quiet();
});
