// Notes in the corner. Good ones leave by themselves, unless somebody is reading them;
// bad ones stay until they are closed, or what they tell of is over.
const corner = document.getElementById("toasts");
const stay = 7000;

export function note(kind, title, text) {
  dismiss(title); // the same once more
  const box = document.querySelector(`template[data-toast-of="${kind}"]`).content.firstElementChild.cloneNode(true);
  box.querySelector("strong").textContent = title;
  const words = box.querySelector("p");
  if (text) words.textContent = text;
  else words.remove();
  corner.append(box);
  return box;
}

export function dismiss(title) {
  for (const box of corner.children) if (box.querySelector("strong")?.textContent === title) box.remove();
}

function receive(box) {
  box.querySelector("[data-toast-close]").hidden = false;
  if (box.matches(".bad")) return;
  let timer = setTimeout(() => box.remove(), stay);
  for (const come of ["pointerenter", "focusin"]) box.addEventListener(come, () => clearTimeout(timer));
  for (const leave of ["pointerleave", "focusout"])
    box.addEventListener(leave, () => {
      clearTimeout(timer);
      timer = setTimeout(() => box.remove(), stay);
    });
}

corner.querySelectorAll("[data-toast]").forEach(receive);
new MutationObserver((changes) => {
  for (const change of changes) for (const box of change.addedNodes) if (box.dataset?.toast !== undefined) receive(box);
}).observe(corner, { childList: true });

document.addEventListener("click", (event) => event.target.closest("[data-toast-close]")?.closest("[data-toast]").remove());

// What was sent by a person did not arrive. What a page asks by itself is told by the
// note about the lost connection.
document.addEventListener("htmx:sendError", (event) => {
  if (event.detail.requestConfig?.verb !== "post") return;
  const typed = event.detail.elt.elements?.prompt?.value;
  note("bad", "No connection", "The service could not be reached. " + (typed ? "Your text is still here: try again in a moment." : "Try again in a moment."));
});
