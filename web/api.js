// The page's side of the courier: one promise a request, and failures as the API tells them.

/** A problem document (RFC 9457) that the studio answered with, or the lack of any answer. */
export class Problem extends Error {
  /** @param {Record<string, any>} document */
  constructor(document) {
    super(document.detail);
    this.document = document;
  }
}

/** @typedef {{path: string, method?: string, fields?: Record<string, string | Blob>, files?: Record<string, {blob: Blob, title: string}>, headers?: Record<string, string>}} Request */

/** @type {Worker | null} */
let courier = null;
let last = 0;
/** @type {Map<number, {resolve: Function, reject: Function}>} */
const waiting = new Map();

/**
 * Ask the studio.
 * @param {Request} request
 * @param {AbortSignal} [signal]
 * @returns {Promise<{report: any, picture: Blob | null}>}
 */
export function send(request, signal) {
  courier ??= hired();
  const id = ++last;
  const { path, method = "POST", fields = {}, files = {}, headers = { Accept: "application/json" } } = request;
  const answer = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  courier.postMessage({ id, path, method, fields: method === "POST" ? fields : null, files, headers });
  signal?.addEventListener("abort", () => courier?.postMessage({ id, abort: true }), { once: true });
  return answer;
}

function hired() {
  const worker = new Worker(new URL("courier.js", import.meta.url));
  worker.onmessage = ({ data: { id, problem, report, picture } }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (problem) reject?.(new Problem(problem));
    else resolve?.({ report, picture });
  };
  return worker;
}

/**
 * Read a small document of the page's own server; null where there is none.
 * @param {string} path
 */
export async function read(path) {
  try {
    const reply = await fetch(path, { headers: { Accept: "application/json" } });
    return reply.ok ? await reply.json() : null;
  } catch {
    return null;
  }
}
