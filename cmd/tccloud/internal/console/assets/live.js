// Keeps the rows of a page up to date. The server sends what changed over a WebSocket; where that
// does not get through, the page asks every five seconds, and says so.
//
//   data-grows        holds rows, and gets those that come, made from <template data-row>;
//                     data-grows="newest": at the top, if their data-order is above that of the first;
//                     data-environment: only those of it
//   data-listed       is shown while there are rows, data-empty while there are none
//   data-key          a row's key, data-state its colour
//   data-field="x"    its text is the field x; data-bar="x": a bar of x percent
import {localTimes} from "./time.js";

const base = "/console/live";
const pollEvery = 5000;

const problems = new Map(); // by topic

// follow calls show with each update of a topic; it writes rows where there is none.
export function follow(topic, show = showRows) {
  connect(topic, show, 0);
}

function connect(topic, show, failed) {
  const socket = new WebSocket(`wss://${location.host}${base}?of=${encodeURIComponent(topic)}`);
  let opened = false;
  socket.addEventListener("message", (e) => {
    if (!opened) {
      opened = true;
      failed = 0;
    }
    apply(topic, show, JSON.parse(e.data));
  });
  socket.addEventListener("close", (e) => {
    if (e.code === 4401) {
      say(topic, "Your session has ended. Reload the page to sign in again.");
      return;
    }
    failed++;
    if (failed < 3) {
      if (opened) say(topic, "The live connection was lost. Connecting again …");
      setTimeout(connect, 500 * 2 ** failed + Math.random() * 500, topic, show, failed);
      return;
    }
    poll(topic, show, 0);
  });
}

// poll asks for everything, and tries a WebSocket again each minute.
async function poll(topic, show, round) {
  if (round * pollEvery >= 60000) {
    connect(topic, show, 2);
    return;
  }
  try {
    const answer = await fetch(`${base}.json?of=${encodeURIComponent(topic)}`, {cache: "no-store"});
    if (answer.status === 401) {
      say(topic, "Your session has ended. Reload the page to sign in again.");
      return;
    }
    if (!answer.ok) throw new Error();
    if (apply(topic, show, await answer.json())) say(topic, "This network does not let the live connection through: the page asks every 5 seconds instead.");
  } catch {
    say(topic, "The cloud does not answer. What you see may be old; the page goes on trying.");
  }
  setTimeout(poll, pollEvery, topic, show, round + 1);
}

// say shows what is wrong with a topic, "" for nothing.
function say(topic, text) {
  if (text) problems.set(topic, text);
  else problems.delete(topic);
  const note = document.querySelector("[data-live-problem]");
  note.textContent = [...problems.values()][0] ?? "";
  note.hidden = problems.size === 0;
}

// apply shows an update, and reports whether the cloud has no problem with it.
function apply(topic, show, update) {
  show(update);
  say(topic, update.problem ? update.problem + " What you see may be old." : "");
  return !update.problem;
}

function showRows(update) {
  const rows = update.rows ?? {};
  const list = document.querySelector("[data-grows]");
  const newest = list?.dataset.grows === "newest";
  for (const [key, row] of Object.entries(rows).sort(([, a], [, b]) => (a.order < b.order ? -1 : 1))) {
    const older = newest && list.firstElementChild && row.order < list.firstElementChild.dataset.order;
    const el = find(key) ?? (older ? null : add(list, key, row));
    if (el) fill(el, row);
  }
  for (const key of update.gone ?? []) find(key)?.closest("[data-grows]") && find(key).remove();
  if (!list) return;
  if (update.all) {
    for (const el of list.querySelectorAll(":scope > [data-key]")) {
      if (!Object.hasOwn(rows, el.dataset.key)) el.remove();
    }
  }
  const empty = !list.querySelector(":scope > [data-key]");
  document.querySelector("[data-listed]").hidden = empty;
  document.querySelector("[data-empty]")?.toggleAttribute("hidden", !empty);
}

function find(key) {
  return document.querySelector(`[data-key="${CSS.escape(key)}"]`);
}

// add makes a row from the page's template; null where the list takes none, or not this one.
function add(list, key, row) {
  const made = document.querySelector("template[data-row]")?.content.firstElementChild;
  if (!list || !made || (list.dataset.environment ?? row.environment) !== row.environment) return null;
  const el = document.importNode(made, true);
  el.dataset.key = key;
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
      part.textContent = text && "–"; // of no time
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
