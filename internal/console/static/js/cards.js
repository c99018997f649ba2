// Lists of pictures, kept up to date: one request for all of a list that may have
// changed, and for what is new in it.
import { sayTimes } from "./times.js";

const most = 80; // cards of one request: the service takes 100
const wall = () => document.querySelector("[data-cards]");
const changed = new Set(); // ids of cards
const unknown = new Set(); // ids of generations that the list does not show
let head = false; // whether to ask for all that is newer than the first
let arrived = []; // new cards that wait until the person looks at the top of the list
let busy = false;
let timer = 0;

export function change(tile) {
  changed.add(tile.dataset.live);
  soon();
}

export function wanted(id) {
  if (!wall() || document.getElementById("card-" + id)) return;
  unknown.add(id);
  soon();
}

export function newer() {
  if (!wall()?.hasAttribute("data-grows")) return;
  head = true;
  soon();
}

// Events come in bunches.
function soon() {
  clearTimeout(timer);
  timer = setTimeout(ask, 30);
}

async function ask() {
  const list = wall();
  if (!list || busy) return; // what was noted meanwhile is asked for after the answer
  busy = true;
  try {
    await merge(list, await fetch(query(list), { headers: { "HX-Request": "true" } }));
  } catch {
    // No connection: with the next one, everything is asked for again.
  }
  busy = false;
  if (changed.size + unknown.size > 0 || head) soon();
}

function query(list) {
  const url = new URL(list.dataset.cards, location.href);
  const take = (set, use) => {
    for (const id of [...set].slice(0, most - url.searchParams.size)) {
      set.delete(id);
      use(id);
    }
  };
  take(unknown, (id) => url.searchParams.append("want", id));
  take(changed, (id) => {
    const tile = document.getElementById("card-" + id);
    if (tile) url.searchParams.append("have", id + "." + tile.dataset.version);
  });
  if (head) url.searchParams.set("since", (arrived[0] ?? list.querySelector(".tile"))?.dataset.cursor ?? "0");
  head = false;
  return url;
}

async function merge(list, answer) {
  if (answer.status !== 200) return;
  const made = document.createElement("template");
  made.innerHTML = await answer.text();
  for (const tile of made.content.querySelectorAll(".tile")) {
    const shown = document.getElementById(tile.id);
    const held = arrived.findIndex((other) => other.id === tile.id);
    if (shown) Idiomorph.morph(shown, tile);
    else if (held >= 0) arrived[held] = tile;
    else if (!list.hasAttribute("data-grows")) continue;
    else if (placeOf(list, tile) === list.querySelector(".tile") && !atTop(list)) arrived.push(tile);
    else insert(list, tile);
  }
  arrived.sort((a, b) => b.dataset.at - a.dataset.at);
  announce();
  sayTimes(list);
}

// placeOf is the card that comes after a new one; null: it is the oldest.
function placeOf(list, tile) {
  return [...list.querySelectorAll(".tile")].find((other) => Number(other.dataset.at) <= Number(tile.dataset.at)) ?? null;
}

function insert(list, tile) {
  const next = placeOf(list, tile);
  const rest = list.querySelector(".more");
  if (!next && rest) return; // it belongs to what was not loaded yet
  list.insertBefore(tile, next);
  const all = list.querySelectorAll(".tile");
  if (list.dataset.most) for (const old of [...all].slice(Number(list.dataset.most))) old.remove();
}

// At the top a new card is simply there; further down it would push away what is looked at.
const atTop = (list) => !document.querySelector("[data-arrived]") || !list.querySelector(".tile") || list.getBoundingClientRect().top > 0;

function announce() {
  const box = document.querySelector("[data-arrived]");
  if (!box) return;
  box.hidden = arrived.length === 0;
  box.querySelector("button").textContent = arrived.length + " new";
}

function showArrived() {
  const list = wall();
  if (!list) return;
  for (const tile of arrived.reverse()) insert(list, tile);
  arrived = [];
  announce();
  sayTimes(list);
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-show-arrived]")) return;
  showArrived();
  scrollTo({ top: 0 });
  wall().querySelector(".tile a")?.focus({ preventScroll: true });
});
document.addEventListener("scroll", () => arrived.length > 0 && atTop(wall()) && showArrived(), { passive: true });

// How far the list was loaded is kept in the address: so a person who comes back, or
// loads the page again, finds the same list and the same place in it.
document.addEventListener("htmx:afterSettle", (event) => {
  if (!event.detail.requestConfig?.path?.includes("cursor=")) return;
  const last = [...document.querySelectorAll("#wall .tile")].at(-1);
  const url = new URL(location.href);
  url.searchParams.set("until", last.dataset.cursor);
  history.replaceState(history.state, "", url);
});

// The chip of the filter that is in force may lie outside of a narrow row.
document.querySelector(".filters [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
