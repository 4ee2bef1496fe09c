// What every page does beyond its links and forms. Pages work without it.
import {follow} from "./live.js";
import {followHistory} from "./history.js";
import {followLog} from "./log.js";
import {localTimes} from "./time.js";

localTimes(document);

// A form that failed is shown again.
document.querySelector("dialog[data-open]")?.showPopover();
// A link to #ID of a dialog opens it.
const target = location.hash && document.getElementById(location.hash.slice(1));
if (target instanceof HTMLDialogElement) target.showPopover();

// A search field filters what is on the page while one types; Enter asks the cloud.
for (const field of document.querySelectorAll("[data-filter]")) {
  const rows = () => document.getElementById(field.dataset.filter)?.tBodies[0]?.rows ?? [];
  field.addEventListener("input", () => {
    const text = field.value.trim().toLowerCase();
    for (const row of rows()) row.hidden = text !== "" && !row.textContent.toLowerCase().includes(text);
  });
}

// Reloading a page that shows what was made leads to the page, and makes nothing again.
const made = document.querySelector("[data-made]");
if (made) history.replaceState(null, "", made.dataset.made);

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
}

// "/" goes to the search field.
document.addEventListener("keydown", (e) => {
  if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, select, textarea")) return;
  const field = document.querySelector("input[type=search]");
  if (field) {
    e.preventDefault();
    field.focus();
  }
});

if (document.body.dataset.live) follow(document.body.dataset.live);
for (const section of document.querySelectorAll("[data-history]")) followHistory(section);
for (const log of document.querySelectorAll(".log")) followLog(log);
