// The real program, started for a test on a free port, with its data in a folder of
// its own; and what a test does with it outside of the browser.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { doors } from "./browser.mjs";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");
const binary = process.env.AIGEN ?? path.join(root, "bin/aigen");
export const user = "7b0e6f0a-3c52-4a8e-9f57-0d2c5f1a9b10";
export const project = "0b6a8f5e-9a1d-4c55-8a2e-5d0f3f6c7e21";

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
    server.on("error", reject);
  });

export async function until(what, condition, timeout = 60000) {
  const end = Date.now() + timeout;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${timeout} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// start serves with these settings besides those of a test; t ends it.
export async function start(t, settings = {}) {
  const dir = mkdtempSync(path.join(tmpdir(), "aigen-console-"));
  const port = await freePort();
  const env = {
    PATH: process.env.PATH, HOME: dir, DATA_DIR: dir, LISTEN_ADDR: `127.0.0.1:${port}`, LEDGER_INITIAL_CREDITS: "100",
    SHUTDOWN_TIMEOUT: "5s", GENERATION_LIMIT_PER_MINUTE: "0", ...settings,
  };
  const service = { url: `http://127.0.0.1:${port}`, log: "", child: null, env };
  service.run = async () => {
    const child = spawn(binary, ["serve"], { cwd: dir, env, stdio: ["ignore", "ignore", "pipe"] });
    service.child = child;
    child.stderr.on("data", (text) => (service.log += text));
    await until("the service", async () => {
      if (child.exitCode !== null) throw new Error("the service ended: " + service.log);
      return fetch(service.url + "/readyz").then((r) => r.ok, () => false);
    });
  };
  service.stop = (signal = "SIGTERM") =>
    new Promise((resolve) => {
      if (service.child.exitCode !== null || service.child.signalCode !== null) return resolve();
      service.child.once("exit", resolve);
      service.child.kill(signal);
    });
  service.token = (...more) => execFileSync(binary, ["token", "--user", user, ...more], { cwd: dir, env, encoding: "utf8" }).trim();
  service.api = async (method, at, body, token = service.token()) => {
    const answer = await fetch(service.url + "/api/v1" + at, {
      method,
      headers: { Authorization: "Bearer " + token, "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${at}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  t.after(async () => {
    await service.stop("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  });
  await service.run();
  service.door = execFileSync(binary, ["console"], { cwd: dir, env, encoding: "utf8" }).trim();
  if (service.door.includes("?key=")) doors.set(service.url, service.door);
  return service;
}
