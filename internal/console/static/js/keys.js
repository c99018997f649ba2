// Keyboard shortcuts. None of them acts while somebody types, or with a modifier.
import { toggleTheme } from "./theme.js";

const typing = (element) => element.closest?.("input, textarea, select, [contenteditable]");
const go = { s: "/", h: "/generations", o: "/operator" };
const help = document.getElementById("keys");
let leader = 0; // when "g" was pressed

// Who dictates, or rests a hand on the keyboard, can switch the single keys off.
const setting = "aigen-single-keys";
const box = document.querySelector("[data-single-keys]");
export const singleKeys = () => document.documentElement.dataset.singleKeys !== "off";
function setSingleKeys(on) {
  document.documentElement.dataset.singleKeys = on ? "on" : "off";
  box.checked = on;
}
try {
  setSingleKeys(localStorage.getItem(setting) !== "off");
} catch {
  setSingleKeys(true); // not allowed to look: as it is from the start
}
box.addEventListener("change", () => {
  setSingleKeys(box.checked);
  try {
    localStorage.setItem(setting, box.checked ? "on" : "off");
  } catch {
    // Then for this page alone.
  }
});

export function openHelp() {
  if (!help.open) help.showModal();
}

for (const button of document.querySelectorAll('[data-open="keys"]')) {
  button.hidden = false;
  button.addEventListener("click", () => {
    button.closest("details")?.removeAttribute("open");
    openHelp();
  });
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.querySelector("dialog[open]") || !singleKeys()) return;
  if (event.timeStamp - leader < 1200 && go[event.key]) {
    const link = document.querySelector(`.places a[href="${go[event.key]}"]`);
    leader = 0;
    if (link) link.click();
    return;
  }
  switch (event.key) {
    case "g":
      leader = event.timeStamp;
      return;
    case "?":
      event.preventDefault();
      return openHelp();
    case "d":
      return toggleTheme();
    case "n": {
      event.preventDefault();
      const prompt = document.getElementById("prompt");
      if (prompt) prompt.focus();
      else location.assign("/#prompt");
    }
  }
});

// The address that "n" leads to is for once: it is not kept, nor gone back to.
if (location.hash === "#prompt" && document.getElementById("prompt")) {
  document.getElementById("prompt").focus();
  history.replaceState(history.state, "", location.pathname + location.search);
}

// A menu closes when somebody goes elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
