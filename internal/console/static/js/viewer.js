import { singleKeys } from "./keys.js";

// The large view: arrows go on, Enter chooses, Escape closes. To choose costs nothing. Pictures are those that
// the page shows, so what arrives while it is open is there at once.
const viewer = document.getElementById("viewer");

if (viewer) {
  const picture = viewer.querySelector("[data-viewer-picture]");
  const count = viewer.querySelector("[data-viewer-count]");
  const button = (name) => viewer.querySelector(`[data-viewer="${name}"]`);
  const links = () => [...document.querySelectorAll("a[data-view]")];
  let at = 0;

  const chooser = (link) => link.parentElement.querySelector('input[name="sample"]');

  function show(index) {
    const all = links();
    if (all.length === 0) return viewer.close();
    at = (index + all.length) % all.length;
    const image = all[at].querySelector("img");
    picture.src = all[at].href;
    picture.alt = image.alt;
    count.textContent = all.length > 1 ? `${at + 1} of ${all.length}` : "";
    button("before").hidden = button("after").hidden = all.length < 2;
    const sample = chooser(all[at]);
    button("choose").hidden = !sample;
    button("choose").textContent = sample?.checked ? "Chosen" : "Choose this sample";
    for (const next of [at + 1, at - 1]) new Image().src = all[(next + all.length) % all.length].href;
  }

  function open(index) {
    show(index);
    if (!viewer.open && links().length > 0) viewer.showModal();
    viewer.focus();
  }

  function choose() {
    const sample = chooser(links()[at]);
    viewer.close();
    if (!sample || sample.checked) return;
    sample.checked = true;
    sample.dispatchEvent(new Event("input", { bubbles: true }));
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-view]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(links().indexOf(link));
  });
  viewer.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-viewer]")?.dataset.viewer;
    if (pressed === "before") show(at - 1);
    else if (pressed === "after") show(at + 1);
    else if (pressed === "choose") choose();
    else if (pressed === "close" || event.target === picture || event.target === viewer) viewer.close();
  });
  viewer.addEventListener("keydown", (event) => {
    const onButton = event.target.closest("button");
    if (event.key === "ArrowLeft") show(at - 1);
    else if (event.key === "ArrowRight") show(at + 1);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(-1);
    else if (event.key === "Enter" && !onButton && !button("choose").hidden) choose();
    else return;
    event.preventDefault();
  });
  viewer.addEventListener("close", () => links()[at]?.focus());

  // A finger across the picture.
  let from = null;
  viewer.addEventListener("pointerdown", (event) => (from = event.isPrimary ? event.clientX : null));
  viewer.addEventListener("pointerup", (event) => {
    const way = from === null ? 0 : event.clientX - from;
    from = null;
    if (Math.abs(way) > 48) show(way < 0 ? at + 1 : at - 1);
  });

  document.addEventListener("keydown", (event) => {
    if (!singleKeys() || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select, dialog")) return;
    const n = Number(event.key);
    if (n >= 1 && n <= links().length) open(n - 1);
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (viewer.open) show(at);
  });
}
