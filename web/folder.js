// Pictures that were dropped into the data folder, and what became of them there.

import { read } from "./api.js";

const SOON = 2000; // milliseconds, while something is being worked on
const LATER = 10_000;

/** @type {Set<string>} taken off the page; the files stay where they are */
const dismissed = new Set();

/**
 * Put the folder's pictures into the queue, and keep looking.
 * @param {import("./queue.js").Queue} queue
 */
export function watch(queue) {
  queue.addEventListener("gone", ({ detail }) => dismissed.add(detail.id));
  return look(queue);
}

async function look(queue) {
  const listed = await read("/files/");
  if (!listed) return; // not this machine's studio: there is no folder
  const results = [...listed.results].reverse();
  for (const result of results) place(queue, result);
  setTimeout(() => look(queue), results.some(({ report }) => !report) ? SOON : LATER);
}

function place(queue, { operation, name, before, after, report }) {
  const id = `folder ${before}`;
  if (dismissed.has(id)) return;
  const known = queue.get(id) ?? queue.add({ id, name, state: "working", began: performance.now(), addresses: { before, after, report }, recipe: { operation } });
  const waits = known.state === "working" && !known.key; // with a key it is the queue that works on it
  if (!report || !waits) return;
  known.addresses = { before, after, report };
  settle(queue, known);
}

async function settle(queue, item) {
  const report = await read(item.addresses.report);
  if (!report) return;
  const failed = !report.decision;
  queue.update(item, failed ? { state: "failed", problem: report } : { state: "done", report });
}

/**
 * Fetch an item's pictures where they are still in the folder only.
 * @param {import("./queue.js").Item} item
 */
export async function loaded(item) {
  if (!item.addresses) return item;
  item.file ??= await blob(item.addresses.before);
  if (item.addresses.after) item.picture ??= await blob(item.addresses.after);
  return item;
}

const blob = async (address) => (await fetch(address)).blob();
