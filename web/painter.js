// A worker that decodes and draws: the page's own thread never holds a picture's pixels.

import { alphaView, changeView } from "./views.js";

const SMALL = 2048; // pixels of the longest side that stand in for a large picture drawn small
const SLACK = 1.05; // drawn up to this much larger than it is, the small one looks no worse
const CELL = 10; // CSS pixels of the checkerboard's squares

/** @typedef {{full: ImageBitmap, small: ImageBitmap, width: number, height: number}} Drawable */

/** @type {OffscreenCanvas} */
let surface;
/** @type {OffscreenCanvasRenderingContext2D} */
let pen;
/** @type {{before: Drawable | null, after: Drawable | null, alpha: Drawable | null, changes: Drawable | null, frame: any}} */
let shown = { before: null, after: null, alpha: null, changes: null, frame: null };
let latest = 0;
let view = null;
let due = false;

const JOBS = {
  surface({ canvas }) {
    surface = canvas;
    pen = canvas.getContext("2d");
  },

  async show({ id, before, after, frame }) {
    latest = id;
    const [one, other] = await Promise.all([drawable(before), drawable(after)]);
    if (latest !== id) return release([one, other]);
    release(Object.values(shown));
    shown = { before: one, after: other, alpha: null, changes: null, frame };
    return { before: size(one), after: size(other), undrawn: Boolean((before && !one) || (after && !other)) };
  },

  draw(data) {
    view = data.view;
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      paint();
    });
  },

  async thumb({ blob, side }) {
    const bitmap = await createImageBitmap(blob);
    const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)));
    const brush = context(canvas);
    brush.imageSmoothingQuality = "high";
    brush.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const facts = { width: bitmap.width, height: bitmap.height };
    bitmap.close();
    return { size: facts, thumb: await canvas.convertToBlob({ type: "image/webp", quality: 0.8 }) };
  },

  async convert({ blob, type, ground }) {
    const bitmap = await createImageBitmap(blob);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const brush = context(canvas);
    if (ground) {
      brush.fillStyle = ground;
      brush.fillRect(0, 0, canvas.width, canvas.height);
    }
    brush.drawImage(bitmap, 0, 0);
    return { blob: await canvas.convertToBlob({ type, quality: 0.92 }) };
  },
};

onmessage = async ({ data }) => {
  try {
    const made = await JOBS[data.job](data);
    if (data.id) postMessage({ id: data.id, made });
  } catch (error) {
    postMessage({ id: data.id, error: String(error.message ?? error) });
  }
};

/** @param {OffscreenCanvas} canvas */
const context = (canvas) => /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));

/** Give memory back at once: a large picture's pixels do not wait for the collector. */
function release(pictures) {
  for (const picture of pictures) {
    picture?.full?.close();
    picture?.small?.close();
  }
  return null;
}

/** @param {Drawable | null} picture */
const size = (picture) => (picture ? { width: picture.width, height: picture.height } : null);

/** @param {Blob | null} source @returns {Promise<Drawable | null>}  null for none, or one that browsers cannot draw */
async function drawable(source) {
  const full = source && (await createImageBitmap(source).catch(() => null));
  if (!full) return null;
  const { width, height } = full;
  const scale = SMALL / Math.max(width, height);
  const small = scale >= 1 ? full : await createImageBitmap(full, { resizeWidth: Math.round(width * scale), resizeHeight: Math.round(height * scale), resizeQuality: "medium" });
  return { full, small, width, height };
}

// --- drawing -------------------------------------------------------------------------------------

/** Draw the view: `x`, `y`, `scale` place the result's pixels on the surface, in device pixels. */
function paint() {
  if (!surface || !view) return;
  Object.assign(surface, { width: view.width, height: view.height });
  if (view.plan) return paintPlan(view.plan);
  const { before, after, frame } = shown;
  if (!after || view.mode === "before") return before && place(before, after ? frame : null, view);
  const area = { x: view.x, y: view.y, width: after.width * view.scale, height: after.height * view.scale };
  if (view.mode === "alpha") return place(derived("alpha"), null, view);
  if (view.mode === "changes" && before) return place(derived("changes"), null, view);
  paintGround(area);
  place(after, null, view);
  if (view.mode === "compare" && before) paintSplit(before, frame);
}

