// Choosing a sample: what was chosen, in which size, and for how many credits, before
// anything is spent.
import { covers } from "./credits.js";

function update(form) {
  const sample = form.querySelector('[name="sample"]:checked');
  const size = form.querySelector('[name="resolution"]:checked');
  if (!size) return;
  const { price, size: measure } = size.dataset;
  const enough = covers(form, price);
  form.querySelector("[data-says]").textContent = sample
    ? `Sample ${sample.dataset.number}, ${measure}, ${price} credits.`
    : "Choose a sample and a size.";
  form.querySelector("[data-for]").textContent = sample ? ` for ${price} credits` : "";
  form.querySelector("[data-short]").hidden = enough;
  const go = form.querySelector(".go");
  if (!form.matches(".htmx-request")) go.disabled = !sample || !enough;
}

const all = () => document.querySelectorAll("[data-choose]").forEach(update);

document.addEventListener("input", (event) => {
  const form = event.target.closest("[data-choose]");
  if (form) update(form);
});

// Enter in a radio button would send the form: here it chooses, and nothing more.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches?.("[data-choose] input[type=radio]")) return;
  event.preventDefault();
  event.target.click();
});

// A choice stays while the page is drawn anew because something happened elsewhere.
let chosen = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const form = document.querySelector("[data-choose]");
  chosen = form && event.detail.target.id === "creative" ? [...form.querySelectorAll("input:checked")].map((input) => [input.name, input.value]) : null;
});
document.addEventListener("htmx:afterSwap", () => {
  const form = document.querySelector("[data-choose]");
  for (const [name, value] of (form && chosen) || []) {
    const input = form.querySelector(`input[name="${name}"][value="${CSS.escape(value)}"]`);
    if (input) input.checked = true;
  }
  chosen = null;
});

document.addEventListener("htmx:afterSettle", all);
document.addEventListener("aigen:balance", all);
all();
