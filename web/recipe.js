// A recipe: operations in their order, with their options; the same document as a bucket's recipe.json.

/**
 * @typedef {{id: number, operation: string, options: Record<string, any>}} Step
 * @typedef {{steps: Step[], engine: string, presets: string[], fresh?: boolean, backdrop: File | null}} Recipe
 */

const A_PICTURE = "a picture"; // background's value where it comes as a file beside the recipe
const MOVES_PIXELS = { expand: () => true, cutout: ({ crop, fill }) => (crop ?? "none") !== "none" || fill != null };
const FOR_ALL = ["engine", "dry_run", "fresh", "preset"];

let last = 0;

/** @param {string} operation @param {Record<string, any>} [options] @returns {Step} */
export const step = (operation, options = {}) => ({ id: ++last, operation, options });

/** @param {string} operation @param {Record<string, any>} [options] @returns {Recipe} */
export const recipeOf = (operation, options = {}) => ({ steps: [step(operation, options)], engine: "", presets: [], backdrop: null });

/**
 * Return the recipe as JSON tells it: of one operation its options, of several their list.
 * @param {Recipe} recipe
 */
export function toDocument({ steps, engine, presets, fresh }) {
  const listed = steps.map(({ operation, options }) => ({ operation, ...options }));
  const whole = { ...(engine && { engine }), ...(fresh && { fresh }), ...(presets.length && { preset: presets }) };
  return listed.length === 1 ? { ...listed[0], ...whole } : { steps: listed, ...whole };
}

/**
 * Read a document that somebody wrote.
 * @param {any} document
 * @param {string[]} operations  that this studio knows
 * @returns {Recipe | null}  null where it is no recipe
 */
export function fromDocument(document, operations) {
  if (!document || typeof document !== "object") return null;
  const listed = Array.isArray(document.steps) ? document.steps : [document];
  if (!listed.length || !listed.every((each) => operations.includes(each?.operation))) return null;
  const steps = listed.map(({ operation, ...options }) => {
    for (const name of FOR_ALL) delete options[name];
    return step(operation, options);
  });
  return { steps, engine: document.engine ?? "", presets: [document.preset ?? []].flat(), backdrop: null };
}

/**
 * Return the numbers of the steps that may use boxes drawn on the photo: a step that follows a move
 * of the pixels would find something else in them.
 * @param {Recipe} recipe
 */
export function stepsWithPhotosPixels({ steps }) {
  const mover = steps.findIndex(({ operation, options }) => MOVES_PIXELS[operation]?.(options));
  return new Set(steps.slice(0, mover < 0 ? steps.length : mover + 1).map((_, number) => number));
}

/**
 * Return the recipe with a picture's boxes in it.
 * @param {Recipe} recipe
 * @param {import("./queue.js").Box[]} boxes
 * @param {Record<string, any>} operations  name -> {schema}
 * @returns {Recipe}
 */
export function withBoxes(recipe, boxes, operations) {
  const usable = stepsWithPhotosPixels(recipe);
  const of = (use) => boxes.filter((box) => box.use === use).map(({ box }) => box);
  const given = { box: of("subject")[0], region: of("erase"), exclude: of("protect") };
  const steps = recipe.steps.map((each, number) => {
    if (!usable.has(number)) return each;
    const known = operations[each.operation]?.schema.properties ?? {};
    const fits = Object.entries(given).filter(([name, value]) => name in known && value?.length);
    return { ...each, options: { ...each.options, ...Object.fromEntries(fits) } };
  });
  return { ...recipe, steps };
}

/**
 * Return the request for a picture.
 * @param {Recipe} recipe  with its boxes
 * @param {{name: string, file: Blob | null}} item
 * @param {{dry?: boolean, key?: string}} [how]
 * @returns {import("./api.js").Request}
 */
export function requestFor(recipe, item, { dry = false, key } = {}) {
  const { operation, ...options } = /** @type {any} */ (toDocument(recipe));
  const fields = { recipe: JSON.stringify(options) };
  if (dry) fields.dry_run = "true";
  const files = { image: { blob: /** @type {Blob} */ (item.file), title: item.name } };
  if (needsBackdrop(recipe) && recipe.backdrop) files.background = { blob: recipe.backdrop, title: recipe.backdrop.name };
  const headers = { Accept: "application/json", ...(key && { "Idempotency-Key": key }) };
  return { path: `/v1/${operation ?? "pipeline"}`, fields, files, headers };
}

/** @param {Recipe} recipe */
export const needsBackdrop = ({ steps }) => steps.some(({ options }) => options.background === A_PICTURE);

/**
 * Return the request as a command for a shell.
 * @param {Recipe} recipe  with its boxes
 * @param {string} name  the picture's
 */
export function toCurl(recipe, name) {
  const { operation, ...options } = /** @type {any} */ (toDocument(recipe));
  const parts = ["curl", `-F ${quoted(`image=@${name}`)}`];
  if (needsBackdrop(recipe)) parts.push(`-F ${quoted(`background=@${recipe.backdrop?.name ?? "background.jpg"}`)}`);
  if (Object.keys(options).length) parts.push(`-F ${quoted(`recipe=${JSON.stringify(options)}`)}`);
  const picture = recipe.steps.some((each) => each.operation !== "detect");
  if (!picture) parts.push("-H 'Accept: application/json'");
  parts.push(`${location.origin}/v1/${operation ?? "pipeline"}`, `-o ${quoted(picture ? stem(name) + ".png" : stem(name) + ".json")}`);
  return parts.join(" ");
}

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** @param {string} name */
export const stem = (name) => name.replace(/\.\w+$/, "");
