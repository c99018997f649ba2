import assert from "node:assert/strict";
import { test } from "node:test";
import { check, launch, visit } from "./browser.mjs";
import { project, start } from "./service.mjs";

const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

// make begins one by the API, as the local user would.
async function make(service, prompt, more = {}) {
  const token = service.token("--user", "00000000-0000-7000-8000-000000000001");
  const made = await service.api("POST", "/generations", { projectId: project, inputPrompt: prompt, inputParameters: { format: "TikTok", samples: 4 }, ...more }, token);
  return service.url + "/generations/" + made.generationId;
}

test("long words and long prompts leave the page whole", async (t) => {
  const service = await start(t);
  const address = await make(service, "An ordinary prompt for an image model. ".repeat(20).trim(), { styleGuidance: "x".repeat(300) });
  const browser = await launch(t);
  for (const [size, most] of [["desktop", 450], ["phone", 500]]) {
    const person = await visit(t, browser, { size });
    const page = await person.open(address);
    await page.waitForSelector("#choose");
    assert.equal(await overflow(page), 0, size);
    const first = await page.locator(".sample").first().boundingBox();
    assert.ok(first.y < most, `${size}: the first sample is in sight, at ${first.y}`);
    await page.getByText("Whole prompt").click();
    assert.equal(await page.locator(".whole p").innerText(), "An ordinary prompt for an image model. ".repeat(20).trim());
    await check(page, person, "long");
    if (size === "phone") assert.ok((await page.locator(".places").boundingBox()).width <= 390, "the navigation stays on the screen");
    for (const list of ["/", "/generations"]) {
      await page.goto(service.url + list);
      assert.equal(await overflow(page), 0, size + list);
    }
    person.quiet();
  }
});

test("at 400 % and on a phone's side nothing covers the form", async (t) => {
  const service = await start(t);
  const address = await make(service, "A lake");
  const browser = await launch(t);
  for (const [width, height] of [[360, 225], [320, 256], [844, 390], [640, 400]]) {
    const person = await visit(t, browser, { viewport: { width, height } });
    const page = await person.open(service.url);
    assert.equal(await overflow(page), 0);
    for (const field of ["#prompt", "#style", '#studio [name="samples"]', "#studio .go"]) {
      const seen = await page.locator(field).first().evaluate((element) => {
        element.scrollIntoView({ block: "center" });
        const box = element.getBoundingClientRect();
        const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        return element === top || element.contains(top) || top.contains(element);
      });
      assert.ok(seen, `${field} is covered at ${width} × ${height}`);
    }
    const fixed = await page.evaluate(() => [...document.querySelectorAll(".head, .bill, .places, .banner")].filter((e) => ["sticky", "fixed"].includes(getComputedStyle(e).position)).map((e) => e.className));
    assert.deepEqual(fixed, [], "nothing sticks");
    await page.goto(address);
    await page.waitForSelector("#choose");
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".confirm")).position), "static");
    person.quiet();
  }
});

test("small things of the layout", async (t) => {
  const service = await start(t);
  const address = await make(service, "A lake");
  const browser = await launch(t);

  const tablet = await visit(t, browser, { viewport: { width: 820, height: 1180 } });
  let page = await tablet.open(address);
  await page.waitForSelector("#choose");
  const [side, story] = await Promise.all([page.locator(".side").boundingBox(), page.locator(".side > .card").boundingBox()]);
  assert.ok(story.x - side.x < 2, "no hole beside what happened");

  const phone = await visit(t, browser, { size: "phone" });
  page = await phone.open(service.url + "/generations?status=ContentRejected");
  const row = await page.locator(".filters ul").evaluate((e) => e.scrollHeight - e.clientHeight);
  assert.ok(row <= 0, "chips are not cut off");
  const chip = await page.locator(".filters [aria-current]").boundingBox();
  assert.ok(chip.x >= 0 && chip.x + chip.width <= 390, "the filter in force is in sight");
  assert.ok(chip.height >= 44, "and large enough for a finger: " + chip.height);
  assert.equal(await page.title(), "Declined · History · aigen");
  page = await phone.open(service.url + "/operator/system");
  const tab = await page.locator(".tabs [aria-current]").boundingBox();
  assert.ok(tab.x >= 0 && tab.x + tab.width <= 390, "so is the operator's tab");

  const desk = await visit(t, browser, { viewport: { width: 2560, height: 1440 } });
  page = await desk.open(service.url + "/generations");
  const main = await page.locator("main").boundingBox();
  assert.ok(main.width > 2560 * 0.8, "a wide screen is used: " + main.width);
  page = await desk.open(address);
  await page.waitForSelector("#choose");
  await page.getByRole("link", { name: "Sample 1 of 4" }).click();
  await page.waitForFunction(() => document.querySelector("#viewer img").naturalWidth > 0);
  const [shown, real] = await page.locator("#viewer img").evaluate((i) => [i.clientWidth, i.naturalWidth]);
  assert.ok(shown <= real, `${shown} of ${real} pixels: not blown up`);
  for (const person of [tablet, phone, desk]) person.quiet();
});
