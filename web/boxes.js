// Boxes on the picture: drawn, moved and resized by mouse, finger, keys and numbers.

import { find, h, icon, refill, vector } from "./dom.js";
import { t } from "./words.js";

const WHOLE = 1000; // boxes are written in thousandths of the picture
const LEAST = 5; // thousandths a box keeps at least
const SIDES = ["top", "left", "bottom", "right"];
const HANDLES = { nw: [0, 1], n: [0], ne: [0, 3], e: [3], se: [2, 3], s: [2], sw: [2, 1], w: [1] };
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const FAR = 10; // thousandths a key moves with Shift
const LABELLED = 60; // CSS pixels of a box's height from which its name may stand at it
const LINE = 16; // CSS pixels
const USES = ["none", "subject", "erase", "protect"];

export class Boxes {
  /**
   * @param {SVGSVGElement} overlay  over the stage's canvas
   * @param {HTMLElement} list  where the numbers are
   * @param {import("./stage.js").Stage} stage
   * @param {() => void} changed
   */
  constructor(overlay, list, stage, changed) {
    Object.assign(this, { overlay, list, stage, changed });
    this.chosen = -1;
    stage.addEventListener("drawn", () => this.#draw());
    overlay.addEventListener("pointerdown", (event) => this.#sketch(event));
  }

  /** @returns {import("./queue.js").Box[]} */
  get boxes() {
    return this.stage.item?.boxes ?? [];
  }

  render() {
    this.#draw();
    refill(this.list, ...this.boxes.map((box, number) => this.#row(box, number)));
  }

  /** Add a box in the picture's middle. */
  add(box = [300, 300, 700, 700]) {
    if (!this.stage.item) return;
    this.boxes.push({ box, label: "", kind: "object", use: "none" });
    this.chosen = this.boxes.length - 1;
    this.#done();
    this.#focus(this.chosen);
  }

  /** @param {number} number */
  remove(number) {
    this.boxes.splice(number, 1);
    this.chosen = Math.min(this.chosen, this.boxes.length - 1);
    this.#done();
    if (this.boxes.length) this.#focus(Math.max(0, this.chosen));
    else find("#add-box").focus();
  }

  #done() {
    this.render();
    this.changed();
  }

  #focus(number) {
    find(`[data-key="box-${number}"]`, this.overlay)?.focus();
  }

  // --- on the picture ------------------------------------------------------------------------------

  /** The photo's place on the stage; null while its result is shown. */
  get #photo() {
    const { layout, plan, sizes } = this.stage;
    if (!layout || !sizes.before || this.stage.face !== "photo") return null;
    const frame = plan?.frame ?? { left: 0, top: 0 };
    const { scale } = layout;
    return { left: layout.left + frame.left * scale, top: layout.top + frame.top * scale, width: sizes.before.width * scale, height: sizes.before.height * scale };
  }

  #draw() {
    const photo = this.#photo;
    const groups = photo ? this.boxes.map((box, number) => this.#outline(box, number, photo)) : [];
    if (photo && this.boxes[this.chosen]) groups.push(...this.#handles(this.chosen, onStage(this.boxes[this.chosen].box, photo)));
    const held = this.overlay.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.key : null;
    this.overlay.replaceChildren(...groups);
    if (held) find(`[data-key="${held}"]`, this.overlay)?.focus();
  }

  #outline(box, number, photo) {
    const { x, y, ...size } = onStage(box.box, photo);
    const chosen = number === this.chosen;
    const group = vector("g", { class: `box ${box.use}${chosen ? " chosen" : ""}`, tabindex: 0, role: "group", "aria-roledescription": t("box.one"), "aria-label": this.#name(box, number), "aria-describedby": "box-keys", "data-key": `box-${number}` });
    group.append(vector("rect", { class: "area", x, y, ...size }));
    if (chosen || size.height > LABELLED) group.append(this.#label(box, number, x, y));
    group.addEventListener("pointerdown", (event) => this.#grab(event, number, SIDES.map((_, side) => side)));
    group.addEventListener("keydown", (event) => this.#key(event, number));
    group.addEventListener("focus", () => this.#choose(number));
    return group;
  }

  #label(box, number, x, y) {
    const label = vector("text", { x: x + 6, y: y > LINE ? y - 6 : y + LINE });
    label.textContent = this.#name(box, number);
    return label;
  }

  #handles(number, { x, y, width, height }) {
    return Object.entries(HANDLES).map(([name, sides]) => {
      const across = sides.includes(1) ? 0 : sides.includes(3) ? 1 : 0.5;
      const down = sides.includes(0) ? 0 : sides.includes(2) ? 1 : 0.5;
      const at = { cx: x + across * width, cy: y + down * height };
      const grip = vector("g", { class: `grip ${name}` });
      grip.append(vector("circle", { ...at, r: 14, class: "reach" }), vector("circle", { ...at, r: 5, class: "dot" }));
      grip.addEventListener("pointerdown", (event) => this.#grab(event, number, sides));
      return grip;
    });
  }

  #name(box, number) {
    return box.label || t("box.numbered", { number: number + 1 });
  }

  #choose(number) {
    if (this.chosen === number) return;
    this.chosen = number;
    this.render();
  }

  /** Follow the pointer with some sides of a box: all of them move it. */
  #grab(event, number, sides) {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    this.#choose(number);
    this.#focus(number);
    const before = [...this.boxes[number].box];
    this.#follow(event, ([down, right]) => this.#shift(number, before, sides, down, right));
  }

  /** Draw a new box on empty ground. */
  #sketch(event) {
    const photo = this.#photo;
    if (event.button !== 0 || event.pointerType === "touch" || !photo || !this.stage.item) return; // a finger there scrolls the page
    const corner = this.#inside(event, photo);
    if (corner.some((at) => at < 0 || at > WHOLE)) return;
    event.preventDefault();
    const start = corner.map(Math.round);
    let made = -1;
    this.#follow(event, ([down, right]) => {
      if (made < 0 && Math.max(Math.abs(down), Math.abs(right)) < 2 * LEAST) return;
      if (made < 0) {
        this.boxes.push({ box: [], label: "", kind: "object", use: "none" });
        made = this.chosen = this.boxes.length - 1;
      }
      const end = [start[0] + down, start[1] + right];
      this.boxes[made].box = tidy([Math.min(start[0], end[0]), Math.min(start[1], end[1]), Math.max(start[0], end[0]), Math.max(start[1], end[1])]);
    });
  }

