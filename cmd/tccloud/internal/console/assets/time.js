// Times in the reader's zone, which is named.
const format = new Intl.DateTimeFormat(undefined, {year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short"});

// localTime is a stamp as text, "" where it is no time.
export function localTime(stamp) {
  const t = new Date(stamp);
  return t.getUTCFullYear() < 1971 || Number.isNaN(t.getTime()) ? "" : format.format(t);
}

export function localTimes(root) {
  for (const el of root.querySelectorAll("time[data-time]")) {
    const text = localTime(el.dateTime);
    if (!text) continue;
    el.textContent = text;
    el.title = el.dateTime;
  }
}
