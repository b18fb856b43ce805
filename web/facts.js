// What this studio can do: told by its own server, or, where the page is only files, by the API.

import { read } from "./api.js";

const NO_STEPS = new Set(["pipeline", "check", "uploads", "jobs"]);
const REQUEST_LIMIT = 50_000_000; // bytes; a studio that allows less says so itself

/**
 * @typedef {object} Facts
 * @property {string} engine  that works where a recipe names none; empty where nobody tells
 * @property {string[]} engines
 * @property {number} max_bytes
 * @property {Record<string, {summary: string, schema: any}>} operations
 * @property {{operation: string, address: string}[]} samples
 * @property {{name: string, title: string}[]} presets
 * @property {boolean} fetches  pictures from elsewhere for the page
 */

/** @returns {Promise<Facts | null>} */
export async function learn() {
  const told = await read("/studio/facts.json");
  if (told) return { fetches: true, ...told };
  const api = await read("/openapi.json");
  return api && fromApi(api);
}

function fromApi({ paths, components }) {
  const names = Object.keys(paths).map((path) => path.match(/^\/v1\/([a-z]+)$/)?.[1]);
  const steps = names.filter((name) => name && !NO_STEPS.has(name));
  const operations = Object.fromEntries(steps.map((name) => [name, operation(name, paths, components.schemas)]));
  return { engine: "", engines: [], max_bytes: REQUEST_LIMIT, operations, samples: [], presets: [], fetches: false };
}

function operation(name, paths, schemas) {
  const own = schemas[`${name[0].toUpperCase()}${name.slice(1)}Options`];
  const { preset, ...properties } = own.properties; // the whole recipe's, not a step's
  return { summary: paths[`/v1/${name}`].post.summary, schema: { ...own, properties, $defs: schemas } };
}
