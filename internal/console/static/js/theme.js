// The theme switch: at once, without loading the page again.
const root = document.documentElement;
const form = document.querySelector("[data-theme-switch]");

const dark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

function label() {
  const button = form.querySelector("button");
  const next = dark() ? "light" : "dark";
  button.value = next;
  button.setAttribute("aria-label", next === "dark" ? "Dark theme" : "Light theme");
}

export function toggleTheme() {
  const next = dark() ? "light" : "dark";
  root.dataset.theme = next;
  document.querySelector('meta[name="color-scheme"]').content = next;
  label();
  fetch(form.action, {
    method: "POST",
    headers: { "HX-Request": "true" },
    body: new URLSearchParams({ theme: next }),
  }).catch(() => {}); // the next page may be drawn in the old one; that is all
}

if (form) {
  label();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    toggleTheme();
  });
}
