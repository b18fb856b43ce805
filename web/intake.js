// How pictures come in: dropped, pasted, chosen, by address, or a sample.

import { Problem } from "./api.js";
import { find, h } from "./dom.js";
import { t } from "./words.js";

/**
 * @param {import("./facts.js").Facts} facts
 * @param {(files: File[]) => void} take
 * @param {(operation: string, file: File) => void} tryOut
 * @param {(text: string, failed?: boolean) => void} say
 */
export function intake(facts, take, tryOut, say) {
  const drop = find("#drop");
  const choose = find("#choose");
  find("#file").addEventListener("change", ({ target }) => {
    take([...target.files]);
    target.value = "";
  });
  choose.addEventListener("click", () => find("#file").click());
  for (const kind of ["dragover", "dragleave", "drop"]) document.addEventListener(kind, (event) => dropped(event, drop, take));
  document.addEventListener("paste", ({ clipboardData }) => {
    const files = [...(clipboardData?.files ?? [])];
    if (files.length) take(files);
  });
  find("#address").hidden = !facts.fetches;
  find(".trial").hidden = !facts.samples.length;
  find("#address").addEventListener("submit", async (event) => {
    event.preventDefault();
    const input = find("#url");
    const file = await fetched(input.value, say);
    if (file) take([file]);
    if (file) input.value = "";
  });
  find("#samples").append(...facts.samples.map((sample) => sampleButton(sample, tryOut)));
}

function dropped(event, drop, take) {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  drop.classList.toggle("over", event.type === "dragover");
  if (event.type === "drop") take([...event.dataTransfer.files]);
}

/** Have the studio get a picture from elsewhere: the page itself may not reach there. */
async function fetched(address, say) {
  const url = address.trim();
  if (!url) return null;
  say(t("url.fetching"));
  try {
    const reply = await fetch("/studio/fetch", { method: "POST", body: new URLSearchParams({ image_url: url }) });
    if (!reply.ok) throw new Problem(await reply.json());
    say("");
    const name = decodeURIComponent(new URL(url).pathname.split("/").pop() || "picture");
    return new File([await reply.blob()], name, { type: reply.headers.get("Content-Type") ?? "" });
  } catch (error) {
    say(error instanceof Problem ? error.message : t("url.failed"), true);
    return null;
  }
}

function sampleButton({ operation, address }, tryOut) {
  const name = address.split("/").pop() ?? "";
  const words = h("span", { "data-t": `operation.${operation}` }, t(`operation.${operation}`));
  const open = async () => {
    const blob = await (await fetch(address)).blob();
    tryOut(operation, new File([blob], name, { type: blob.type }));
  };
  return h("li", {}, h("button", { type: "button", class: "sample", onclick: open }, h("img", { src: address, alt: "", width: 96, height: 96, loading: "lazy" }), words));
}
