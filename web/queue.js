// The queue: pictures, what is being done with each, and a few at a time.

/**
 * @typedef {"ready" | "waiting" | "working" | "done" | "failed" | "cancelled"} State
 * @typedef {{box: number[], label: string, kind: "object" | "text", use: "none" | "subject" | "erase" | "protect"}} Box
 *   box: top, left, bottom, right in thousandths of the picture
 * @typedef {object} Item
 * @property {string} id
 * @property {string} name
 * @property {Blob | null} file
 * @property {State} state
 * @property {Box[]} boxes
 * @property {{width: number, height: number} | null} size
 * @property {Blob | null} [thumb]
 * @property {any} [report]
 * @property {Blob | null} [picture]
 * @property {any} [problem]
 * @property {any} [recipe]
 * @property {string} [key]
 * @property {number} [began]
 * @property {number} [took]
 * @property {{before: string, after: string | null, report: string | null}} [addresses]
 */

const AT_A_TIME = 2; // the embedded engine keeps two cores busy; a model's door limits itself

export class Queue extends EventTarget {
  /** @type {Item[]} */
  items = [];
  /** @type {Map<string, AbortController>} */
  #running = new Map();

  /** @param {(item: Item, signal: AbortSignal) => Promise<Partial<Item>>} work */
  constructor(work) {
    super();
    this.work = work;
  }

  /** @param {string | null} id */
  get(id) {
    return this.items.find((item) => item.id === id) ?? null;
  }

  /** @param {State[]} states */
  in(...states) {
    return this.items.filter((item) => states.includes(item.state));
  }

  /**
   * Add a picture at the end.
   * @param {Partial<Item> & {name: string}} facts
   * @returns {Item}
   */
  add(facts) {
    /** @type {Item} */
    const item = { id: newId(), file: null, state: "ready", boxes: [], size: null, ...facts };
    this.items.push(item);
    this.#tell(item);
    return item;
  }

  /** @param {Item} item @param {Partial<Item>} facts */
  update(item, facts) {
    Object.assign(item, facts);
    this.#tell(item);
  }

  /** @param {Item[]} items */
  run(items) {
    for (const item of items) {
      if (item.state === "waiting" || item.state === "working") continue;
      this.update(item, { state: "waiting", key: newId(), problem: null });
    }
    this.#pump();
  }

  /** @param {Item} item */
  cancel(item) {
    this.#running.get(item.id)?.abort();
    if (item.state === "waiting") this.update(item, { state: "cancelled" });
  }

  /** @param {Item} item */
  remove(item) {
    this.cancel(item);
    this.items = this.items.filter((other) => other !== item);
    this.dispatchEvent(new CustomEvent("gone", { detail: item }));
  }

  #pump() {
    for (const item of this.in("waiting")) {
      if (this.#running.size >= AT_A_TIME) return;
      this.#do(item);
    }
  }

  /** @param {Item} item */
  async #do(item) {
    const controller = new AbortController();
    this.#running.set(item.id, controller);
    this.update(item, { state: "working", began: performance.now() });
    try {
      const made = await this.work(item, controller.signal);
      this.update(item, { ...made, state: "done", took: performance.now() - (item.began ?? 0) });
    } catch (error) {
      const problem = error.document ?? { code: "page", detail: error.message, retryable: false };
      this.update(item, { state: controller.signal.aborted ? "cancelled" : "failed", problem });
    } finally {
      this.#running.delete(item.id);
      this.#pump();
    }
  }

  /** @param {Item} item */
  #tell(item) {
    this.dispatchEvent(new CustomEvent("change", { detail: item }));
  }
}

const newId = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
