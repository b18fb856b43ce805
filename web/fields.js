// A control for an option, chosen by the option's own JSON schema.

import { h } from "./dom.js";
import { t, told } from "./words.js";

const GIVEN_ELSEWHERE = new Set(["operation", "engine", "dry_run", "fresh", "box", "region", "exclude", "mask"]);
const FEW = 4; // choices that are shown side by side
const RATIOS = ["1:1", "4:5", "3:4", "16:9", "9:16", "3:1"];
const ANCHORS = ["top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"];
const WORDS = { query: "example.query", subject: "example.subject", keep: "example.keep", size: "1920x1080", margin: "8%", remove: "example.remove" };

/**
 * @typedef {{name: string, schema: any, value: any, change: (value: any) => void, id: string, recipe: import("./recipe.js").Recipe}} Field
 *   `change(undefined)` takes the option back to its default
 */

/**
 * Return the options of an operation that a person fills in, with their schemas made plain.
 * @param {any} schema  of the operation's options
 * @returns {[string, any][]}
 */
export function optionsOf(schema) {
  return Object.entries(schema.properties)
    .filter(([name]) => !GIVEN_ELSEWHERE.has(name))
    .map(([name, own]) => [name, plain(own, schema.$defs ?? {})]);
}

/** Follow a reference, and leave out the null of what may be missing. */
function plain(own, definitions) {
  const { anyOf, ...rest } = own;
  const kinds = (anyOf ?? [rest]).filter(({ type }) => type !== "null");
  const kind = kinds[0] ?? rest;
  const found = kind.$ref ? definitions[kind.$ref.split("/").pop()] : kind;
  return { ...found, ...rest, description: own.description ?? found.description };
}

/** @param {Field} field */
export function control(field) {
  const make = SPECIAL[field.name] ?? byKind(field.schema);
  return make(field);
}

function byKind(schema) {
  if (schema.enum) return schema.enum.length <= FEW ? chips : choice;
  if (schema.type === "boolean") return tick;
  if (schema.type === "number" || schema.type === "integer") return amount;
  return schema.type === "array" ? lines : words;
}

const label = (name) => told(`option.${name}`, name.replaceAll("_", " "));
const value = (name, choice) => told(`value.${name}.${choice}`, told(`value.${choice}`, choice));
const help = ({ name, schema }) => told(`help.${name}`, schema.description ?? "");

/** A labelled control with its explanation below. */
function row(field, input, ...more) {
  const text = help(field);
  const note = text && h("small", { id: `${field.id}-note` }, text);
  if (note) input.setAttribute("aria-describedby", note.id);
  input.id = field.id;
  input.dataset.key = field.id;
  return h("div", { class: "field" }, h("label", { for: field.id }, label(field.name)), input, ...more, note);
}

/** A group of radio buttons under one legend. */
function radios(field, style, choices, current, write = (choice) => value(field.name, choice)) {
  const pick = (choice) => field.change(choice === field.schema.default ? undefined : choice);
  const buttons = choices.map((choice) =>
    h("label", {}, h("input", { type: "radio", name: field.id, value: choice, checked: choice === current, "data-key": `${field.id}-${choice}`, onchange: () => pick(choice) }), h("span", {}, write(choice))),
  );
  return h("fieldset", { class: `field ${style}` }, h("legend", {}, label(field.name)), h("div", { class: style === "anchor" ? "grid" : "row" }, ...buttons));
}

const chips = (field) => radios(field, "chips", field.schema.enum, field.value ?? field.schema.default);

function choice(field) {
  const select = h("select", { onchange: () => field.change(select.value === (field.schema.default ?? "") ? undefined : select.value) });
  if (field.schema.default == null) select.append(h("option", { value: "" }, told("value.auto", "auto")));
  for (const each of field.schema.enum) select.append(h("option", { value: each }, value(field.name, each)));
  select.value = field.value ?? field.schema.default ?? "";
  return row(field, select);
}

function tick(field) {
  const input = h("input", { type: "checkbox", checked: field.value ?? field.schema.default, "data-key": field.id, id: field.id });
  input.addEventListener("change", () => field.change(input.checked === field.schema.default ? undefined : input.checked));
  return h("div", { class: "field" }, h("label", { class: "tick" }, input, h("span", {}, label(field.name))), h("small", {}, help(field)));
}

function amount(field) {
  const { minimum, maximum, ge, le, type } = field.schema;
  const input = h("input", { type: "number", min: minimum ?? ge ?? "", max: maximum ?? le ?? "", step: type === "integer" ? 1 : "any", value: field.value ?? "" });
  input.addEventListener("change", () => field.change(input.value === "" ? undefined : Number(input.value)));
  return row(field, input);
}

function words(field) {
  const input = h("input", { type: "text", value: field.value ?? "", maxlength: field.schema.maxLength ?? 200, autocomplete: "off", placeholder: example(field.name) });
  input.addEventListener("change", () => field.change(input.value.trim() || undefined));
  return row(field, input);
}

/** One entry a line. */
function lines(field) {
  const input = h("textarea", { rows: 2, placeholder: example(field.name), value: (field.value ?? []).join("\n") });
  input.addEventListener("change", () => {
    const entries = input.value.split("\n").map((line) => line.trim()).filter(Boolean);
    field.change(entries.length ? entries : undefined);
  });
  return row(field, input);
}

const example = (name) => (name in WORDS ? told(WORDS[name], WORDS[name]) : "");

// --- options with a control of their own ---------------------------------------------------------

const SPECIAL = { anchor, aspect, background, size: words, margin: words };

function anchor(field) {
  return radios(field, "anchor", ANCHORS, field.value ?? field.schema.default);
}

function aspect(field) {
  const own = field.value != null && !RATIOS.includes(field.value) ? String(field.value) : "";
  const input = h("input", { type: "text", value: own, size: 6, placeholder: "21:9", "aria-label": t("aspect.own"), "data-key": `${field.id}-own` });
  input.addEventListener("change", () => field.change(input.value.trim() || undefined));
  const group = radios(field, "chips", RATIOS, field.value, (ratio) => ratio);
  group.lastElementChild.append(input);
  return group;
}

function background(field) {
  const current = field.value ?? "transparent";
  const colour = /^#[0-9a-f]{6}$/i.test(current) ? current : "#ffffff";
  const kind = current.startsWith("#") ? "colour" : current;
  const picker = h("input", { type: "color", value: colour, "aria-label": t("background.colour"), "data-key": `${field.id}-colour` });
  picker.addEventListener("change", () => field.change(picker.value));
  const file = h("input", { type: "file", accept: "image/*", "aria-label": t("background.file"), "data-key": `${field.id}-file` });
  file.addEventListener("change", () => {
    field.recipe.backdrop = file.files[0] ?? null;
    field.change("a picture");
  });
  const pick = (choice) => (choice === "colour" ? colour : choice);
  const chosen = { ...field, change: (choice) => field.change(choice && pick(choice)) };
  const group = radios(chosen, "chips", ["transparent", "colour", "blur", "a picture"], kind);
  if (kind === "colour") group.append(picker);
  if (kind === "a picture") group.append(file, h("small", {}, field.recipe.backdrop?.name ?? t("background.none")));
  return group;
}
