// One stream of events for all tabs, since a browser has only six connections to a
// host: the tab that holds the lock has it, and tells the others. An event is a nudge;
// what shows the generation asks for its part anew. So after a lost connection nothing
// has to be replayed: everything asks once.
import { note } from "./notes.js";

const quietTime = 40000; // without a beat the connection is dead, whatever the browser believes
const channel = new BroadcastChannel("aigen-live");
const percents = new Map(); // of the generations that are being worked on
let source = null;
let heard = 0;
let lost = null; // the note that says so

const tell = (message) => {
  channel.postMessage(message);
  receive(message);
};

function receive(message) {
  heard = Date.now();
  switch (message.kind) {
    case "hello":
      if (lost) {
        lost.remove();
        lost = null;
      }
      refresh(document.querySelectorAll("[data-live]"));
      break;
    case "change":
      if (message.progress !== undefined) return progress(message.id, message.progress);
      percents.delete(message.id);
      refresh(document.querySelectorAll(`[data-live="${CSS.escape(message.id)}"], [data-live="*"]`));
      htmx.trigger(document.body, "aigen:credits");
      break;
    case "lost":
      lost ??= keep(note("bad", "Connection lost", "Trying to reach the service again. The work goes on there."));
      break;
    case "ended":
      signInAgain();
  }
}

function keep(box) {
  box.dataset.keep = "";
  return box;
}

function refresh(elements) {
  for (const element of elements) if (element.dataset.live) htmx.trigger(element, "aigen:change");
}

function progress(id, percent) {
  percents.set(id, percent);
  for (const bar of document.querySelectorAll(`[data-progress="${CSS.escape(id)}"]`)) {
    bar.value = percent;
    const box = bar.closest(".stage") ?? document;
    box.querySelector("[data-percent]").textContent = percent + " %.";
    const slots = box.querySelectorAll("[data-slot]");
    for (const slot of slots) slot.classList.toggle("filled", percent >= (100 * slot.dataset.slot) / slots.length);
  }
}

// The session is over: what was typed is kept, and the page stays readable.
function signInAgain() {
  source?.close();
  if (document.getElementById("ended")) return;
  const box = keep(note("bad", "Your session has ended"));
  box.id = "ended";
  const link = document.createElement("a");
  link.href = "/sign-in?" + new URLSearchParams({ why: "expired", next: location.pathname + location.search });
  link.textContent = "Sign in again";
  box.lastElementChild.append(link);
}

function connect() {
  source?.close();
  heard = Date.now();
  source = new EventSource("/live");
  source.addEventListener("hello", () => tell({ kind: "hello" }));
  source.addEventListener("beat", () => tell({ kind: "beat" }));
  source.addEventListener("ended", () => tell({ kind: "ended" }));
  source.addEventListener("change", (event) => tell({ kind: "change", ...JSON.parse(event.data) }));
  source.onerror = async () => {
    if (source.readyState !== EventSource.CLOSED) {
      tell({ kind: "lost" });
      return; // it connects again by itself
    }
    // The service answered, with something else than a stream: why?
    const status = await fetch("/live", { method: "HEAD", headers: { Accept: "text/event-stream" } }).then((r) => r.status, () => 0);
    if (status === 401) tell({ kind: "ended" });
    else {
      tell({ kind: "lost" });
      setTimeout(connect, 3000);
    }
  };
}

// The browser may believe in a connection that is dead: after sleep, or a change of network.
function watch() {
  setInterval(() => {
    if (Date.now() - heard > quietTime && !document.getElementById("ended")) connect();
  }, 5000);
}

if (document.body.hasAttribute("data-live")) {
  channel.onmessage = (event) => receive(event.data);
  const lead = () => {
    connect();
    watch();
    return new Promise(() => {}); // until this tab is closed
  };
  // Without locks (plain http, not on this machine) each tab has its own stream, and
  // what others tell comes twice, which does no harm.
  if (navigator.locks) navigator.locks.request("aigen-live", lead);
  else lead();
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}

// What a page learned is told to who looks at another tab, by its title.
document.addEventListener("htmx:afterSettle", () => {
  const page = document.getElementById("creative");
  if (!page) return;
  document.title = page.dataset.title + " · aigen";
  const percent = percents.get(page.dataset.live);
  if (percent !== undefined) progress(page.dataset.live, percent);
});
