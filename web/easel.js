// The page's side of a painter: promises for jobs that are answered.

export class Easel {
  #last = 0;
  /** @type {Map<number, {resolve: Function, reject: Function}>} */
  #waiting = new Map();

  /** @type {Worker | null} */
  #hired = null;

  /** The painter comes with the first job. */
  get #worker() {
    if (this.#hired) return this.#hired;
    this.#hired = new Worker(new URL("painter.js", import.meta.url), { type: "module" });
    this.#hired.onmessage = ({ data: { id, made, error } }) => {
      const { resolve, reject } = this.#waiting.get(id) ?? {};
      this.#waiting.delete(id);
      if (error) reject?.(new Error(error));
      else resolve?.(made);
    };
    return this.#hired;
  }

  /**
   * Give a job whose answer is awaited.
   * @param {string} job
   * @param {Record<string, any>} data
   * @returns {Promise<any>}
   */
  ask(job, data) {
    const id = ++this.#last;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#worker.postMessage({ ...data, job, id });
    return answer;
  }

  /**
   * Give a job without an answer.
   * @param {string} job
   * @param {Record<string, any>} data
   * @param {Transferable[]} [given]
   */
  tell(job, data, given = []) {
    this.#worker.postMessage({ ...data, job }, given);
  }
}
