// Chromium, and what every page has to be like: without a violation that axe finds,
// and without a word in the console.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const flags = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
];
// doors are the addresses with the key, by the service's origin: a person with no other
// sign-in opens one first.
export const doors = new Map();
export const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

export async function launch(t) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });
  t.after(() => browser.close());
  return browser;
}

// visit is a person with a browser of this kind. What the console says, and what fails,
// is kept in `said` and must be empty in the end.
export async function visit(t, browser, { size = "desktop", theme = "light", ...more } = {}) {
  const context = await browser.newContext({
    viewport: sizes[size], colorScheme: theme, reducedMotion: "reduce", hasTouch: size === "phone", ...more,
  });
  context.setDefaultTimeout(60000);
  const person = { context, size, theme, said: [], expected: [] };
  context.on("page", (page) => {
    page.on("console", (m) => ["error", "warning"].includes(m.type()) && person.said.push(`${m.type()}: ${m.text()} at ${m.location().url}`));
    page.on("pageerror", (e) => person.said.push("uncaught: " + e.message));
  });
  person.enter = async (url) => {
    const door = doors.get(new URL(url).origin);
    if (door) await context.request.get(door, { headers: { Accept: "text/html" }, maxRedirects: 0 });
  };
  person.open = async (url) => {
    const page = await context.newPage();
    await person.enter(url);
    await page.goto(url);
    return page;
  };
  // quiet checks that nothing was said but what the test expected.
  person.quiet = () => assert.deepEqual(person.said.filter((line) => !person.expected.some((e) => e.test(line))), []);
  t.after(() => context.close());
  return person;
}

// check runs axe over the page as it is now, and takes a picture if SHOTS names a folder.
export async function check(page, person, name) {
  if (process.env.SHOTS) {
    mkdirSync(process.env.SHOTS, { recursive: true });
    await page.screenshot({ path: path.join(process.env.SHOTS, `${name}-${person.size}-${person.theme}.png`), animations: "disabled" });
  }
  // Through the debugger: the page's own policy lets no script in.
  const found = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations)`);
  const told = found.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? n.failureSummary)).join("; ")}`);
  assert.deepEqual(told, [], `${name}, ${person.size}, ${person.theme}`);
  const overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
  assert.equal(overflow, 0, `${name}: nothing reaches beyond the ${person.size}'s side`);
}

// choose makes a sample the one to be made large, and says so: two steps, since the
// second costs credits.
export async function choose(page, n) {
  await page.getByRole("radio", { name: `Choose sample ${n}`, exact: true }).check();
  await page.getByRole("button", { name: "Make the final" }).click();
}

// pick clicks on one of several choices as a person does: on what is shown of it.
export const pick = (page, name, value) => page.locator(`label:has(input[name="${name}"][value="${value}"])`).click();