  #follow(event, act) {
    const photo = /** @type {any} */ (this.#photo);
    const start = this.#inside(event, photo);
    const move = (now) => {
      const end = this.#inside(now, photo);
      act([Math.round(end[0] - start[0]), Math.round(end[1] - start[1])]);
      this.#draw();
    };
    const stop = () => {
      for (const name of ["pointermove", "pointerup", "pointercancel"]) removeEventListener(name, name === "pointermove" ? move : stop);
      this.#done();
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", stop);
    addEventListener("pointercancel", stop);
  }

  /** Where a pointer is in the photo, in thousandths. */
  #inside(event, photo) {
    const { left, top } = this.overlay.getBoundingClientRect();
    return [((event.clientY - top - photo.top) / photo.height) * WHOLE, ((event.clientX - left - photo.left) / photo.width) * WHOLE];
  }

  #shift(number, before, sides, down, right) {
    const box = [...before];
    const whole = sides.length === SIDES.length;
    const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
    const by = [whole ? clamp(down, -before[0], WHOLE - before[2]) : down, whole ? clamp(right, -before[1], WHOLE - before[3]) : right];
    for (const side of sides) box[side] += by[side % 2];
    this.boxes[number].box = tidy(box, sides);
  }

  #key(event, number) {
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      return this.remove(number);
    }
    const arrow = ARROWS[event.key];
    if (!arrow || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const by = event.shiftKey ? FAR : 1;
    this.#shift(number, this.boxes[number].box, event.altKey ? [2, 3] : [0, 1, 2, 3], arrow[0] * by, arrow[1] * by);
    this.#done();
    this.#focus(number);
  }

  // --- in numbers ----------------------------------------------------------------------------------

  #row(box, number) {
    const fields = SIDES.map((side, index) => this.#number(box, number, side, index));
    const use = h("select", { "aria-label": t("box.use"), "data-key": `use-${number}`, onchange: () => this.#use(number, use.value) });
    for (const each of USES) use.append(h("option", { value: each }, t(`box.use.${each}`)));
    use.value = box.use;
    const name = this.#name(box, number);
    const drop = h("button", { type: "button", class: "tool", "aria-label": t("box.remove", { name }), title: t("box.remove", { name }), "data-key": `drop-${number}`, onclick: () => this.remove(number) }, icon("close"));
    return h("fieldset", { class: `box-row${number === this.chosen ? " chosen" : ""}` }, h("legend", {}, name), use, h("div", { class: "numbers" }, ...fields), drop);
  }

  #number(box, number, side, index) {
    const input = h("input", { type: "number", min: 0, max: WHOLE, step: 1, value: box.box[index], "data-key": `${side}-${number}` });
    input.addEventListener("change", () => {
      const changed = [...box.box];
      changed[index] = Math.round(Number(input.value)) || 0;
      box.box = tidy(changed, [index]);
      this.chosen = number;
      this.#done();
    });
    return h("label", {}, h("span", {}, t(`side.${side}`)), input);
  }

  /** One box at most is the subject's. */
  #use(number, use) {
    for (const other of use === "subject" ? this.boxes : []) if (other.use === "subject") other.use = "none";
    this.boxes[number].use = use;
    this.#done();
  }
}

/** Return where a box lies on the stage, in CSS pixels. */
function onStage([top, left, bottom, right], photo) {
  const [across, down] = [photo.width / WHOLE, photo.height / WHOLE];
  return { x: photo.left + left * across, y: photo.top + top * down, width: (right - left) * across, height: (bottom - top) * down };
}

/**
 * Return a box inside the picture and no smaller than it may be; `moved` sides give way.
 * @param {number[]} box
 * @param {number[]} [moved]
 */
function tidy(box, moved = [2, 3]) {
  const [top, left, bottom, right] = box.map((side) => Math.min(WHOLE, Math.max(0, side)));
  const tidied = [top, left, bottom, right];
  for (const [low, high] of [[0, 2], [1, 3]]) {
    if (tidied[high] - tidied[low] >= LEAST) continue;
    if (moved.includes(low)) tidied[low] = Math.max(0, tidied[high] - LEAST);
    tidied[high] = Math.min(WHOLE, Math.max(tidied[high], tidied[low] + LEAST));
    tidied[low] = Math.min(tidied[low], tidied[high] - LEAST);
  }
  return tidied;
}

/**
 * Return the boxes of a report, with the use that most people want: writing goes, the surest thing
 * is the subject.
 * @param {any} report
 * @returns {import("./queue.js").Box[]}
 */
export function boxesOf(report) {
  const found = report?.boxes ?? [];
  const things = found.filter(({ kind }) => kind === "object");
  const surest = things.reduce((best, each) => (each.confidence > (best?.confidence ?? -1) ? each : best), null);
  return found.map((each) => ({ box: [...each.box_2d], label: each.text || each.label, kind: each.kind, use: each.kind === "text" ? "erase" : each === surest ? "subject" : "none" }));
}
