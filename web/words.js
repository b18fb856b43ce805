// The page's words in the reader's language, and numbers the way that language writes them.

export const LANGUAGES = { en: "English", ko: "한국어" };
const KEPT = "studio-language";

/** @type {Record<string, string>} */
let words = {};
export let language = "en";

/** Return the language that was chosen here before, or the browser's first that we speak. */
export function preferred() {
  const wishes = [localStorage.getItem(KEPT) ?? "", ...navigator.languages].map((wish) => wish.slice(0, 2));
  return wishes.find((wish) => wish in LANGUAGES) ?? "en";
}

/** @param {string} wanted */
export async function speak(wanted) {
  words = (await import(`./strings/${wanted}.js`)).default;
  language = wanted;
  document.documentElement.lang = wanted;
  translate(document);
}

/** @param {string} wanted */
export const remember = (wanted) => localStorage.setItem(KEPT, wanted);

/**
 * Return a text; `{name}` in it is replaced.  A text of "one|many" goes by `count`.
 * @param {string} key
 * @param {Record<string, any>} [values]
 */
export function t(key, values = {}) {
  const forms = (words[key] ?? key).split("|");
  const text = forms[values.count === 1 ? 0 : forms.length - 1];
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * Return a text, or `instead` where the language has none.
 * @param {string} key
 * @param {string} instead
 */
export const told = (key, instead) => words[key] ?? instead;

/**
 * Fill every element that names its text.
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
  for (const element of root.querySelectorAll("[data-hint]")) element.setAttribute("placeholder", t(element.dataset.hint));
}

const written = (value, form) => new Intl.NumberFormat(language, form).format(value);

/** @param {number} share */
export const percent = (share) => written(share, { style: "percent", maximumFractionDigits: share > 0.99 && share < 1 ? 2 : 1 });
/** @param {number} dollars */
export const money = (dollars) =>
  written(dollars, { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", maximumFractionDigits: dollars && dollars < 1 ? 4 : 2 });
/** @param {number} value @param {number} [digits] */
export const number = (value, digits = 2) => written(value, { maximumFractionDigits: digits });
/** @param {number} seconds */
export const seconds = (seconds) => `${written(seconds, { maximumFractionDigits: 1, minimumFractionDigits: 1 })} s`;
/** @param {number} bytes */
export const bytes = (bytes) => (bytes < 1e6 ? `${number(bytes / 1e3, 0)} kB` : `${number(bytes / 1e6, 1)} MB`);
