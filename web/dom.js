// Elements, made and found.

/**
 * Find one element.
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {any}
 */
export const find = (selector, within = document) => within.querySelector(selector);

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "textContent", "open", "max", "min", "step"]);

/**
 * Make an element; `on…` members listen, the rest are attributes.
 * @param {string} tag
 * @param {Record<string, any>} [members]
 * @param {...(Node | string | null | false | undefined)} children
 * @returns {any}
 */
export function h(tag, members = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(members)) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

/**
 * Make an icon; its meaning is told by the button's own words.
 * @param {string} name
 */
export function icon(name) {
  const svg = vector("svg", { class: "icon", "aria-hidden": "true", viewBox: "0 0 16 16" });
  svg.append(vector("use", { href: `#i-${name}` }));
  return svg;
}

/**
 * Make an SVG element.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 */
export function vector(tag, attributes = {}) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/**
 * Replace what `place` holds, and give the keyboard back to the element with the same `data-key`.
 * @param {HTMLElement} place
 * @param {...Node} children
 */
export function refill(place, ...children) {
  const held = /** @type {HTMLElement | null} */ (place.contains(document.activeElement) ? document.activeElement : null);
  place.replaceChildren(...children);
  if (held?.dataset.key) find(`[data-key="${CSS.escape(held.dataset.key)}"]`, place)?.focus();
}

/**
 * Hand a file to the person.
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the download reads it meanwhile
}