/** The photo on the canvas that it is to have, the new part hatched. */
function paintPlan({ canvas, frame }) {
  const { x, y, scale } = view;
  const area = { x, y, width: canvas.width * scale, height: canvas.height * scale };
  pen.save();
  clipTo(area);
  pen.fillStyle = view.dark ? "#26302e" : "#dfeae7";
  pen.fillRect(area.x, area.y, area.width, area.height);
  pen.strokeStyle = view.dark ? "#3b5a54" : "#a9c9c2";
  pen.lineWidth = view.ratio;
  const step = 9 * view.ratio;
  for (let at = -area.height; at < area.width; at += step) {
    pen.beginPath();
    pen.moveTo(area.x + at, area.y + area.height);
    pen.lineTo(area.x + at + area.height, area.y);
    pen.stroke();
  }
  pen.restore();
  if (shown.before) place(shown.before, frame, view);
}

function paintGround(area) {
  pen.save();
  clipTo(area);
  if (view.ground !== "check") pen.fillStyle = view.ground;
  else pen.fillStyle = pen.createPattern(checkerboard(view.ratio, view.dark), "repeat");
  pen.fillRect(area.x, area.y, area.width, area.height);
  pen.restore();
}

function checkerboard(ratio, dark) {
  const cell = Math.round(CELL * ratio);
  const canvas = new OffscreenCanvas(2 * cell, 2 * cell);
  const brush = context(canvas);
  brush.fillStyle = dark ? "#2b2a28" : "#ffffff";
  brush.fillRect(0, 0, 2 * cell, 2 * cell);
  brush.fillStyle = dark ? "#383633" : "#e6e3de";
  brush.fillRect(0, 0, cell, cell);
  brush.fillRect(cell, cell, cell, cell);
  return canvas;
}

function paintSplit(before, frame) {
  const area = { x: 0, y: 0, width: view.split, height: view.height };
  pen.save();
  clipTo(area);
  pen.clearRect(0, 0, view.split, view.height);
  place(before, frame, view);
  pen.restore();
  pen.fillStyle = "#ffffff";
  pen.shadowColor = "#0009";
  pen.shadowBlur = 4 * view.ratio;
  pen.fillRect(Math.round(view.split - view.ratio), 0, 2 * view.ratio, view.height);
  pen.shadowBlur = 0;
}

function clipTo({ x, y, width, height }) {
  pen.beginPath();
  pen.rect(x, y, width, height);
  pen.clip();
}

/** @param {Drawable} picture */
function place(picture, frame, { x, y, scale }) {
  const left = x + (frame?.left ?? 0) * scale;
  const top = y + (frame?.top ?? 0) * scale;
  const width = picture.width * scale;
  const height = picture.height * scale;
  const bitmap = width > picture.small.width * SLACK ? picture.full : picture.small;
  pen.imageSmoothingEnabled = scale <= 1;
  pen.imageSmoothingQuality = "medium";
  pen.drawImage(bitmap, left, top, width, height);
}

/** @param {"alpha" | "changes"} name @returns {Drawable} */
function derived(name) {
  const { before, after, frame } = shown;
  shown[name] ??= flat(name === "alpha" ? alphaView(after) : changeView(before, after, frame));
  return /** @type {Drawable} */ (shown[name]);
}

/** @param {{canvas: OffscreenCanvas, width: number, height: number}} made @returns {Drawable} */
function flat({ canvas, width, height }) {
  const bitmap = canvas.transferToImageBitmap();
  return { full: bitmap, small: bitmap, width, height };
}
