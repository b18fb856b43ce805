// The recipe as a document: saved, loaded, copied, and as a command.

import { find, save } from "./dom.js";
import { fromDocument, toCurl, toDocument } from "./recipe.js";
import { say } from "./say.js";
import { t } from "./words.js";

export class Share {
  /**
   * @param {string[]} operations
   * @param {() => {recipe: import("./recipe.js").Recipe, name: string}} now
   * @param {(recipe: import("./recipe.js").Recipe) => void} adopt
   */
  constructor(operations, now, adopt) {
    Object.assign(this, { operations, now, adopt });
    find("#recipe-save").addEventListener("click", () => save(new Blob([this.#text()], { type: "application/json" }), "recipe.json"));
    find("#recipe-copy").addEventListener("click", () => this.#copy(this.#text()));
    find("#curl-copy").addEventListener("click", () => this.#copy(this.#curl()));
    find("#recipe-load").addEventListener("click", () => find("#recipe-file").click());
    find("#recipe-file").addEventListener("change", ({ target }) => this.#load(target));
  }

  render() {
    find("#recipe-text").textContent = `${this.#text()}\n${this.#curl()}`;
  }

  #text() {
    return `${JSON.stringify(toDocument(this.now().recipe), null, 2)}\n`;
  }

  #curl() {
    const { recipe, name } = this.now();
    return toCurl(recipe, name);
  }

  async #copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      say(t("said.copied"), { seen: true });
    } catch {
      say(t("said.not-copied"), { loud: true });
    }
  }

  async #load(input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    const recipe = fromDocument(await parsed(file), this.operations);
    if (recipe) this.adopt(recipe);
    say(t(recipe ? "said.loaded" : "said.no-recipe", { name: file.name }), { seen: true, loud: !recipe });
  }
}

async function parsed(file) {
  try {
    return JSON.parse(await file.text());
  } catch {
    return null;
  }
}
