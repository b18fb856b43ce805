// Where a photo stands in its result: the maths of common/geometry.py, for a look before paying.

/** @typedef {{width: number, height: number}} Size */
/** @typedef {{left: number, top: number}} Place */

/**
 * Return the canvas that expand's options ask for and the photo's place on it; null for none.
 * @param {Size} source
 * @param {Record<string, any>} options
 * @returns {{canvas: Size, frame: Place} | null}
 */
export function planned(source, { aspect, size, margin, anchor = "center" }) {
  if (margin) return withMargins(source, String(margin));
  const canvas = size ? sizeOf(String(size)) : aspect ? canvasOfRatio(source, ratioOf(aspect)) : null;
  if (!canvas || canvas.width < source.width || canvas.height < source.height) return null;
  const top = start(canvas.height - source.height, anchor.includes("top"), anchor.includes("bottom"));
  const left = start(canvas.width - source.width, anchor.includes("left"), anchor.includes("right"));
  return { canvas, frame: { left, top } };
}

/** @param {number | string} aspect */
function ratioOf(aspect) {
  const [wide, high = "1"] = String(aspect).split(":");
  return Number(wide) / Number(high);
}

function sizeOf(text) {
  const match = text.match(/^\s*(\d{1,6})[xX×](\d{1,6})\s*$/);
  return match && { width: Number(match[1]), height: Number(match[2]) };
}

function canvasOfRatio(source, ratio) {
  if (!(ratio >= 1 / 50 && ratio <= 50)) return null;
  if (ratio >= source.width / source.height) return { width: Math.max(source.width, even(source.height * ratio)), height: source.height };
  return { width: source.width, height: Math.max(source.height, even(source.width / ratio)) };
}

/** Round as Python does: halves to the even neighbour. */
function even(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 ? low + 1 : low;
}

function start(free, atStart, atEnd) {
  if (atStart) return 0;
  return atEnd ? free : Math.floor(free / 2);
}

function withMargins(source, text) {
  const parts = text.split(",").map((part) => part.trim());
  const lengths = parts.length === 1 ? Array(4).fill(parts[0]) : parts;
  if (lengths.length !== 4 || !lengths.every((length) => /^(\d{1,6}|\d{1,4}(\.\d+)?%)$/.test(length))) return null;
  const [top, right, bottom, left] = lengths.map((length, side) => pixels(length, side % 2 ? source.width : source.height));
  return { canvas: { width: source.width + left + right, height: source.height + top + bottom }, frame: { left, top } };
}

const pixels = (length, side) => (length.endsWith("%") ? even((side * parseFloat(length)) / 100) : Number(length));

/**
 * Return where the source's first pixel lies in the result, by the report's plan; a pipeline's steps
 * add up.
 * @param {any} report
 * @returns {Place}
 */
export function placeIn(report) {
  const steps = report?.steps?.length ? report.steps : [report];
  return steps.reduce((sum, step) => shifted(sum, step?.plan), { left: 0, top: 0 });
}

function shifted({ left, top }, plan = {}) {
  if (plan?.frame_pixels) return { left: left + plan.frame_pixels[1], top: top + plan.frame_pixels[0] };
  if (plan?.frame) return { left: left - plan.frame[1], top: top - plan.frame[0] };
  return { left, top };
}
