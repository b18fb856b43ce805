// Pictures that were dropped into the data folder, and what became of them there.

import { read } from "./api.js";

const SOON = 2000; // milliseconds, while something is being worked on
const LATER = 10_000;

/**
 * Put the folder's pictures into the queue, and keep looking.
 * @param {import("./queue.js").Queue} queue
 */
export async function watch(queue) {
  const listed = await read("/files/");
  if (!listed) return; // not this machine's studio: there is no folder
  const results = [...listed.results].reverse();
  for (const result of results) place(queue, result);
  setTimeout(() => watch(queue), results.some(({ report }) => !report) ? SOON : LATER);
}

function place(queue, { operation, name, before, after, report }) {
  const id = `folder ${before}`;
  const known = queue.get(id) ?? queue.add({ id, name, state: "working", began: performance.now(), addresses: { before, after, report }, recipe: { operation } });
  if (!report || known.addresses?.report === report && known.report) return;
  known.addresses = { before, after, report };
  if (known.state === "working") settle(queue, known);
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
