// What was entered in the studio is kept in this tab until it was sent: for a session
// that ends, a service that restarts, a page that is left by mistake. What was sent is
// kept with its page in the browser's history: whoever goes back finds it again.
const key = "aigen-draft";
const kept = ["prompt", "style", "format", "width", "height", "samples", "project"];
const fields = ["prompt", "style"]; // of the form beneath the samples

const studio = () => document.getElementById("studio");
const content = (form) => Object.fromEntries(kept.map((name) => [name, form.elements[name]?.value ?? ""]));

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

function restore() {
  const form = studio();
  if (!form) return;
  const draft = history.state?.draft ?? (location.search ? null : stored()); // a link says what to write
  for (const name of draft ? kept : []) {
    const field = form.elements[name];
    if (!field || !draft[name]) continue;
    const before = field.value;
    field.value = draft[name];
    if (!field.value) field.value = before; // a choice that there is no more
  }
}

document.addEventListener("input", (event) => {
  const form = studio();
  if (!form || event.target.form !== form) return;
  const draft = content(form);
  history.replaceState({ ...history.state, draft }, "");
  try {
    sessionStorage.setItem(key, JSON.stringify(draft));
  } catch {
    // No room, or not allowed: then there is no draft.
  }
});

document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.elt !== studio() || !event.detail.xhr.getResponseHeader("HX-Redirect")?.startsWith("/generations/")) return;
  history.replaceState({ ...history.state, draft: content(studio()) }, "");
  sessionStorage.removeItem(key);
});

// What is being typed beneath the samples stays, too, when the page is drawn anew
// because something happened elsewhere.
let typed = null;
const anew = () => document.querySelector("#anew form");
document.addEventListener("htmx:beforeSwap", (event) => {
  const form = anew();
  typed = null;
  if (!form || event.detail.target.id !== "creative" || event.detail.requestConfig.elt === form) return;
  typed = { open: form.parentElement.open, values: [...fields, "samples"].map((name) => [name, form.elements[name].value]) };
});
document.addEventListener("htmx:afterSwap", () => {
  const form = anew();
  if (!typed || !form) return;
  form.parentElement.open = typed.open;
  for (const [name, value] of typed.values) form.elements[name].value = value;
  typed = null;
});

restore();
// A page that the browser kept whole would send the same form again, and get the same
// answer: a new number makes it a new one.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const nonce of document.querySelectorAll('input[name="nonce"]')) nonce.value = crypto.getRandomValues(new Uint32Array(4)).join("-");
});
