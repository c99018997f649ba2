// Where the focus goes when htmx has replaced what had it: nobody who works with the
// keyboard or a screen reader is sent back to the top of the page.
let held = null; // what had the focus before it was disabled or replaced

const hold = () => {
  const now = document.activeElement;
  if (now && now !== document.body && document.getElementById("main").contains(now)) held = now;
};
document.addEventListener("pointerdown", () => (held = null)); // on a blank spot, it is let go on purpose
document.addEventListener("htmx:beforeRequest", hold);
document.addEventListener("htmx:beforeSwap", hold);

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id === "balance" || !held) return;
  // After htmx has enabled what it had disabled, and scrolled.
  setTimeout(() => {
    const lost = !document.activeElement || document.activeElement === document.body;
    const before = held;
    held = null;
    if (!lost || document.querySelector("dialog[open]")) return;
    const kept = before?.isConnected && !before.disabled && before.getClientRects().length > 0 ? before : null;
    const to = document.querySelector('[data-trouble], [aria-invalid="true"]') ?? kept ?? document.querySelector(".stage h2[tabindex], h1[tabindex]");
    to?.focus({ preventScroll: true });
    if (to?.matches("[data-trouble], [aria-invalid]")) to.scrollIntoView({ block: "center" });
  });
});
