// The queue as people see it: a card a picture, with what is happening to it.

import { find, h, icon } from "./dom.js";
import { seconds, t } from "./words.js";

const TICK = 1000; // milliseconds between two looks at the clock

export class Cards {
  /**
   * @param {HTMLElement} list
   * @param {{select: Function, run: Function, cancel: Function, remove: Function, download: Function}} acts
   */
  constructor(list, acts) {
    Object.assign(this, { list, acts });
    /** @type {Map<string, any>} */
    this.cards = new Map();
    this.chosen = "";
    setInterval(() => this.#tick(), TICK);
  }

  /** @param {import("./queue.js").Item} item */
  update(item) {
    let card = this.cards.get(item.id);
    if (!card) {
      card = this.#made(item);
      this.cards.set(item.id, card);
      this.list.append(card);
    }
    this.#fill(card, item);
  }

  /** @param {import("./queue.js").Item} item */
  remove(item) {
    const card = this.cards.get(item.id);
    const held = card?.contains(document.activeElement);
    const next = card?.nextElementSibling ?? card?.previousElementSibling;
    card?.remove();
    this.cards.delete(item.id);
    if (held) (find(".pick", next ?? document.createElement("i")) ?? find("#choose"))?.focus();
  }

  /** @param {string} id */
  choose(id) {
    this.chosen = id;
    for (const [each, card] of this.cards) {
      card.classList.toggle("chosen", each === id);
      find(".pick", card).setAttribute("aria-pressed", String(each === id));
    }
  }

  #made(item) {
    const pick = h("button", { type: "button", class: "pick", "aria-pressed": "false", onclick: () => this.acts.select(item) }, h("img", { alt: "", loading: "lazy" }), h("span", { class: "name" }, item.name), h("span", { class: "state" }));
    const card = h("li", { class: "card" }, pick, h("p", { class: "trouble", hidden: true }), h("div", { class: "tools" }));
    card.item = item;
    return card;
  }

  #fill(card, item) {
    const image = find("img", card);
    if (item.thumb && card.thumb !== item.thumb) {
      card.thumb = item.thumb;
      image.src = URL.createObjectURL(item.thumb);
      image.decode().catch(() => {}).finally(() => URL.revokeObjectURL(image.src)); // a lazy one is asked for here
    } else if (!item.thumb && item.addresses && !card.shown) {
      card.shown = true;
      image.addEventListener("error", () => image.removeAttribute("src"), { once: true }); // no picture at all
      image.src = item.addresses.before;
    }
    card.dataset.state = item.state === "done" ? (item.report?.decision ?? "done") : item.state;
    find(".state", card).textContent = stateOf(item);
    const trouble = find(".trouble", card);
    trouble.textContent = item.state === "failed" ? item.problem.detail : "";
    trouble.hidden = !trouble.textContent;
    this.#tools(card, item);
    card.classList.toggle("chosen", item.id === this.chosen);
  }

  #tools(card, item) {
    const place = find(".tools", card);
    const wanted = this.#wanted(item);
    const key = wanted.map(([mark]) => mark).join();
    if (card.tools === key + document.documentElement.lang) return;
    card.tools = key + document.documentElement.lang;
    const held = place.contains(document.activeElement);
    place.replaceChildren(...wanted.map(([mark, words, act]) => h("button", { type: "button", class: "tool", "aria-label": t(words, { name: item.name }), title: t(words, { name: item.name }), onclick: act }, icon(mark))));
    if (held) find("button", place)?.focus();
  }

  #wanted(item) {
    const { run, cancel, remove, download } = this.acts;
    if (item.state === "waiting" || item.state === "working") return [["stop", "card.cancel", () => cancel(item)]];
    const drop = ["close", "card.remove", () => remove(item)];
    if (item.state === "failed" || item.state === "cancelled") return [["retry", "card.retry", () => run(item)], drop];
    if (item.state === "done" && (item.picture || item.addresses?.after)) return [["save", "card.download", () => download(item)], drop];
    return [drop];
  }

  #tick() {
    for (const card of this.cards.values()) if (card.item.state === "working") find(".state", card).textContent = stateOf(card.item);
  }
}

/** @param {import("./queue.js").Item} item */
function stateOf(item) {
  if (item.state === "working") return t("state.working", { seconds: seconds(Math.max(0, performance.now() - (item.began ?? 0)) / 1000) });
  if (item.state === "done") return t(`decision.${item.report?.decision ?? "accepted"}`);
  return t(`state.${item.state}`);
}
