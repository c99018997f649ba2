// The operator's pages: "/" goes to the search, and a form that somebody has begun to
// fill in is not taken away by a refresh.
const find = document.getElementById("find");

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.documentElement.dataset.singleKeys === "off") return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  find?.focus();
  find?.select();
});

document.addEventListener("htmx:beforeRequest", (event) => {
  const area = event.detail.elt;
  if (!["overview", "story", "health"].includes(area.id)) return;
  const busy = document.hidden || area.querySelector("details[open]") || (area.contains(document.activeElement) && document.activeElement !== document.body);
  if (busy) event.preventDefault();
});

// A sheet closes when somebody goes elsewhere; the table of a chart stays.
document.addEventListener("click", (event) => {
  for (const sheet of document.querySelectorAll("details.drop[open]")) if (!sheet.contains(event.target)) sheet.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const sheet of document.querySelectorAll("details.drop[open]")) {
    sheet.open = false;
    sheet.querySelector("summary").focus();
  }
});
for (const sheet of document.querySelectorAll("details.drop"))
  sheet.addEventListener("toggle", () => sheet.open && sheet.querySelector("input:not([type=hidden])")?.focus());
