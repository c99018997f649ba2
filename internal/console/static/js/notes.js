// Notes in the corner. They leave by themselves, unless somebody is reading them.
const corner = document.getElementById("toasts");
const stay = 7000;

export function note(kind, title, text) {
  const box = document.createElement("div");
  box.className = "toast " + kind;
  box.dataset.toast = "";
  const words = document.createElement("div");
  const strong = document.createElement("strong");
  strong.textContent = title;
  words.append(strong);
  if (text) {
    const p = document.createElement("p");
    p.textContent = text;
    words.append(p);
  }
  box.append(words);
  corner.append(box);
  return box;
}

function leaveLater(box) {
  let timer = setTimeout(() => box.remove(), stay);
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", () => {
    timer = setTimeout(() => box.remove(), stay);
  });
}

for (const box of corner.querySelectorAll("[data-toast]")) leaveLater(box);
new MutationObserver((changes) => {
  for (const change of changes)
    for (const box of change.addedNodes) if (box.dataset?.toast !== undefined && box.dataset.keep === undefined) leaveLater(box);
}).observe(corner, { childList: true });

document.addEventListener("htmx:sendError", () =>
  note("bad", "No connection", "The service could not be reached. Your text is still here: try again in a moment."),
);
