import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { check, launch, visit } from "./browser.mjs";
import { start, until, user } from "./service.mjs";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");
// The seed is a day in the life of a service: see seed/main.go.
const seed = path.join(root, "bin/aigen-console-seed");
execFileSync("go", ["build", "-o", seed, "./test/console/seed"], { cwd: root, stdio: "inherit" });

// full is a service with a past. It is stopped for that: SQLite has one owner.
async function full(t, n = 120) {
  const service = await start(t);
  await service.stop();
  execFileSync(seed, ["-data", service.env.DATA_DIR, "-n", String(n)], { env: service.env });
  await service.run();
  service.admin = (method, at, body) => service.api(method, "/admin" + at, body, service.token("--role", "operator"));
  return service;
}

const desk = (page, name) => page.getByRole("navigation", { name: "Operator" }).getByRole("link", { name });

test("every page, each size and theme", async (t) => {
  const service = await full(t);
  const browser = await launch(t);
  const failed = (await service.admin("GET", "/generations?status=Failed&limit=100")).items;
  const byOperator = failed.find((g) => g.error.code === "failed_by_operator").id;
  const credit = (await service.admin("GET", "/deliveries?lane=credits")).items[0];
  for (const theme of ["light", "dark"])
    for (const size of ["desktop", "phone"]) {
      const person = await visit(t, browser, { size, theme });
      const page = await person.open(service.url + "/operator");
      for (const [name, at] of [
        ["operator", "/operator"],
        ["operator-day", "/operator?window=24h"],
        ["operator-generations", "/operator/generations"],
        ["operator-none", "/operator/generations?user=nobody"],
        ["operator-story", "/operator/generations/" + byOperator],
        ["operator-story-credits", "/operator/generations/" + credit.generationId],
        ["operator-deliveries", "/operator/deliveries?state=dead"],
        ["operator-actions", "/operator/actions"],
        ["operator-system", "/operator/system"],
        ["operator-search", "/operator/search?q=7b0e6f0a-3c52-4a8e-9f57-000000000000"],
      ]) {
        const answer = await page.goto(service.url + at);
        assert.equal(answer.status(), 200, at);
        await check(page, person, name);
      }
      await page.goto(service.url + "/operator/deliveries?lane=credits");
      await page.locator("details.drop summary").first().click();
      await check(page, person, "operator-drop");
      await page.goto(service.url + "/operator");
      for (const table of await page.locator(".as-table summary").all()) await table.click();
      await check(page, person, "operator-tables");
      person.quiet();
    }
});

test("the overview is live", async (t) => {
  const service = await full(t, 40);
  const person = await visit(t, await launch(t));
  const page = await person.open(service.url + "/operator");
  const tile = (name) => page.locator(".kpi").filter({ hasText: name }).locator("b").innerText().then((s) => Number(s.replace(/\D/g, "")));
  const before = await tile("Accepted");
  await page.evaluate(() => (window.same = true));
  await service.api("POST", "/generations", { projectId: user, inputPrompt: "A meadow in spring" });
  await until("the overview to count it", async () => (await tile("Accepted")) === before + 1);
  assert.equal(await page.evaluate(() => window.same), true, "without loading the page anew");
  // The table of a chart that somebody reads is not closed by the next look.
  await page.locator(".as-table summary").first().click();
  await page.evaluate(() =>
    document.addEventListener("htmx:beforeRequest", (e) => e.detail.elt.id === "overview" && e.defaultPrevented && (window.heldBack = true)),
  );
  await until("the next look to be held back", () => page.evaluate(() => window.heldBack));
  assert.equal(await page.locator(".as-table").first().getAttribute("open"), "");
  await page.getByRole("link", { name: "7d" }).click();
  await page.waitForURL(/window=7d/);
  person.quiet();
});

test("dead letters are tried again, and dropped", async (t) => {
  const service = await full(t);
  const person = await visit(t, await launch(t));
  const page = await person.open(service.url + "/operator");
  await page.getByRole("link", { name: "See why, and retry" }).click();
  await page.waitForURL(/state=dead/);
  const dead = async (lane) => (await service.admin("GET", `/deliveries?state=dead&lane=${lane}&limit=100`)).items.length;
  const notes = await dead("notifications");
  assert.ok(notes > 1);

  // One, from its card: the embedded notification service takes it.
  await page.getByLabel("Lane").selectOption("notifications");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.locator(".delivery").first().getByRole("button", { name: "Retry" }).click();
  await page.getByText("Retried").first().waitFor();
  assert.match(page.url(), /lane=notifications/, "back where it was");
  await until("it is delivered", async () => (await dead("notifications")) === notes - 1);

  // All of a kind.
  await page.getByRole("button", { name: /Retry all of this kind.*Notification/ }).click();
  await until("they are delivered", async () => (await dead("notifications")) === 0);

  // A decision about credits takes a reason and an explicit word.
  await page.goto(service.url + "/operator/deliveries?lane=credits");
  const before = await dead("credits");
  const card = page.locator(".delivery").first();
  await card.locator("summary").click();
  await page.waitForFunction(() => document.activeElement.name === "reason"); // the page moves the focus there
  await page.keyboard.type("settled by hand, ticket 12");
  await card.getByRole("button", { name: "Drop permanently" }).click();
  assert.equal(await dead("credits"), before, "the browser asks for the tick first");
  await card.getByRole("checkbox").check();
  await card.getByRole("button", { name: "Drop permanently" }).click();
  await page.getByText("Dropped").first().waitFor();
  assert.equal(await dead("credits"), before - 1);
  await desk(page, "Actions").click();
  const row = page.getByRole("row").filter({ hasText: "ticket 12" });
  assert.match(await row.innerText(), /you[\s\S]*by force/);
  person.quiet();
});

