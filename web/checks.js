// Marketplaces: which ones a picture is meant for, and a live list of what each one's rules find.

import { send } from "./api.js";
import { find, h, refill, save } from "./dom.js";
import { requestFor, recipeOf, stem } from "./recipe.js";
import { say } from "./say.js";
import { t, told } from "./words.js";

const ENGINE = "embedded"; // a check list that follows every change must cost nothing

export class Checks {
  /** @type {WeakMap<Blob, Map<string, any[]>>} */
  #known = new WeakMap();
  #asked = "";

  /**
   * @param {{name: string, title: string}[]} presets
   * @param {() => {recipe: import("./recipe.js").Recipe, bound: import("./recipe.js").Recipe, chosen: import("./queue.js").Item | null}} now
   * @param {() => void} changed
   */
  constructor(presets, now, changed) {
    Object.assign(this, { presets, now, changed });
    find("#presets").hidden = !presets.length;
  }

  /** Offer the presets as the recipe has them. */
  renderChoice() {
    const { recipe } = this.now();
    const toggle = (name, on) => {
      recipe.presets = on ? [...recipe.presets, name] : recipe.presets.filter((other) => other !== name);
      this.changed();
      this.render();
    };
    const boxes = this.presets.map(({ name, title }) =>
      h("label", {}, h("input", { type: "checkbox", checked: recipe.presets.includes(name), "data-key": `preset-${name}`, onchange: ({ target }) => toggle(name, target.checked) }), h("span", {}, title)),
    );
    refill(find("#presets"), h("details", { open: recipe.presets.length > 0 || find("#presets details")?.open }, h("summary", { "data-key": "presets" }, t("preset.title")), h("fieldset", { class: "chips" }, h("legend", { class: "unseen" }, t("preset.title")), h("div", { class: "row" }, ...boxes)), h("small", {}, t("preset.about"))));
  }

  /** Show what the rules find in the result, or in the photo as long as there is none. */
  async render() {
    const { recipe, chosen } = this.now();
    const place = find("#checks");
    const picture = chosen?.picture ?? chosen?.file;
    place.hidden = !recipe.presets.length || !picture;
    if (place.hidden) return;
    const wanted = recipe.presets.join();
    const key = `${chosen.id} ${wanted} ${Boolean(chosen.picture)}`;
    let checks = this.#known.get(picture)?.get(wanted);
    if (!checks && this.#asked === key) return;
    this.#asked = key;
    if (!checks) {
      refill(place, h("p", { class: "note" }, t("check.working")));
      checks = await this.#check(chosen.name, picture, recipe.presets);
    }
    if (this.#asked !== key) return; // something else is looked at by now
    this.#asked = "";
    refill(place, ...this.#lists(checks, chosen, recipe.presets));
  }

  async #check(name, picture, presets) {
    const request = requestFor({ ...recipeOf("check", { preset: presets }), engine: ENGINE }, { name, file: picture });
    try {
      const { report } = await send(request);
      const known = this.#known.get(picture) ?? new Map();
      this.#known.set(picture, known.set(presets.join(), report.checks));
      return report.checks;
    } catch (error) {
      return [{ title: error.message, rules: [] }];
    }
  }

  #lists(checks, item, presets) {
    const make = h("button", { type: "button", class: "quiet", "data-key": "assets", onclick: () => this.#assets(item, presets) }, t("preset.make"));
    return [h("h3", {}, t(item.picture ? "check.result" : "check.photo")), ...checks.map(list), h("small", {}, t("check.note")), make];
  }

  /** Have the studio write each marketplace's own file; renders that were paid are remembered. */
  async #assets(item, presets) {
    const request = requestFor({ ...this.now().bound, presets }, item);
    say(t("preset.making"), { seen: true });
    try {
      const { picture } = await send({ ...request, headers: { Accept: "application/zip" } });
      save(picture, `${stem(item.name)}.zip`);
    } catch (error) {
      say(error.message, { loud: true });
    }
  }
}

function list({ title, passed, rules }) {
  const open = rules.filter((rule) => rule.passed === false && rule.level === "must").length;
  const sum = passed ? t("check.all") : open ? t("check.open", { count: open }) : t("check.some");
  return h("section", { class: "preset" }, h("h4", {}, title), h("p", { class: passed ? "good" : "aside" }, rules.length ? sum : ""), h("ul", { class: "rules" }, ...rules.map(rule)));
}

const MARKS = { pass: "✓", fail: "✕", advice: "!", unknown: "?" };

function rule({ rule, level, passed, measured, required, fix, note }) {
  const verdict = passed ? "pass" : passed === null ? "unknown" : level === "advice" ? "advice" : "fail";
  const mark = h("span", { class: "mark", role: "img", "aria-label": t(`check.${verdict}`) }, MARKS[verdict]);
  const name = told(`rule.${rule}`, rule.replaceAll("_", " "));
  return h("li", { class: verdict, title: note }, mark, h("span", {}, h("strong", {}, name), ` ${measured}`), h("small", {}, passed ? required : [required, fix].filter(Boolean).join(". ")));
}
