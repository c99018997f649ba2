// The balance, which several places of a page show: the head has the newest, and what
// depends on it follows. Amounts are counted in hundredths: no sum of floats is shown.
export const hundredths = (text) => Math.round(Number(text) * 100);

// covers reports whether the balance pays a price; an unknown one is given a try.
export const covers = (form, price) => form.dataset.available === undefined || hundredths(price) <= hundredths(form.dataset.available);

document.addEventListener("htmx:afterSettle", (event) => {
  const balance = document.getElementById("balance")?.dataset.balance;
  if (balance === undefined) return;
  const forms = [...document.querySelectorAll("[data-studio], [data-choose]")];
  if (forms.every((form) => form.dataset.available === balance)) return;
  if (event.target.id !== "balance" && event.detail.target?.id !== "balance") {
    // A part of the page came with a newer one than the head shows.
    if (forms.some((form) => form.dataset.available !== undefined)) return htmx.trigger(document.body, "aigen:credits");
  }
  for (const form of forms) form.dataset.available = balance;
  for (const place of document.querySelectorAll("[data-have]")) {
    place.textContent = balance;
    place.closest("[hidden]")?.removeAttribute("hidden");
  }
  document.dispatchEvent(new CustomEvent("aigen:balance"));
});
