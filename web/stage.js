// The stage: one picture at a time, before and after, at any zoom.

import { Easel } from "./easel.js";
import { find } from "./dom.js";
import { placeIn } from "./placement.js";
import { number, percent, t } from "./words.js";

const ROOM = 24; // CSS pixels around a picture that is fitted
const LARGEST_FIT = 2; // a small picture is not blown up further than this
const STEP = 1.5; // of zoom
const [LEAST_ZOOM, MOST_ZOOM] = [0.02, 32];
const NUDGE = 60; // CSS pixels an arrow key moves a zoomed picture

/**
 * @typedef {{left: number, top: number, scale: number, width: number, height: number}} Layout
 *   where the shown picture lies on the stage, in CSS pixels
 */

export class Stage extends EventTarget {
  face = "photo";
  mode = "compare";
  ground = "check";
  /** @type {"fit" | number} device pixels a picture's pixel takes */
  zoom = "fit";
  centre = { x: 0.5, y: 0.5 };
  split = 0.5;
  /** @type {import("./queue.js").Item | null} */
  item = null;
  plan = null;
  /** @type {{before: any, after: any}} */
  sizes = { before: null, after: null };

  /** @param {HTMLElement} root */
  constructor(root) {
    super();
    this.root = root;
    this.canvas = find("canvas", root);
    this.slider = find("#split", root);
    this.easel = new Easel();
    this.surface = this.canvas.transferControlToOffscreen();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    this.#listen();
  }

  /**
   * Show an item; its newest result where it has one.
   * @param {import("./queue.js").Item | null} item
   */
  async show(item) {
    if (!item && !this.item) return;
    if (this.surface) this.easel.tell("surface", { canvas: this.surface }, [this.surface]);
    this.surface = null;
    const same = this.item?.id === item?.id;
    this.item = item;
    if (!same) Object.assign(this, { zoom: "fit", centre: { x: 0.5, y: 0.5 } });
    const [before, after] = [item?.file ?? null, item?.picture ?? null];
    if (same && before === this.before && after === this.after) return this.draw();
    Object.assign(this, { before, after });
    this.face = after ? "result" : "photo";
    const made = await this.easel.ask("show", { before, after, frame: placeIn(item?.report) });
    if (!made || this.item !== item) return; // another came meanwhile
    this.sizes = made;
    this.undrawn = made.undrawn;
    this.draw();
  }

  /** The size of what is shown now. */
  get shownSize() {
    if (this.face === "result" && this.sizes.after) return this.sizes.after;
    return this.plan ? this.plan.canvas : this.sizes.before;
  }

  /** @returns {Layout | null} */
  get layout() {
    const size = this.shownSize;
    if (!size) return null;
    const { clientWidth, clientHeight } = this.canvas;
    const scale = this.#scale(size) / devicePixelRatio;
    const [width, height] = [size.width * scale, size.height * scale];
    const along = (room, length, share) => (length <= room ? (room - length) / 2 : Math.min(0, Math.max(room - length, room / 2 - share * length)));
    return { left: along(clientWidth, width, this.centre.x), top: along(clientHeight, height, this.centre.y), scale, width, height };
  }

