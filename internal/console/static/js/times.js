// Times as people say them, in their own zone and language. The page has them in UTC.
const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const minute = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const dayMinute = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
const steps = [
  [60, "second", 1],
  [3600, "minute", 60],
  [86400, "hour", 3600],
  [7 * 86400, "day", 86400],
];

function say(element) {
  const at = new Date(element.dateTime);
  if (Number.isNaN(at.getTime())) return;
  const seconds = (at - Date.now()) / 1000;
  // The axis of a chart has clock times. Beyond half a day they need the day as well.
  if (element.dataset.clock !== undefined) {
    const text = (seconds > -43200 ? minute : dayMinute).format(at);
    if (element.textContent !== text) element.textContent = text;
    element.title = exact.format(at);
    return;
  }
  const step = steps.find(([limit]) => Math.abs(seconds) < limit);
  let text = exact.format(at);
  if (Math.abs(seconds) < 20 && seconds <= 0) text = "just now";
  else if (step && element.dataset.exact === undefined) text = relative.format(Math.round(seconds / step[2]), step[1]);
  if (element.textContent !== text) element.textContent = text;
  element.title = exact.format(at);
}

export const sayTimes = (within) => within.querySelectorAll("time[datetime]").forEach(say);
sayTimes(document);
setInterval(() => sayTimes(document), 20000);
document.addEventListener("htmx:afterSettle", () => sayTimes(document));
