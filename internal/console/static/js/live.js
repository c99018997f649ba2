// One stream of events for all tabs, since a browser has only six connections to a
// host: the tab that holds the lock has it, and tells the others. An event is a nudge;
// what shows the generation asks for its part anew. So after a lost connection nothing
// has to be replayed: everything asks once. No tab depends on the one that leads: it
// asks once after it has begun to listen, and slowly for as long as it shows work.
import { change, newer, wanted } from "./cards.js";
import { dismiss, note } from "./notes.js";

const quietTime = 40000; // without a beat the connection is dead, whatever the browser believes
const patience = quietTime + 5000 + Math.random() * 10000; // of a tab that follows: the leader tries first
const pollTime = 10000; // between two looks at what is being worked on
const lockName = "aigen-live";
const me = Math.random().toString(36).slice(2);
const channel = new BroadcastChannel("aigen-live");
const percents = new Map(remembered()); // of the generations that are being worked on
let leading = false;
let open = false; // the stream of this tab is
let source = null;
let heard = 0;
let lost = null; // the note that says so
let asked = 0; // when the balance was asked for last
let waiting = new AbortController(); // of the place in the queue for the lock

const tell = (message) => {
  channel.postMessage(message);
  receive(message);
};

function receive(message) {
  if (message.to !== undefined && message.to !== me) return;
  if (message.kind === "join") {
    if (leading) channel.postMessage({ kind: open ? "hello" : "lost", to: message.from, percents: [...percents] });
    return;
  }
  heard = Date.now();
  switch (message.kind) {
    case "hello":
      lost?.remove();
      lost = null;
      dismiss("No connection");
      for (const [id, percent] of message.percents ?? []) progress(id, percent);
      refresh(document.querySelectorAll("[data-live]"));
      newer();
      break;
    case "change":
      if (message.progress !== undefined) return progress(message.id, message.progress);
      percents.delete(message.id);
      remember();
      refresh(document.querySelectorAll(`[data-live="${CSS.escape(message.id)}"]`));
      wanted(message.id);
      askBalance();
      break;
    case "lost":
      lost ??= note("bad", "Connection lost", "Trying to reach the service again.");
      break;
    case "ended":
      signInAgain();
  }
}

function askBalance() {
  asked = Date.now();
  htmx.trigger(document.body, "aigen:credits");
}

function refresh(elements) {
  for (const element of elements) {
    if (element.matches(".tile")) change(element);
    else if (element.dataset.live) htmx.trigger(element, "aigen:change");
  }
}

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem("aigen-percents") || "[]");
  } catch {
    return [];
  }
}

// The service passes progress on and keeps none, so a page that is loaded again has it
// from here.
function remember() {
  try {
    sessionStorage.setItem("aigen-percents", JSON.stringify([...percents].slice(-50)));
  } catch {
    // No room, or not allowed: the next event tells.
  }
}

function progress(id, percent) {
  percents.set(id, percent);
  remember();
  for (const bar of document.querySelectorAll(`[data-progress="${CSS.escape(id)}"]`)) {
    bar.value = percent;
    const box = bar.closest(".stage") ?? document;
    box.querySelector("[data-percent]").textContent = percent + "%.";
    const slots = box.querySelectorAll("[data-slot]");
    for (const slot of slots) slot.classList.toggle("filled", percent >= (100 * slot.dataset.slot) / slots.length);
  }
  title();
}

// What a page learned is told to a person who looks at another tab, by its title.
function title() {
  const page = document.getElementById("creative");
  if (!page) return;
  const percent = page.hasAttribute("data-working") ? percents.get(page.dataset.live) : undefined;
  document.title = (percent === undefined ? "" : percent + "% · ") + page.dataset.title + " · aigen";
}

// The session is over: what was typed is kept, and the page stays readable.
function signInAgain() {
  source?.close();
  if (document.getElementById("ended")) return;
  const box = note("bad", "Your session has ended.", " ");
  box.id = "ended";
  const link = document.createElement("a");
  link.href = "/sign-in?" + new URLSearchParams({ why: "expired", next: location.pathname + location.search });
  link.textContent = "Sign in again";
  box.querySelector("p").replaceChildren(link);
}

function connect() {
  source?.close();
  open = false;
  heard = Date.now();
  source = new EventSource("/live");
  source.addEventListener("hello", () => {
    open = true;
    tell({ kind: "hello" });
  });
  source.addEventListener("beat", () => tell({ kind: "beat" }));
  source.addEventListener("ended", () => tell({ kind: "ended" }));
  source.addEventListener("change", (event) => tell({ kind: "change", ...JSON.parse(event.data) }));
  const mine = source;
  source.onerror = async () => {
    if (mine !== source) return;
    open = false;
    if (source.readyState !== EventSource.CLOSED) {
      tell({ kind: "lost" });
      return; // it connects again by itself
    }
    // The service answered, with something else than a stream: why?
    const status = await fetch("/live", { method: "HEAD", headers: { Accept: "text/event-stream" } }).then((r) => r.status, () => 0);
    if (mine !== source) return;
    if (status === 401) tell({ kind: "ended" });
    else {
      tell({ kind: "lost" });
      setTimeout(() => mine === source && connect(), 3000);
    }
  };
}

// lead holds the lock until this tab is closed, or another takes it.
function lead() {
  leading = true;
  connect();
  return new Promise(() => {});
}

// follow listens to the tab that leads, and takes over when it is gone.
function follow() {
  waiting = new AbortController();
  channel.postMessage({ kind: "join", from: me });
  navigator.locks.request(lockName, { signal: waiting.signal }, lead).catch(stepBack);
}

// takeOver is for a leader that says nothing any more, because the browser froze its tab.
function takeOver() {
  waiting.abort("taking over");
  navigator.locks.request(lockName, { steal: true }, lead).catch(stepBack);
}

function stepBack(why) {
  if (why === "taking over") return;
  leading = open = false;
  source?.close();
  source = null;
  heard = Date.now();
  follow();
}

// The browser may believe in a connection that is dead: after sleep, or a change of network.
function watch() {
  if (document.getElementById("ended") || Date.now() - heard < (leading ? quietTime : patience)) return;
  heard = Date.now();
  if (leading) connect();
  else takeOver();
}

if (document.body.hasAttribute("data-live")) {
  heard = Date.now();
  channel.onmessage = (event) => receive(event.data);
  // What happened between the making of the page and now was told to nobody here.
  refresh(document.querySelectorAll("[data-working]"));
  // Without locks (plain http, not on this machine) each tab has its own stream, and
  // what others tell comes twice, which does no harm.
  if (navigator.locks) follow();
  else lead();
  setInterval(watch, 5000);
  setInterval(() => {
    refresh(document.querySelectorAll("[data-working]"));
    if (document.querySelector("[data-short]:not([hidden]), [data-broke]:not([hidden])")) askBalance();
  }, pollTime);
  for (const [id, percent] of percents) progress(id, percent);
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  // Credits may have come from elsewhere while nobody looked; no event tells.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - asked > 1000) askBalance();
  });
}

// What a page learned without an event, after it was cut off, may have cost credits.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "creative" && document.getElementById("balance") && Date.now() - asked > 1000) askBalance();
});

document.addEventListener("htmx:afterSettle", () => {
  const page = document.getElementById("creative");
  if (!page) return;
  title();
  const percent = percents.get(page.dataset.live);
  if (percent !== undefined) progress(page.dataset.live, percent);
});
