// Draws the charts of a history anew when something happened. The server made them; here their bars
// and texts are changed.
import {follow} from "./live.js";
import {localTimes, localTime} from "./time.js";

export function followHistory(section) {
  const now = {}; // the fields as they are
  follow(section.dataset.history, (update) => {
    for (const row of Object.values(update.rows ?? {})) draw(section, Object.assign(now, row));
  });
}

function draw(section, row) {
  const times = row.times.split(" ");
  for (const chart of section.querySelectorAll("[data-chart]")) {
    const name = chart.dataset.chart;
    const heights = row[name + "_heights"].split(" ");
    const texts = row[name].split("\n");
    chart.querySelectorAll("rect").forEach((bar, i) => {
      bar.setAttribute("height", heights[i] ?? 0);
      bar.setAttribute("y", 100 - (heights[i] ?? 0));
      bar.firstElementChild.textContent = `${localTime(times[i])}: ${texts[i] ?? ""}`;
    });
    chart.querySelector("[data-most]").textContent = row[name + "_most"];
    chart.querySelector("desc").textContent = row[name + "_desc"];
    section.querySelectorAll(`[data-values=${name}]`).forEach((cell, i) => { cell.textContent = texts[i] ?? ""; });
  }
  for (const list of ["tbody time", "[data-from]"]) {
    section.querySelectorAll(list).forEach((time, i) => { time.dateTime = (list === "[data-from]" ? times[0] : times[i]) ?? ""; });
  }
  localTimes(section);
}
