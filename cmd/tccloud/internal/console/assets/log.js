// Follows the log of an execution: lines come over a fetch stream, and the newest of them stay.
import {fill} from "./live.js";

const most = 5000; // lines that stay on the page

export function followLog(log) {
  const anchor = log.querySelector("[data-anchor]");
  if (anchor) anchor.scrollIntoView({block: "center"});
  else if (!location.hash.startsWith("#L")) log.scrollTop = log.scrollHeight;
  if (log.dataset.follow) follow(log, 0);
}

async function follow(log, failed) {
  const say = document.querySelector("[data-log-state]");
  const address = new URL(log.dataset.follow, location.href);
  const last = log.querySelector("li:last-child");
  if (last) address.searchParams.set("after", last.id.slice(1));
  try {
    const answer = await fetch(address, {cache: "no-store", redirect: "error"});
    if (!answer.ok || !answer.body) throw new Error();
    say.textContent = "Live";
    for await (const lines of parts(answer.body)) {
      failed = 0;
      if (take(log, lines)) {
        location.reload();
        return;
      }
    }
  } catch {
    failed++;
  }
  if (failed > 8) {
    say.textContent = "The live log has ended. Reload the page to go on.";
    return;
  }
  say.textContent = "The live log was interrupted. Connecting again …";
  setTimeout(follow, Math.min(15000, 500 * 2 ** failed + Math.random() * 500), log, failed);
}

// parts yields the lines of JSON that each piece of a stream completes.
async function* parts(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    yield lines.filter((l) => l !== "").map((l) => JSON.parse(l));
  }
}

// take shows what came. It tells whether nothing comes any more.
function take(log, messages) {
  const list = log.querySelector("ol");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const fresh = document.createDocumentFragment();
  let over = false;
  let total = 0;
  for (const m of messages.slice(-most)) {
    if (m.line) {
      fresh.append(lineOf(m.line));
      total = m.line.n;
    }
    if (m.row) fill(document.querySelector("main [data-key]"), m.row);
    over ||= m.over === true;
  }
  list.append(fresh);
  while (list.childElementCount > most) list.firstElementChild.remove();
  if (total > 0) document.querySelector("[data-log-count]").textContent = total === 1 ? "1 line" : `${total} lines`;
  if (atEnd) log.scrollTop = log.scrollHeight;
  return over;
}

function lineOf(line) {
  const item = document.createElement("li");
  item.id = "L" + line.n;
  if (line.bad) item.className = "bad";
  const number = document.createElement("a");
  const text = document.createElement("span");
  number.href = `?line=${line.n}#L${line.n}`;
  number.textContent = line.n;
  number.setAttribute("aria-label", "Line " + line.n);
  text.textContent = line.text;
  item.append(number, text);
  return item;
}
