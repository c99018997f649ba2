// The price before the click, the shape on the easel, and styles to pick from.
import { covers } from "./credits.js";

function update(form) {
  const chosen = form.querySelector('[name="samples"]:checked');
  if (chosen) {
    for (const total of form.querySelectorAll("[data-total]")) total.textContent = chosen.dataset.price;
    const count = form.querySelector("[data-count]");
    if (count) count.textContent = chosen.value + (chosen.value === "1" ? " sample" : " samples");
    const enough = covers(form, chosen.dataset.price);
    const short = form.querySelector("[data-short]");
    short.hidden = enough;
    const go = form.querySelector(".go");
    if (!form.matches(".htmx-request")) go.disabled = !enough;
    if (!enough && short.id) go.setAttribute("aria-describedby", short.id);
    else go.removeAttribute("aria-describedby");
  }
  const broke = form.querySelector("[data-broke]");
  if (broke) broke.hidden = covers(form, form.dataset.cheapest);
  final(form);
  easel(form);
}

// sizeOf is the size that is asked for: that of the format, or the person's own.
function sizeOf(form) {
  const format = form.querySelector('[name="format"]:checked');
  if (format?.value === "Custom") return [Number(form.elements.width.value), Number(form.elements.height.value)];
  return [Number(format?.dataset.width), Number(format?.dataset.height)];
}

// The final has its price by its longest side.
function final(form) {
  const place = form.querySelector("[data-final-price]");
  if (!place) return;
  const { final: usual, finalHigh, highAbove } = form.dataset;
  place.textContent = Math.max(...sizeOf(form)) > Number(highAbove) ? finalHigh : usual;
}

function easel(form) {
  const drawing = form.querySelector("[data-easel] rect");
  const format = form.querySelector('[name="format"]:checked');
  if (!drawing || !format) return;
  const [width, height] = sizeOf(form);
  const [w, h] = [width || 1, height || 1];
  const scale = 176 / Math.max(w, h);
  for (const [name, value] of Object.entries({ x: 100 - (w * scale) / 2, y: 100 - (h * scale) / 2, width: w * scale, height: h * scale }))
    drawing.setAttribute(name, value);
  form.querySelector("[data-easel-name]").textContent = format.dataset.name;
  form.querySelector("[data-easel-size]").textContent = `${width} × ${height} pixels`;
}

function chips(form) {
  for (const box of form.querySelectorAll("[data-chips]")) {
    const field = form.elements[box.dataset.chips];
    for (const chip of box.children) chip.setAttribute("aria-pressed", String(field.value.trim() === chip.textContent));
  }
}

function prepare() {
  for (const form of document.querySelectorAll("[data-studio]")) {
    update(form);
    chips(form);
  }
}

document.addEventListener("input", (event) => {
  const form = event.target.closest("[data-studio]");
  if (!form) return;
  update(form);
  chips(form);
  mended(form, event.target);
});

// What was said of a field, or of the last sending, is over when it is changed.
function mended(form, field) {
  form.querySelector("[data-trouble]")?.remove();
  const about = field.getAttribute("aria-describedby") ?? field.closest("[aria-describedby]")?.getAttribute("aria-describedby");
  const error = document.getElementById(field.name + "-error") ?? (about?.endsWith("-error") ? document.getElementById(about) : null);
  if (!error) return;
  for (const place of form.querySelectorAll(`[aria-describedby="${error.id}"]`)) {
    place.removeAttribute("aria-invalid");
    place.removeAttribute("aria-describedby");
  }
  error.remove();
}

document.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-chips] .chip");
  if (!chip) return;
  const form = chip.closest("form");
  const field = form.elements[chip.parentElement.dataset.chips];
  field.value = field.value.trim() === chip.textContent ? "" : chip.textContent;
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const form = event.target.closest?.("[data-studio]");
  if (form) {
    event.preventDefault();
    if (!form.querySelector(".go").disabled) form.requestSubmit();
  }
});

document.addEventListener("htmx:afterSettle", prepare);
document.addEventListener("aigen:balance", prepare);
prepare();
addEventListener("pageshow", prepare); // after the browser has put back what was typed

// What a person finds after a form was refused: the first field that is wrong.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.xhr?.status !== 422) return;
  setTimeout(() => {
    // After htmx has scrolled to the top, as it does for every other answer.
    const field = document.querySelector('[aria-invalid="true"]');
    field?.focus({ preventScroll: true });
    field?.scrollIntoView({ block: "center" });
  });
});

// A token in the fragment of the sign-in page: filled in and named, and sent only when
// the person says so, since anybody could have made the link.
const signIn = document.querySelector("[data-sign-in]");
if (signIn) {
  const says = signIn.querySelector("[data-token-says]");
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  const describe = (text) => {
    try {
      const claims = JSON.parse(atob(text.trim().split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
      const ends = claims.exp ? ", valid until " + new Date(claims.exp * 1000).toLocaleString() : "";
      return `This is the token of ${claims.name || claims.email || claims.sub}${ends}.`;
    } catch {
      return "";
    }
  };
  const show = () => {
    says.textContent = describe(signIn.elements.token.value);
    says.hidden = !says.textContent;
  };
  signIn.elements.token.addEventListener("input", show);
  if (token) {
    history.replaceState(null, "", location.pathname + location.search); // not into the history
    signIn.elements.token.value = token;
    signIn.querySelector("button").focus();
  }
  show();
}