test("search, a story, and failing a generation", async (t) => {
  const service = await full(t, 60);
  const person = await visit(t, await launch(t));
  const page = await person.open(service.url + "/operator");
  const waiting = (await service.admin("GET", "/generations?status=AwaitingSelection")).items[0];
  const story = await service.admin("GET", "/generations/" + waiting.id);
  const job = story.entries.find((e) => e.kind === "job").job.id;

  // By keyboard: "/" and a line of a log.
  await page.keyboard.press("/");
  await page.keyboard.insertText(`level=INFO msg="job" job_id=${job}`);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname.endsWith(waiting.id));
  assert.equal(new URL(page.url()).hash, "#id-" + job, "at the job");
  const entries = await page.locator(".timeline .entry h3").allInnerTexts();
  assert.match(entries[0], /^Samples requested/);
  assert.ok(entries.some((e) => e.startsWith("Samples are ready")));

  await page.getByText("Fail it …").click();
  await page.locator("#why").fill("nobody will choose any more");
  await page.getByRole("button", { name: "Fail and refund" }).click();
  await page.getByText("Generation marked as failed").waitFor();
  await page.getByText("By an operator (you): nobody will choose any more").waitFor();
  const after = (await service.admin("GET", "/generations/" + waiting.id)).generation;
  assert.equal(after.error.code, "failed_by_operator");
  assert.equal(await page.getByText("Fail it …").count(), 0);

  await page.locator("#find").fill(waiting.userId);
  await page.keyboard.press("Enter");
  await page.waitForURL(/user=/);
  assert.ok((await page.locator("tbody tr").count()) > 0);
  await page.getByLabel("Status").selectOption("Failed");
  await page.getByRole("button", { name: "Filter" }).click();
  for (const text of await page.locator("tbody .pill").allInnerTexts()) assert.equal(text, "Failed");
  person.quiet();
});

test("older pages of the list", async (t) => {
  const service = await full(t, 60);
  const person = await visit(t, await launch(t));
  const page = await person.open(service.url + "/operator/generations");
  const seen = new Set();
  for (;;) {
    for (const href of await page.locator("td.wording a").evaluateAll((all) => all.map((a) => a.href))) {
      assert.ok(!seen.has(href), "each once");
      seen.add(href);
    }
    const next = page.getByRole("link", { name: "Older" });
    if (!(await next.count())) break;
    await next.click();
    await page.waitForURL(/before=/);
    await page.waitForLoadState();
  }
  assert.equal(seen.size, 60);
  person.quiet();
});

// These pages are for operators: for a user they are not there at all.
test("a user sees none of it", async (t) => {
  const service = await full(t, 20);
  const browser = await launch(t);
  for (const [roles, status, links] of [[[], 404, 0], [["--role", "operator"], 200, 1]]) {
    const person = await visit(t, browser);
    const host = new URL(service.url);
    await person.context.addCookies([{ name: "aigen-" + host.port, value: service.token(...roles), url: service.url }]);
    person.expected.push(/status of 404/);
    const page = await person.context.newPage();
    for (const at of ["/operator", "/operator/generations", "/operator/deliveries", "/operator/actions", "/operator/system"]) {
      const answer = await page.goto(service.url + at);
      assert.equal(answer.status(), status, at);
      assert.equal(await page.locator('.places a[href="/operator"]').count(), links);
    }
    person.quiet();
  }
});

// Without script all can be read, and the forms work.
test("without script", async (t) => {
  const service = await full(t, 60);
  const person = await visit(t, await launch(t), { javaScriptEnabled: false });
  const page = await person.open(service.url + "/operator");
  assert.ok((await page.locator(".chart svg rect.a").count()) > 0, "charts are drawn");
  await desk(page, "Deliveries").click();
  await page.getByRole("button", { name: "Filter" }).waitFor();
  const cards = await page.locator(".delivery").count();
  assert.ok(cards > 0);
  const card = page.locator(".delivery").filter({ hasText: "Notification" }).first();
  await card.locator("summary").click();
  await card.getByLabel("Why?").fill("the user is gone");
  await card.getByRole("button", { name: "Drop permanently" }).click();
  await page.getByText("Dropped").first().waitFor();
  await desk(page, "Actions").click();
  await page.getByText("the user is gone").waitFor();
});
