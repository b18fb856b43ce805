// Results leave the page: one as a file of a chosen format, or all in one archive.

import { save } from "./dom.js";
import { loaded } from "./folder.js";
import { stem } from "./recipe.js";
import { say } from "./say.js";
import { t } from "./words.js";

const SUFFIXES = { "image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/avif": ".avif", "image/tiff": ".tif", "application/zip": ".zip" };
const WITHOUT_ALPHA = "image/jpeg";
const WHITE = "#ffffff"; // what a transparent result stands on where the file holds no alpha

/**
 * @param {import("./queue.js").Item} item
 * @param {string} type  empty for the file as the studio made it
 * @param {import("./easel.js").Easel} easel
 */
export async function download(item, type, easel) {
  await loaded(item);
  const picture = /** @type {Blob} */ (item.picture);
  if (!type || picture.type === type) return save(picture, named(item.name, picture));
  try {
    const { blob } = await easel.ask("convert", { blob: picture, type, ground: type === WITHOUT_ALPHA ? WHITE : null });
    save(blob, named(item.name, blob));
  } catch {
    say(t("save.not-converted"), { loud: true }); // a browser writes what it can draw
  }
}

/** @param {string} name @param {Blob} blob */
const named = (name, blob) => stem(name) + (SUFFIXES[blob.type] ?? "");

/** @param {import("./queue.js").Item[]} items */
export async function zipAll(items) {
  say(t("zip.making"), { seen: true });
  await Promise.all(items.map(loaded));
  const made = items.filter(({ picture }) => picture);
  const files = made.flatMap(({ name, picture, report }) => [
    { name: named(name, picture), blob: picture },
    { name: `${stem(name)}.json`, blob: new Blob([JSON.stringify(report, null, 2)], { type: "application/json" }) },
  ]);
  const packer = new Worker(new URL("packer.js", import.meta.url), { type: "module" });
  packer.onmessage = ({ data }) => {
    packer.terminate();
    save(data, "studio.zip");
  };
  packer.postMessage(files);
}
