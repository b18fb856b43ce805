// The desk's end of the recipe: engine, price before the work, the button that starts it, the day's cap.

import { read } from "./api.js";
import { find, h } from "./dom.js";
import { engineName } from "./report.js";
import { zipAll } from "./results.js";
import { toDocument } from "./recipe.js";
import { money, t } from "./words.js";

const PAUSE = 700; // milliseconds without a change before a price is asked for
const LOOK = 20_000; // milliseconds between two looks at the day's spending

export class Desk {
  /** @type {Map<string, number>} item and recipe -> dollars */
  #prices = new Map();
  #timer = 0;

  /**
   * @param {import("./facts.js").Facts} facts
   * @param {import("./queue.js").Queue} queue
   * @param {() => {recipe: import("./recipe.js").Recipe, chosen: import("./queue.js").Item | null}} now
   * @param {(item: any, signal: any, how: any) => Promise<any>} work
   */
  constructor(facts, queue, now, work) {
    Object.assign(this, { facts, queue, now, work });
    find("#auto").checked = facts.engine === "embedded"; // what costs nothing may start by itself
    find("#run").addEventListener("click", () => queue.run(this.#next()));
    find("#cancel-all").addEventListener("click", () => queue.in("waiting", "working").forEach((item) => queue.cancel(item)));
    find("#clear").addEventListener("click", () => queue.in("done", "failed", "cancelled").forEach((item) => queue.remove(item)));
    find("#all-zip").addEventListener("click", () => zipAll(queue.in("done")));
    this.#engines();
    this.#spend();
  }

  get auto() {
    return find("#auto").checked;
  }

  get #engine() {
    return this.now().recipe.engine || this.facts.engine;
  }

  /** What the button would start: whatever waits for a start; the chosen one again where nothing does. */
  #next() {
    const fresh = this.queue.in("ready", "cancelled");
    const { chosen } = this.now();
    if (fresh.length) return fresh;
    return chosen && !["waiting", "working"].includes(chosen.state) ? [chosen] : [];
  }

  recipeChanged() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#quote(), PAUSE);
    this.render();
  }

  render() {
    const next = this.#next();
    find("#fresh").parentElement.hidden = this.#engine === "embedded"; // which remembers nothing
    const again = next.length === 1 && !["ready", "cancelled"].includes(next[0].state);
    const run = find("#run");
    run.disabled = !next.length;
    run.classList.toggle("main", !again);
    run.textContent = again ? t("run.again") : t("run", { count: Math.max(1, next.length) });
    find("#price").textContent = next.length ? this.#price(next) : "";
    find("#engine").hidden = !this.facts.engine;
    if (!this.facts.engine) return;
    const how = this.facts.engine === "embedded" && this.facts.engines.length > 1 ? "chosen" : this.facts.engine;
    find("#engine").textContent = t(`engine.pill.${how}`);
    find("#engine-why").textContent = t(`engine.why.${how}`);
  }

  #price(items) {
    if (this.#engine === "embedded") return t("price.free");
    const known = items.map((item) => this.#prices.get(this.#key(item)));
    if (known.some((price) => price === undefined)) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#quote(), PAUSE);
      return t("price.asking");
    }
    const dollars = known.reduce((sum, price) => sum + Math.max(0, price), 0);
    if (!dollars && known.every((price) => price === 0)) return t("price.none");
    return known.some((price) => price < 0) ? t("price.unknown") : t("price.about", { price: money(dollars), count: items.length });
  }

  #key(item) {
    return `${item.id} ${JSON.stringify([toDocument(this.now().recipe), item.boxes])}`;
  }

  /** Ask for the price of whatever the button would start: a dry run, which asks no model. */
  async #quote() {
    if (this.#engine === "embedded") return;
    for (const item of this.#next()) {
      const key = this.#key(item);
      if (this.#prices.has(key)) continue;
      try {
        const { report } = await this.work(item, undefined, { dry: true });
        this.#prices.set(key, report.calls.reduce((sum, { dollars }) => sum + dollars, 0));
      } catch {
        this.#prices.set(key, -1); // the run itself will tell why
      }
    }
    this.render();
  }

  #engines() {
    const { engines, engine } = this.facts;
    const select = find("#engine-choice");
    find("#engine-field").hidden = engines.length < 2;
    for (const name of engines) select.append(h("option", { value: name, "data-t": `engine.${name}` }, engineName(name)));
    select.value = engine;
    find("#fresh").addEventListener("change", ({ target }) => {
      this.now().recipe.fresh = target.checked;
      this.recipeChanged();
    });
    select.addEventListener("change", () => {
      this.now().recipe.engine = select.value === engine ? "" : select.value;
      this.recipeChanged();
    });
  }

  async #spend() {
    const told = await read("/studio/spend.json");
    find("#spend").hidden = told?.cap == null;
    if (told?.cap != null) {
      find("#spent").textContent = t("spend", { spent: money(told.spent), cap: money(told.cap) });
      Object.assign(find("#cap-meter"), { max: told.cap, value: told.spent });
      find("#cap-meter").setAttribute("aria-label", find("#spent").textContent);
    }
    setTimeout(() => this.#spend(), LOOK);
  }
}