  /** Device pixels per picture pixel. */
  #scale(size) {
    if (this.zoom !== "fit") return this.zoom;
    const { clientWidth, clientHeight } = this.canvas;
    const fit = Math.min((clientWidth - 2 * ROOM) / size.width, (clientHeight - 2 * ROOM) / size.height);
    return Math.max(LEAST_ZOOM / 10, Math.min(fit, LARGEST_FIT)) * devicePixelRatio;
  }

  draw() {
    if (this.surface) return; // nothing was shown yet
    const { canvas, layout } = this;
    const ratio = devicePixelRatio;
    const shown = this.face === "photo" || !this.sizes.after ? "before" : this.mode;
    const comparing = shown === "compare" && Boolean(this.sizes.before);
    this.slider.hidden = !comparing;
    const view = {
      width: Math.max(1, Math.round(canvas.clientWidth * ratio)),
      height: Math.max(1, Math.round(canvas.clientHeight * ratio)),
      x: layout ? layout.left * ratio : 0,
      y: layout ? layout.top * ratio : 0,
      scale: layout ? layout.scale * ratio : 1,
      mode: shown,
      ground: this.ground,
      split: this.#splitAt(layout) * ratio,
      plan: this.face === "photo" && layout ? (this.plan ?? { canvas: this.sizes.before, frame: { left: 0, top: 0 } }) : null,
      dark: matchMedia("(prefers-color-scheme: dark)").matches ? document.documentElement.dataset.theme !== "light" : document.documentElement.dataset.theme === "dark",
      ratio,
    };
    this.easel.tell("draw", { view });
    this.root.dataset.face = this.face;
    this.root.classList.toggle("zoomed", this.zoom !== "fit");
    this.#describe(shown, layout);
    this.dispatchEvent(new Event("drawn"));
  }

  /** The split, in CSS pixels: under the middle of the range's thumb. */
  #splitAt(layout) {
    if (!layout) return 0;
    const { left, width } = this.#track(layout);
    return left + this.split * width;
  }

  /** The range lies over the picture's visible width; its thumb is as wide as the stylesheet says. */
  #track(layout) {
    const left = Math.max(0, layout.left);
    const right = Math.min(this.canvas.clientWidth, layout.left + layout.width);
    const thumb = 32;
    this.slider.style.left = `${left - thumb / 2}px`;
    this.slider.style.width = `${right - left + thumb}px`;
    return { left, width: right - left };
  }

  #describe(shown, layout) {
    const size = this.shownSize;
    const name = this.item?.name ?? "";
    find("#zoom", this.root).textContent = layout ? percent(layout.scale * devicePixelRatio) : "";
    find("#size", this.root).textContent = size ? `${number(size.width)} × ${number(size.height)}` : "";
    find("#stage-note", this.root).textContent = this.item && this.undrawn ? t("stage.undrawable") : "";
    this.canvas.setAttribute("aria-label", name ? t(`stage.shows.${this.plan && this.face === "photo" ? "plan" : shown}`, { name }) : t("stage.empty"));
  }

  // --- what people do ------------------------------------------------------------------------------

  /** @param {number} factor @param {{x: number, y: number}} [at] */
  zoomBy(factor, at) {
    const size = this.shownSize;
    if (!size) return;
    const old = this.layout;
    this.zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, this.#scale(size) * factor));
    if (at && old) this.#keep(at, old);
    this.draw();
  }

  /** Keep the picture's point under `at` where it is. */
  #keep(at, old) {
    const point = { x: (at.x - old.left) / old.width, y: (at.y - old.top) / old.height };
    const { width, height } = /** @type {Layout} */ (this.layout);
    this.centre = { x: point.x + (this.canvas.clientWidth / 2 - at.x) / width, y: point.y + (this.canvas.clientHeight / 2 - at.y) / height };
  }

  /** @param {"fit" | number} zoom */
  setZoom(zoom) {
    this.zoom = zoom;
    this.draw();
  }

  #pan(right, down) {
    const layout = this.layout;
    if (!layout) return;
    const held = (share, moved, length) => Math.min(1, Math.max(0, share + moved / length));
    this.centre = { x: held(this.centre.x, right, layout.width), y: held(this.centre.y, down, layout.height) };
    this.draw();
  }

  #listen() {
    this.slider.addEventListener("input", () => {
      this.split = Number(this.slider.value) / 1000;
      this.draw();
    });
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    this.canvas.addEventListener("pointerdown", (event) => this.#drag(event));
    this.canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return; // the plain wheel scrolls the page
        event.preventDefault();
        this.zoomBy(2 ** (-event.deltaY / 200), { x: event.offsetX, y: event.offsetY });
      },
      { passive: false },
    );
  }

  #key(event) {
    const moves = { ArrowLeft: [-NUDGE, 0], ArrowRight: [NUDGE, 0], ArrowUp: [0, -NUDGE], ArrowDown: [0, NUDGE] };
    const acts = { "+": () => this.zoomBy(STEP), "=": () => this.zoomBy(STEP), "-": () => this.zoomBy(1 / STEP), 0: () => this.setZoom("fit"), 1: () => this.setZoom(1) };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (moves[event.key] && this.zoom !== "fit") this.#pan(...moves[event.key]);
    else if (acts[event.key]) acts[event.key]();
    else return;
    event.preventDefault();
  }

  /** A zoomed picture is moved; in a fitted one the split follows. */
  #drag(event) {
    if (event.button !== 0) return;
    const pans = this.zoom !== "fit";
    if (!pans && this.slider.hidden) return;
    let last = event;
    const follow = (now) => {
      if (pans) this.#pan(last.clientX - now.clientX, last.clientY - now.clientY);
      else this.#splitTo(now.offsetX);
      last = now;
    };
    if (!pans) follow(event);
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.addEventListener("pointermove", follow);
    const stop = () => this.canvas.removeEventListener("pointermove", follow);
    this.canvas.addEventListener("pointerup", stop, { once: true });
    this.canvas.addEventListener("pointercancel", stop, { once: true });
  }

  #splitTo(x) {
    const layout = this.layout;
    if (!layout) return;
    const { left, width } = this.#track(layout);
    this.split = Math.min(1, Math.max(0, (x - left) / width));
    this.slider.value = String(Math.round(this.split * 1000));
    this.draw();
  }
}
