// The bars above and below the stage: which face, which view, on what ground, how large.

import { find, h } from "./dom.js";
import { t } from "./words.js";

const FORMATS = { PNG: "image/png", JPEG: "image/jpeg", WebP: "image/webp" }; // that browsers write
const STEP = 1.5;

/**
 * @param {import("./stage.js").Stage} stage
 * @param {import("./boxes.js").Boxes} boxes
 * @param {{find: () => void, save: (type: string) => void}} acts
 */
export function tools(stage, boxes, acts) {
  const root = find("#stage");
  const radios = (name, set) => {
    for (const input of root.querySelectorAll(`[name="${name}"]`)) input.addEventListener("change", () => set(input.value));
  };
  const redraw = (change) => {
    Object.assign(stage, change);
    stage.draw();
  };
  radios("face", (face) => {
    redraw({ face, zoom: "fit" });
    stage.dispatchEvent(new Event("face"));
  });
  radios("mode", (mode) => redraw({ mode }));
  const own = find("#own-ground");
  radios("ground", (ground) => redraw({ ground: ground === "own" ? own.value : ground }));
  own.addEventListener("input", () => {
    find('[name="ground"][value="own"]').checked = true;
    redraw({ ground: own.value });
  });
  find("#zoom-in").addEventListener("click", () => stage.zoomBy(STEP));
  find("#zoom-out").addEventListener("click", () => stage.zoomBy(1 / STEP));
  find("#zoom-fit").addEventListener("click", () => stage.setZoom("fit"));
  find("#zoom-whole").addEventListener("click", () => stage.setZoom(1));
  find("#find-boxes").addEventListener("click", acts.find);
  find("#add-box").addEventListener("click", () => boxes.add());
  find("#format").append(h("option", { value: "", "data-t": "save.as-made" }, t("save.as-made")));
  for (const [name, type] of Object.entries(FORMATS)) find("#format").append(h("option", { value: type }, name));
  find("#save").addEventListener("click", () => acts.save(find("#format").value));
}

/**
 * Show what fits the stage's face.
 * @param {import("./stage.js").Stage} stage
 * @param {boolean} hasResult
 */
tools.show = (stage, hasResult) => {
  const result = stage.face === "result" && hasResult;
  find(`[name="face"][value="${result ? "result" : "photo"}"]`).checked = true;
  find('[name="face"][value="result"]').disabled = !hasResult;
  find(".modes").hidden = find(".grounds").hidden = !result;
  find(".find").hidden = find("#box-list").hidden = result;
  find("#boxes").toggleAttribute("hidden", result);
};
