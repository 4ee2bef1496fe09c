// Times in the reader's zone, which is named.
const format = new Intl.DateTimeFormat(undefined, {year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short"});

export function localTimes(root) {
  for (const el of root.querySelectorAll("time[data-time]")) {
    const t = new Date(el.dateTime);
    if (t.getUTCFullYear() < 1971 || Number.isNaN(t.getTime())) continue;
    el.textContent = format.format(t);
    el.title = el.dateTime;
  }
}
