// What happens is said aloud (a live region) and shown for a moment.

import { find } from "./dom.js";
import { t } from "./words.js";

const MOMENT = 4000; // milliseconds a message stays to be seen
const BREATH = 400; // many changes at once are said in one sentence
let hush = 0;
let breath = 0;
let before = "";

/**
 * @param {string} text
 * @param {{loud?: boolean, seen?: boolean}} [how]  loud: it failed; seen: show it, too
 */
export function say(text, { loud = false, seen = loud } = {}) {
  find("#news").textContent = text;
  if (!seen) return;
  const toast = find("#toast");
  Object.assign(toast, { textContent: text, hidden: false });
  toast.classList.toggle("bad", loud);
  clearTimeout(hush);
  hush = setTimeout(() => (toast.hidden = true), MOMENT + 40 * text.length);
}

/**
 * Show how far the queue is, and say it when something ended.
 * @param {import("./queue.js").Queue} queue
 */
export function tellTally(queue) {
  const total = queue.items.length;
  const busy = queue.in("waiting", "working").length;
  const done = queue.in("done").length;
  const failed = queue.in("failed").length;
  find("#queue").hidden = !total;
  const bar = find("#progress");
  Object.assign(bar, { hidden: !busy, max: total, value: total - busy });
  find("#tally").textContent = t(failed ? "tally.failed" : "tally", { done, total, failed });
  find("#cancel-all").hidden = !busy;
  find("#clear").hidden = !done && !failed;
  find("#all-zip").hidden = queue.in("done").filter(({ picture, addresses }) => picture || addresses?.after).length < 2;
  const now = `${done} ${failed}`;
  if (now === before) return;
  before = now;
  clearTimeout(breath);
  breath = setTimeout(() => say(find("#tally").textContent), BREATH);
}
