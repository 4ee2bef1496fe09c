// Keeps the rows of a page up to date. The server sends what changed over a WebSocket; where that
// does not get through, the page asks every five seconds, and says so.
//
//   data-rows         holds rows; data-grows: rows that come are added, by a copy of another one;
//                     data-grows="newest": at the top, if their data-order is above that of the first
//   data-key          a row's key, data-state its colour
//   data-field="x"    its text is the field x; data-bar="x": a bar of x percent
import {localTimes} from "./time.js";

const base = "/console/live";
const pollEvery = 5000;

let problem;

export function follow(topic) {
  problem = document.querySelector("[data-live-problem]");
  connect(topic, 0);
}

function connect(topic, failed) {
  const socket = new WebSocket(`wss://${location.host}${base}?of=${encodeURIComponent(topic)}`);
  let opened = false;
  socket.addEventListener("message", (e) => {
    if (!opened) {
      opened = true;
      failed = 0;
    }
    apply(JSON.parse(e.data));
  });
  socket.addEventListener("close", (e) => {
    if (e.code === 4401) {
      say("Your session has ended. Reload the page to sign in again.");
      return;
    }
    failed++;
    if (failed < 3) {
      if (opened) say("The live connection was lost. Connecting again …");
      setTimeout(connect, 500 * 2 ** failed + Math.random() * 500, topic, failed);
      return;
    }
    poll(topic, 0);
  });
}

// poll asks for everything, and tries a WebSocket again each minute.
async function poll(topic, round) {
  if (round * pollEvery >= 60000) {
    connect(topic, 2);
    return;
  }
  try {
    const answer = await fetch(`${base}.json?of=${encodeURIComponent(topic)}`, {cache: "no-store"});
    if (answer.status === 401) {
      say("Your session has ended. Reload the page to sign in again.");
      return;
    }
    if (!answer.ok) throw new Error();
    apply(await answer.json());
    if (!problem.dataset.cloud) say("This network does not let the live connection through: the page asks every 5 seconds instead.");
  } catch {
    say("The cloud does not answer. What you see may be old; the page goes on trying.");
  }
  setTimeout(poll, pollEvery, topic, round + 1);
}

function say(text) {
  problem.textContent = text;
  problem.hidden = text === "";
}

function apply(update) {
  const rows = update.rows ?? {};
  const newest = document.querySelector("[data-grows=newest]");
  for (const [key, row] of Object.entries(rows).sort(([, a], [, b]) => (a.order < b.order ? -1 : 1))) {
    const older = newest?.firstElementChild && row.order < newest.firstElementChild.dataset.order;
    const el = find(key) ?? (older ? null : add(key, row));
    if (el) fill(el, row);
  }
  for (const key of update.gone ?? []) find(key)?.closest("[data-grows]") && find(key).remove();
  if (update.all) {
    for (const el of document.querySelectorAll("[data-grows] > [data-key]")) {
      if (!Object.hasOwn(rows, el.dataset.key)) el.remove();
    }
  }
  if (update.problem) {
    problem.dataset.cloud = "yes";
    say(update.problem + " What you see may be old.");
  } else {
    delete problem.dataset.cloud;
    say("");
  }
}

function find(key) {
  return document.querySelector(`[data-key="${CSS.escape(key)}"]`);
}

// add makes a row like those that are there.
function add(key, row) {
  const list = document.querySelector("[data-grows]");
  const other = list?.querySelector("[data-key]");
  if (!other) return null;
  const el = other.cloneNode(true);
  el.dataset.key = key;
  el.hidden = false;
  for (const part of el.querySelectorAll("[data-field]")) part.textContent = "";
  const link = el.querySelector("a");
  if (link && row.href?.startsWith("/console/")) link.href = row.href;
  if (list.dataset.grows === "newest") list.prepend(el);
  else list.append(el);
  return el;
}

// fill writes the fields of a row.
export function fill(el, row) {
  if (row.state !== undefined) el.dataset.state = row.state;
  if (row.order !== undefined) el.dataset.order = row.order;
  for (const part of el.querySelectorAll("[data-field]")) {
    const text = row[part.dataset.field];
    if (text === undefined || part.textContent === text) continue;
    if (part instanceof HTMLTimeElement) {
      if (part.dateTime === text) continue;
      part.dateTime = text;
      localTimes(el);
      continue;
    }
    part.textContent = text;
    delete part.dataset.fresh;
    void part.offsetWidth;
    part.dataset.fresh = "";
  }
  for (const part of el.querySelectorAll("[data-bar]")) {
    const share = row[part.dataset.bar];
    if (share === undefined) continue;
    part.firstElementChild.toggleAttribute("hidden", share === "");
    part.querySelector("rect").setAttribute("width", share || "0");
  }
}
