// Pictures made of pictures: how opaque a result is, and where it differs from its source.

const MOST = 24_000_000; // pixels looked at one by one; a larger picture is looked at smaller
const UNSEEN = 2; // of 255: rounding on the way through a browser's premultiplied canvas
const FADED = 0.28; // what is left of the photo's brightness under the marks

/**
 * Return alpha as grey.
 * @param {{full: ImageBitmap, width: number, height: number}} picture
 */
export function alphaView(picture) {
  const canvas = sheet(picture);
  const pixels = drawn(canvas, picture.full, 0, 0, canvas.width, canvas.height);
  const bytes = pixels.data;
  for (let at = 0; at < bytes.length; at += 4) {
    bytes[at] = bytes[at + 1] = bytes[at + 2] = bytes[at + 3];
    bytes[at + 3] = 255;
  }
  put(canvas, pixels);
  return { canvas, width: picture.width, height: picture.height };
}

/**
 * Return the photo, faded, with marks: magenta where colour differs, cyan where the edge is partly
 * transparent, nothing but the ground where the result is empty.
 * @param {{full: ImageBitmap, width: number, height: number}} before
 * @param {{full: ImageBitmap, width: number, height: number}} after
 * @param {{left: number, top: number} | null} frame  where the photo stands in the result
 */
export function changeView(before, after, frame) {
  const canvas = sheet(after);
  const scale = canvas.width / after.width;
  const [left, top] = [(frame?.left ?? 0) * scale, (frame?.top ?? 0) * scale];
  const old = drawn(canvas, before.full, left, top, before.width * scale, before.height * scale).data;
  const pixels = drawn(canvas, after.full, 0, 0, canvas.width, canvas.height);
  mark(old, pixels.data);
  put(canvas, pixels);
  return { canvas, width: after.width, height: after.height };
}

/** Write the marks over `now`. */
function mark(old, now) {
  for (let at = 0; at < now.length; at += 4) {
    const alpha = now[at + 3];
    const slack = alpha === 255 ? UNSEEN : UNSEEN + 255 / Math.max(alpha, 1);
    const apart = Math.max(Math.abs(now[at] - old[at]), Math.abs(now[at + 1] - old[at + 1]), Math.abs(now[at + 2] - old[at + 2]));
    const grey = FADED * (0.3 * now[at] + 0.59 * now[at + 1] + 0.11 * now[at + 2]);
    const differs = alpha > 0 && (apart > slack || old[at + 3] === 0);
    const partly = alpha > 0 && alpha < 255;
    now[at] = differs ? 235 : grey;
    now[at + 1] = partly && !differs ? 190 : differs ? 60 : grey;
    now[at + 2] = differs ? 160 : partly ? 200 : grey;
    now[at + 3] = alpha === 0 ? 0 : 255;
  }
}

function sheet({ width, height }) {
  const scale = Math.min(1, Math.sqrt(MOST / (width * height)));
  return new OffscreenCanvas(Math.round(width * scale), Math.round(height * scale));
}

const context = (canvas) => canvas.getContext("2d", { willReadFrequently: true });

function drawn(canvas, bitmap, x, y, width, height) {
  const pen = context(canvas);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, x, y, width, height);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

const put = (canvas, pixels) => context(canvas).putImageData(pixels, 0, 0);
