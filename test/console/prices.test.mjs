import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { check, launch, pick, visit } from "./browser.mjs";
import { start } from "./service.mjs";

const binary = process.env.AIGEN ?? path.join(path.dirname(fileURLToPath(import.meta.url)), "../../bin/aigen");
const balance = (page) => page.locator("#balance b").innerText();


test("the price of the final is named before the click, in any size", async (t) => {
  const service = await start(t);
  const browser = await launch(t);
  for (const size of ["desktop", "phone"]) {
    const person = await visit(t, browser, { size });
    const page = await person.open(service.url);
    const final = page.locator("[data-final-price]");
    assert.ok(await final.isVisible(), "on the " + size);
    assert.equal(await final.innerText(), "1.00");
    await pick(page, "format", "Custom");
    for (const [width, height, price] of [["4096", "4096", "2.00"], ["2048", "2048", "1.00"], ["64", "2049", "2.00"]]) {
      await page.getByLabel("Width").fill(width);
      await page.getByLabel("Height").fill(height);
      assert.equal(await final.innerText(), price, `${width} × ${height}`);
    }
    await page.getByLabel("Prompt").fill("A lake");
    await pick(page, "samples", 1);
    await page.getByRole("button", { name: "Make samples" }).click();
    await page.waitForSelector("#choose");
    await page.getByRole("button", { name: "Make the final for 2.00 credits" }).waitFor(); // the only sample is chosen
    person.quiet();
  }
});

test("choosing costs nothing until size and price were confirmed", async (t) => {
  const service = await start(t);
  const browser = await launch(t);
  for (const size of ["desktop", "phone"]) {
    const person = await visit(t, browser, { size });
    const page = await person.open(service.url);
    await page.getByLabel("Prompt").fill("A lake");
    await pick(page, "samples", 2);
    await page.getByRole("button", { name: "Make samples" }).click();
    await page.waitForSelector("#choose");
    const before = await balance(page);
    const go = page.getByRole("button", { name: "Make the final" });
    assert.ok(await go.isDisabled(), "no sample is chosen");
    await page.getByRole("radio", { name: "Choose sample 1" }).check();
    await page.getByRole("radio", { name: "Choose sample 2" }).check(); // changed one's mind
    assert.match(await go.innerText(), /Make the final for 1\.00 credits/);
    const box = await go.boundingBox();
    assert.ok(box.y + box.height < page.viewportSize().height, "the price is in sight");
    await page.locator("#choose .sizes label").nth(1).click();
    assert.match(await go.innerText(), /Make the final for 2\.00 credits/);

    // Neither does Enter, in a choice or in the large view.
    await page.getByRole("radio", { name: "Choose sample 2" }).press("Enter");
    await page.getByRole("link", { name: "Sample 1 of 2" }).click();
    await page.waitForSelector("#viewer[open]");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#viewer", { state: "hidden" });
    assert.ok(await page.getByRole("radio", { name: "Choose sample 1" }).isChecked());
    await page.getByRole("link", { name: "Sample 2 of 2" }).click();
    await page.getByRole("button", { name: "Choose this sample" }).click();
    await page.waitForSelector("#viewer", { state: "hidden" });
    await page.waitForLoadState("networkidle");
    assert.equal(await page.locator(".is-AwaitingSelection").count(), 1);
    assert.equal(await balance(page), before);
    await check(page, person, "chosen");
    await go.click();
    await page.waitForSelector(".is-Completed");
    await page.waitForFunction((was) => document.querySelector("#balance b").textContent === (Number(was) - 2).toFixed(2), before);
    assert.equal(await page.locator(".sample.selected a").getAttribute("data-view"), "2");
    person.quiet();
  }
});

// What is spent elsewhere is seen in both places that show the balance.
test("one balance on a page", async (t) => {
  const service = await start(t, { LEDGER_INITIAL_CREDITS: "1" });
  const person = await visit(t, await launch(t));
  const one = await person.open(service.url);
  await one.getByLabel("Prompt").fill("not sent");
  assert.equal(await one.locator("[data-have]").innerText(), "1.00");
  const two = await person.open(service.url);
  await two.getByLabel("Prompt").fill("A lake");
  await pick(two, "samples", 2);
  await two.getByRole("button", { name: "Make samples" }).click();
  await two.waitForSelector("#choose");
  await one.waitForFunction(() => document.querySelector("#balance b").textContent === "0.50" && document.querySelector("[data-have]").textContent === "0.50");
  await one.getByText("Your balance does not cover this.").waitFor(); // four samples are 1.00
  assert.ok(await one.getByRole("button", { name: "Make samples" }).isDisabled());
  await pick(one, "samples", 1);
  assert.ok(await one.getByRole("button", { name: "Make samples" }).isEnabled());
  person.quiet();
});

// Without credits the page says how the person, who runs the service here, gets some.
test("no credits are no dead end", async (t) => {
  const service = await start(t, { LEDGER_INITIAL_CREDITS: "0" });
  const browser = await launch(t);
  for (const size of ["desktop", "phone"]) {
    const person = await visit(t, browser, { size });
    const page = await person.open(service.url);
    const command = await page.locator("[data-broke] code").first().innerText();
    assert.match(command, /^aigen credits grant --user [0-9a-f-]{36} --amount 100$/);
    assert.ok(await page.getByRole("button", { name: "Make samples" }).isDisabled());
    await check(page, person, "broke");
    if (size === "phone") {
      execFileSync(binary, command.split(" ").slice(1), { env: service.env, cwd: service.env.HOME });
      await page.locator("[data-broke]").waitFor({ state: "hidden" }); // it looks again by itself
      assert.ok(await page.getByRole("button", { name: "Make samples" }).isEnabled());
    }
    person.quiet();
  }
});
