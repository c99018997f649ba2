// What was typed in the studio is kept in this tab until it was sent: for a session
// that ends, a service that restarts, a page that is left by mistake.
const key = "aigen-draft";
const fields = ["prompt", "style"];

const studio = () => document.getElementById("studio");

function restore() {
  const form = studio();
  if (!form || location.search) return; // a link says what to write
  let draft;
  try {
    draft = JSON.parse(sessionStorage.getItem(key) || "{}");
  } catch {
    return;
  }
  for (const name of fields) {
    const field = form.elements[name];
    if (field && !field.value && draft[name]) field.value = draft[name];
  }
}

document.addEventListener("input", (event) => {
  const form = studio();
  if (!form || event.target.form !== form) return;
  const draft = Object.fromEntries(fields.map((name) => [name, form.elements[name]?.value ?? ""]));
  try {
    sessionStorage.setItem(key, JSON.stringify(draft));
  } catch {
    // No room, or not allowed: then there is no draft.
  }
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt === studio() && event.detail.xhr?.getResponseHeader("HX-Redirect")?.startsWith("/generations/")) {
    sessionStorage.removeItem(key);
  }
});

// What is being typed beneath the samples stays, too, when the page is drawn anew
// because something happened elsewhere.
let typed = null;
const anew = () => document.querySelector("#anew form");
document.addEventListener("htmx:beforeSwap", (event) => {
  const form = anew();
  typed = null;
  if (!form || event.detail.target.id !== "creative" || event.detail.requestConfig.elt === form) return;
  typed = { open: form.parentElement.open, values: fields.map((name) => [name, form.elements[name].value]) };
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
