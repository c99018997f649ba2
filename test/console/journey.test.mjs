import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { check, choose, launch, pick, visit } from "./browser.mjs";
import { start } from "./service.mjs";

// From the prompt to the file, with real pictures of the embedded engine.
for (const [size, theme] of [["desktop", "light"], ["phone", "dark"], ["desktop", "dark"], ["phone", "light"]]) {
  test(`the whole way, ${size}, ${theme}`, async (t) => {
    const service = await start(t);
    const person = await visit(t, await launch(t), { size, theme });
    const page = await person.open(service.url);
    assert.equal(await page.title(), "Studio · aigen");
    assert.match(await page.locator(".banner").innerText(), /local user/);
    await check(page, person, "studio-empty");

    await page.getByLabel("Prompt").fill("Snowy mountains at sunset, a lone cabin");
    await page.getByRole("button", { name: "Watercolour" }).click();
    assert.equal(await page.getByLabel("Style").inputValue(), "Watercolour");
    await pick(page, "format", "PinterestPin");
    await pick(page, "samples", 3);
    assert.equal(await page.locator("[data-total]").innerText(), "0.75");
    assert.equal(await page.locator("[data-easel-size]").textContent(), "1000 × 1500 pixels");
    await check(page, person, "studio");
    await page.getByRole("button", { name: "Make samples" }).click();

    await page.waitForURL(/\/generations\/[0-9a-f-]{36}$/);
    await page.waitForSelector(".gallery .sample >> nth=2");
    assert.equal(await page.locator(".sample").count(), 3);
    assert.match(await page.title(), /^Waiting for a choice · Snowy/);
    assert.equal(await page.locator("#balance b").innerText(), "99.25");
    await pictures(page, ".sample img");
    await check(page, person, "choosing");

    await page.getByRole("link", { name: "Sample 2 of 3" }).click();
    await page.waitForSelector("#viewer[open]");
    await pictures(page, "#viewer img");
    await check(page, person, "large");
    await page.getByRole("button", { name: "Next" }).click();
    assert.equal(await page.locator("[data-viewer-count]").innerText(), "3 of 3");
    await page.getByRole("button", { name: "Close" }).click();
    await page.waitForSelector("#viewer", { state: "hidden" });

    // Not quite: other words, new samples.
    const first = await page.locator(".sample img").first().getAttribute("src");
    await page.getByText("None of these?").click();
    await page.locator("#anew").getByLabel("Prompt").fill("Snowy mountains at dawn, a lone cabin");
    await check(page, person, "regenerate");
    await page.getByRole("button", { name: /Make new samples for 0.75/ }).click();
    await page.waitForSelector(".progress");
    await check(page, person, "making");
    await page.waitForSelector("#choose");
    assert.notEqual(await page.locator(".sample img").first().getAttribute("src"), first);
    assert.match(await page.locator("h1").innerText(), /dawn/);

    await choose(page, 1);
    await page.waitForSelector(".is-Completed");
    await pictures(page, ".big img");
    assert.deepEqual(await page.locator(".big img").evaluate((i) => [i.naturalWidth, i.naturalHeight]), [1000, 1500]);
    await check(page, person, "done");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download" }).click()]);
    assert.equal(download.suggestedFilename(), "snowy-mountains-at-dawn-a-lone-cabin.png");
    assert.equal(readFileSync(await download.path()).subarray(1, 4).toString(), "PNG");
    assert.equal(await page.locator("#balance b").innerText(), "97.50");

    // A second one, which is given up.
    await page.getByRole("link", { name: "Use this prompt again" }).click();
    assert.match(await page.getByLabel("Prompt").inputValue(), /dawn/);
    await pick(page, "samples", 1);
    await page.getByRole("button", { name: "Make samples" }).click();
    await page.waitForSelector("#choose");
    await page.getByRole("link", { name: "Cancel" }).click();
    await check(page, person, "cancel");
    await page.getByRole("button", { name: "Yes, cancel it" }).click();
    await page.waitForSelector(".is-Cancelled");
    await check(page, person, "cancelled");

    await page.getByRole("link", { name: "History", exact: true }).first().click();
    await page.waitForSelector(".tile >> nth=1");
    await pictures(page, ".tile img");
    await check(page, person, "history");
    await page.getByRole("link", { name: "Cancelled", exact: true }).click();
    await page.waitForURL(/status=Cancelled/);
    assert.equal(await page.locator(".tile").count(), 1);
    await page.getByRole("link", { name: "Failed", exact: true }).click();
    await page.waitForURL(/status=Failed/);
    await check(page, person, "history-none");

    person.expected.push(/404/);
    await page.goto(service.url + "/nothing-here");
    await check(page, person, "not-found");
    person.quiet();
  });
}

// Each picture has really been loaded and drawn.
async function pictures(page, selector) {
  await page.waitForFunction((s) => {
    const all = [...document.querySelectorAll(s)].filter((i) => i.loading !== "lazy" || i.getBoundingClientRect().top < innerHeight);
    return all.length > 0 && all.every((i) => i.complete && i.naturalWidth > 0);
  }, selector);
}
