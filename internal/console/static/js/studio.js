// The price before the click, the shape on the easel, and styles to pick from.
// Amounts are counted in hundredths: no sum of floats is shown.
const hundredths = (text) => Math.round(Number(text) * 100);

function update(form) {
  if (!form) return;
  const chosen = form.querySelector('[name="samples"]:checked');
  if (chosen) {
    for (const total of form.querySelectorAll("[data-total]")) total.textContent = chosen.dataset.price;
    const count = form.querySelector("[data-count]");
    if (count) {
      count.textContent = chosen.value;
      count.nextSibling.textContent = chosen.value === "1" ? " sample now" : " samples now";
    }
    const short = form.querySelector("[data-short]");
    if (short) short.hidden = form.dataset.available === undefined || hundredths(chosen.dataset.price) <= hundredths(form.dataset.available);
  }
  easel(form);
}

function easel(form) {
  const drawing = form.querySelector("[data-easel] rect");
  const format = form.querySelector('[name="format"]:checked');
  if (!drawing || !format) return;
  let { width, height } = format.dataset;
  if (format.value === "Custom") [width, height] = [form.elements.width.value, form.elements.height.value];
  const [w, h] = [Number(width) || 1, Number(height) || 1];
  const scale = 176 / Math.max(w, h);
  for (const [name, value] of Object.entries({ x: 100 - (w * scale) / 2, y: 100 - (h * scale) / 2, width: w * scale, height: h * scale }))
    drawing.setAttribute(name, value);
  form.querySelector("[data-easel-name]").textContent = format.dataset.name;
  form.querySelector("[data-easel-size]").textContent = `${width} × ${height} pixels`;
}

function chips(form) {
  for (const box of form.querySelectorAll("[data-chips]")) {
    box.hidden = false;
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
});

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
    form.requestSubmit();
  }
});

document.addEventListener("htmx:afterSettle", prepare);
prepare();

// What a person finds after a form was refused: the first field that is wrong.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.xhr?.status === 422) document.querySelector('[aria-invalid="true"]')?.focus();
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
