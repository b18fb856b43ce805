// Theme and language: the browser's own wish, or the reader's.

import { find, h } from "./dom.js";
import { LANGUAGES, language, remember, speak } from "./words.js";

const THEME = "studio-theme";

/** @param {() => void} relabel  after the language changed */
export function looks(relabel) {
  const theme = find("#theme");
  theme.value = localStorage.getItem(THEME) ?? "";
  theme.addEventListener("change", () => {
    localStorage.setItem(THEME, theme.value);
    document.documentElement.dataset.theme = theme.value;
    relabel();
  });
  document.documentElement.dataset.theme = theme.value;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", relabel);
  const choice = find("#language");
  for (const [code, name] of Object.entries(LANGUAGES)) choice.append(h("option", { value: code, lang: code }, name));
  choice.value = language;
  choice.addEventListener("change", async () => {
    await speak(choice.value);
    remember(choice.value);
    relabel();
  });
}
