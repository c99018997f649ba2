// The theme switch: at once, without loading the page again. The head has light and
// dark; the account menu has the system's too.
const root = document.documentElement;
const paper = { light: "#f3f4f0", dark: "#121513" };
const system = matchMedia("(prefers-color-scheme: dark)");
const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

function label() {
  const next = dark() ? "light" : "dark";
  for (const button of document.querySelectorAll("[data-theme-toggle] button")) {
    button.value = next;
    button.setAttribute("aria-label", next === "dark" ? "Dark theme" : "Light theme");
  }
  for (const button of document.querySelectorAll(".themes button")) button.setAttribute("aria-pressed", String(button.value === (root.dataset.theme ?? "system")));
  document.querySelector('meta[name="color-scheme"]').content = root.dataset.theme ?? "light dark";
  // The browser's own bars follow the switch, not the system.
  for (const [name, colour] of Object.entries(paper))
    document.querySelector(`meta[name="theme-color"][media*="${name}"]`).content = paper[root.dataset.theme] ?? colour;
}

function choose(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  label();
  fetch("/theme", { method: "POST", headers: { "HX-Request": "true" }, body: new URLSearchParams({ theme }) }).catch(() => {}); // the next page may be drawn in the old one; that is all
}

export const toggleTheme = () => choose(dark() ? "light" : "dark");

label();
system.addEventListener("change", label);
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-theme-switch]")) return;
  event.preventDefault();
  choose(event.submitter.value);
});
