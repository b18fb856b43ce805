// The recipe as people read it: steps in their order, options beside each.

import { find, h, icon, refill } from "./dom.js";
import { control, optionsOf } from "./fields.js";
import { step, stepsWithPhotosPixels } from "./recipe.js";
import { t, told } from "./words.js";

const FIRST = { detect: ["query"], cutout: ["background", "subject"], erase: ["keep", "what"], clean: ["remove", "even"], expand: ["aspect", "anchor"] };
const EITHER = { expand: ["aspect", "size", "margin"], cutout: ["margin", "fill"] };
const NEEDS = { expand: { aspect: "1:1" } }; // an operation that cannot do without an option begins so
const ORDER = ["cutout", "erase", "clean", "expand", "detect"]; // what is asked for most comes first
const BOXED = ["box", "region", "exclude"];

export class Steps {
  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} adders
   * @param {Record<string, any>} operations
   * @param {import("./recipe.js").Recipe} recipe
   * @param {() => void} changed
   */
  constructor(list, adders, operations, recipe, changed) {
    Object.assign(this, { list, adders, operations, recipe, changed });
    this.unfolded = new Set();
  }

  /** @param {import("./recipe.js").Recipe} recipe */
  replace(recipe) {
    this.recipe = recipe;
    this.#done();
  }

  render() {
    const usable = stepsWithPhotosPixels(this.recipe);
    refill(this.list, ...this.recipe.steps.map((each, number) => this.#step(each, number, usable.has(number))));
    const offered = Object.keys(this.operations).sort((one, other) => rank(one) - rank(other));
    refill(this.adders, ...offered.map((name) => this.#adder(name)));
  }

  #done() {
    this.render();
    this.changed();
  }

  #adder(name) {
    const add = () => {
      this.recipe.steps.push(step(name, { ...NEEDS[name] }));
      this.#done();
      find("li:last-child h3", this.list)?.focus();
    };
    return h("button", { type: "button", class: "quiet", "data-key": `add-${name}`, onclick: add }, icon("plus"), title(name));
  }

  #step(each, number, usable) {
    const name = title(each.operation);
    const head = h("div", { class: "head", draggable: "true" }, h("h3", { tabindex: -1 }, h("span", { class: "number" }, String(number + 1)), name), this.#tools(each, number, name));
    const item = h("li", { class: "step" }, head, h("p", { class: "about" }, told(`about.${each.operation}`, this.operations[each.operation].summary)), this.#options(each));
    if (!usable && this.#takesBoxes(each)) item.append(h("p", { class: "caution" }, t("step.moved")));
    this.#draggable(item, head, number);
    return item;
  }

  #tools(each, number, name) {
    const tool = (mark, key, off, act) =>
      h("button", { type: "button", class: "tool", "aria-label": t(key, { name }), title: t(key, { name }), disabled: off, "data-key": `${each.id}-${mark}`, onclick: act }, icon(mark));
    const last = this.recipe.steps.length - 1;
    return h(
      "div",
      { class: "tools" },
      tool("up", "step.up", number === 0, () => this.#move(number, number - 1)),
      tool("down", "step.down", number === last, () => this.#move(number, number + 1)),
      tool("close", "step.remove", last === 0, () => this.#remove(number)),
    );
  }

  #options(each) {
    const { schema } = this.operations[each.operation];
    const made = optionsOf(schema).map(([name, own]) => [name, control(this.#field(each, name, own))]);
    const names = FIRST[each.operation] ?? [];
    const first = names.flatMap((name) => made.filter(([other]) => other === name)).map(([, element]) => element);
    const rest = made.filter(([name]) => !names.includes(name)).map(([, element]) => element);
    const more = h("details", { open: this.unfolded.has(each.id) }, h("summary", { "data-key": `${each.id}-more` }, t("step.more")), ...rest);
    more.addEventListener("toggle", () => this.unfolded[more.open ? "add" : "delete"](each.id));
    return h("div", { class: "options" }, ...first, rest.length > 0 && more);
  }

  #field(each, name, schema) {
    const change = (value) => {
      for (const other of EITHER[each.operation]?.includes(name) && value !== undefined ? EITHER[each.operation] : []) delete each.options[other];
      if (value === undefined) delete each.options[name];
      else each.options[name] = value;
      this.#done();
    };
    return { name, schema, value: each.options[name], change, id: `o${each.id}-${name}`, recipe: this.recipe };
  }

  #takesBoxes(each) {
    return BOXED.some((name) => name in this.operations[each.operation].schema.properties);
  }

  #move(from, to) {
    const { steps } = this.recipe;
    steps.splice(to, 0, ...steps.splice(from, 1));
    this.#done();
  }

  #remove(number) {
    this.recipe.steps.splice(number, 1);
    this.#done();
    find("h3", this.list)?.focus();
  }

  /** Dragging is a second way; the arrows beside each step are the first. */
  #draggable(item, head, number) {
    head.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/x-step", String(number)));
    item.addEventListener("dragover", (event) => {
      if (event.dataTransfer.types.includes("text/x-step")) event.preventDefault();
    });
    item.addEventListener("drop", (event) => {
      const from = event.dataTransfer.getData("text/x-step");
      if (from === "") return;
      event.preventDefault();
      event.stopPropagation();
      this.#move(Number(from), number);
    });
  }
}

const rank = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);

/** @param {string} operation */
export const title = (operation) => told(`operation.${operation}`, operation[0].toUpperCase() + operation.slice(1));
