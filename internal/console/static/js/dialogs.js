// Links that have a dialog in the page open it; without script they lead to a page
// that asks the same.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-dialog]");
  if (link) {
    const dialog = document.getElementById(link.dataset.dialog);
    if (dialog && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      dialog.showModal();
    }
    return;
  }
  const dialog = event.target.closest("dialog");
  if (!dialog) return;
  // After the form that the button belongs to has been sent.
  if (event.target.closest("[data-close]")) setTimeout(() => dialog.close());
  else if (event.target === dialog && !inside(dialog, event)) dialog.close();
});

// A click on the backdrop has the dialog as its target, too.
function inside(dialog, event) {
  const box = dialog.getBoundingClientRect();
  return event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
}

// A dialog about something that has passed closes: the form is gone.
document.addEventListener("htmx:afterSettle", () => {
  const dialog = document.getElementById("cancel");
  if (dialog?.open && !document.getElementById("cancel-form")) dialog.close();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});

// A click on the picture of a sample is not sent twice by who clicks twice.
document.addEventListener("submit", (event) => {
  if (event.target.matches("form[method=post]:not([hx-post])") && !event.defaultPrevented) event.target.setAttribute("aria-busy", "true");
});
