// The studio page: what it is made of, and how the parts hear of each other.

import { send } from "./api.js";
import { Boxes, boxesOf } from "./boxes.js";
import { Cards } from "./cards.js";
import { Checks } from "./checks.js";
import { Desk } from "./desk.js";
import { find } from "./dom.js";
import { Easel } from "./easel.js";
import { learn } from "./facts.js";
import { loaded, watch } from "./folder.js";
import { intake } from "./intake.js";
import { planned } from "./placement.js";
import { Queue } from "./queue.js";
import { recipeOf, requestFor, toDocument, withBoxes } from "./recipe.js";
import { reportOf } from "./report.js";
import { download } from "./results.js";
import { say, tellTally } from "./say.js";
import { Share } from "./share.js";
import { forget, keep, kept } from "./shelf.js";
import { Stage } from "./stage.js";
import { Steps } from "./steps.js";
import { looks } from "./looks.js";
import { tools } from "./tools.js";
import { preferred, speak, t } from "./words.js";

const THUMB = 112; // pixels of the longer side
const DEFAULT = "cutout";

await speak(preferred());
const facts = await learn();
if (facts) await begin();
else say(t("no-studio"), { loud: true });

async function begin() {
  const { operations } = facts;
  let recipe = recipeOf(DEFAULT);
  let ready = false;
  /** @type {import("./queue.js").Item | null} */
  let chosen = null;

  const thumbs = new Easel();
  const queue = new Queue(work);
  const stage = new Stage(find("#stage"));
  const boxes = new Boxes(find("#boxes"), find("#box-list"), stage, recipeChanged);
  const cards = new Cards(find("#cards"), {
    select,
    run: (item) => queue.run([item]),
    cancel: (item) => queue.cancel(item),
    remove: (item) => queue.remove(item),
    download: (item) => download(item, "", thumbs),
  });
  const steps = new Steps(find("#steps"), find("#adders"), operations, recipe, recipeChanged);
  const desk = new Desk(facts, queue, () => ({ recipe, chosen }), work);
  const share = new Share(Object.keys(operations), () => ({ recipe: bound(chosen), name: chosen?.name ?? "photo.jpg" }), adopt);

  const checks = new Checks(facts.presets, () => ({ recipe, chosen, bound: bound(chosen) }), () => share.render());

  queue.addEventListener("change", ({ detail }) => itemChanged(detail));
  queue.addEventListener("gone", ({ detail }) => itemGone(detail));
  stage.addEventListener("face", () => showTools());
  looks(relabel);
  tools(stage, boxes, { find: findBoxes, save: (type) => chosen && download(chosen, type, thumbs) });
  intake(facts, (files) => take(files), tryOut, (text, failed) => note(text, failed));
  adopt(recipe);
  await restore();
  ready = true;
  watch(queue);
  addEventListener("beforeunload", (event) => queue.in("waiting", "working").some(({ addresses }) => !addresses) && event.preventDefault());

  // --- pictures ------------------------------------------------------------------------------------

  /** @param {File[]} files */
  function take(files) {
    const added = files.map((file) => queue.add({ name: file.name, file, ...tooLarge(file) }));
    if (!added.length) return;
    say(t("said.added", { count: added.length }));
    select(added[0]);
    if (desk.auto) queue.run(added.filter(({ state }) => state === "ready"));
  }

  function tooLarge(file) {
    if (file.size <= facts.max_bytes) return {};
    return { state: "failed", problem: { code: "picture-too-large", detail: t("too-large", { limit: Math.round(facts.max_bytes / 1e6) }) } };
  }

  /** A sample comes with the operation that it is a sample of. */
  function tryOut(operation, file) {
    const settled = recipe.steps.length > 1 || Object.keys(recipe.steps[0].options).length > 0;
    if (!settled || !queue.items.length || recipe.steps[0].operation !== operation) adopt(recipeOf(operation, operation === "expand" ? { aspect: "1:1" } : {}));
    take([file]);
  }

  /** @param {import("./queue.js").Item | null} item */
  async function select(item) {
    chosen = item;
    cards.choose(item?.id ?? "");
    find("#desk").classList.toggle("empty", !queue.items.length);
    find("#stage").hidden = !item;
    if (item) await loaded(item);
    if (chosen === item) await refresh();
  }

  /** Show the chosen item anew: its picture, its boxes, its report. */
  async function refresh() {
    stage.plan = planOf(chosen);
    await stage.show(chosen);
    boxes.render();
    find("#report").replaceChildren(...(chosen ? reportOf(chosen) : []));
    find("#download").hidden = !chosen?.picture;
    showTools();
    desk.render();
    share.render();
    checks.render();
  }

  function showTools() {
    tools.show(stage, Boolean(chosen?.picture));
    boxes.render();
  }

  /** The canvas that the recipe's expand asks for, where it works on the photo itself. */
  function planOf(item) {
    const size = item?.size;
    const first = recipe.steps.find(({ operation }) => operation === "expand");
    return size && first ? planned(size, first.options) : null;
  }

  async function thumbnail(item) {
    try {
      const { size, thumb } = await thumbs.ask("thumb", { blob: item.file, side: THUMB });
      queue.update(item, { size, thumb });
      if (item === chosen) await refresh();
      if (item.state === "done") await keep(item);
    } catch {
      queue.update(item, { thumb: null }); // a format that this browser cannot draw; the studio may
    }
  }

  // --- work ----------------------------------------------------------------------------------------

  /** @param {import("./queue.js").Item | null} item */
  function bound(item) {
    return withBoxes(recipe, item?.boxes ?? [], operations);
  }

  /** Run the recipe as it is now on an item; `dry` only asks for its price. */
  async function work(item, signal, { dry = false } = {}) {
    await loaded(item);
    const own = bound(item);
    const { report, picture } = await send(requestFor({ ...own, presets: [] }, item, { dry, key: item.key }), signal);
    if (dry) return { report };
    const found = own.steps.some(({ operation }) => operation === "detect") ? { boxes: boxesOf(report) } : {};
    return { report, picture, recipe: toDocument(own), addresses: undefined, problem: null, ...found };
  }

  async function findBoxes() {
    const item = chosen;
    if (!item?.file) return;
    say(t("boxes.finding"));
    try {
      const { report } = await send(requestFor(recipeOf("detect"), item));
      item.boxes = boxesOf(report);
      say(t("said.found", { count: item.boxes.length }), { seen: true });
    } catch (error) {
      say(error.message, { loud: true });
    }
    if (item === chosen) recipeChanged();
    boxes.render();
  }

  function itemChanged(item) {
    cards.update(item);
    if (!chosen && ready) select(item);
    if (item.thumb === undefined && item.file) {
      item.thumb = null;
      thumbnail(item);
    }
    if (item.state === "done" && ready && !item.addresses) keep(item).catch(() => say(t("not-kept"), { loud: true }));
    if (item === chosen && ["done", "failed", "cancelled"].includes(item.state)) select(item); // with what it has now
    tellTally(queue);
    desk.render();
  }

  function itemGone(item) {
    cards.remove(item);
    forget(item.id).catch(() => {}); // it was never kept, or the browser keeps nothing
    if (item === chosen) select(queue.items.at(-1) ?? null);
    tellTally(queue);
    desk.render();
  }

  async function restore() {
    const records = await kept().catch(() => []);
    for (const record of records) queue.add({ ...record, state: "done" });
    if (records.length) await select(queue.items.at(-1) ?? null);
  }

  // --- the recipe ----------------------------------------------------------------------------------

  function adopt(wanted) {
    recipe = wanted;
    steps.replace(recipe);
    checks.renderChoice();
    checks.render();
  }

  function recipeChanged() {
    stage.plan = planOf(chosen);
    stage.draw();
    desk.recipeChanged();
    share.render();
  }

  function relabel() {
    steps.render();
    checks.renderChoice();
    for (const item of queue.items) cards.update(item);
    refresh();
    tellTally(queue);
  }

  function note(text, failed = false) {
    const place = find("#intake-note");
    place.textContent = text;
    place.classList.toggle("bad", failed);
  }
}
