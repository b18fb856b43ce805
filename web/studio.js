// The studio page: sends a picture to an operation, and shows what came of it and of dropped files.

const WORDS = {
  cutout: ["Subject, if not the main one", "subject", ""],
  erase: ["Writing to keep, if any", "keep", ""],
  expand: ["Ratio of the canvas", "aspect", "16:9"],
  detect: ["What to find, if not everything", "query", ""],
};
const POLL = 2000; // milliseconds, while dropped files are being worked on

const find = (selector, within = document) => within.querySelector(selector);
const operation = () => find("[name=operation]:checked").value;

// --- the desk ------------------------------------------------------------------------------------

function askForWords() {
  const [label, , value] = WORDS[operation()];
  find("#ask").textContent = label;
  find("#words").value = value;
}

async function work(file) {
  const name = operation();
  const form = new FormData();
  form.append("image", file);
  const words = find("#words").value.trim();
  if (words) form.append(WORDS[name][1], words);
  say(`${file.name}: working …`);
  try {
    const reply = await fetch(`/v1/${name}`, { method: "POST", body: form, headers: { Accept: "application/json" } });
    const report = await reply.json();
    if (!reply.ok) throw new Error(report.detail);
    const card = makeCard(name, file.name, URL.createObjectURL(file));
    fill(card, report, report.image && pictureOf(report));
    find("#results").prepend(card);
    say(`${file.name}: ${report.decision}.`);
  } catch (error) {
    say(`${file.name}: ${error.message}`, true);
  }
}

function pictureOf({ image, content_type }) {
  const bytes = Uint8Array.from(atob(image), (character) => character.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: content_type }));
}

function say(text, failed = false) {
  const status = find("#status");
  status.textContent = text;
  status.classList.toggle("failed", failed);
}

// --- cards ---------------------------------------------------------------------------------------

function makeCard(name, title, before) {
  const card = find("#card").content.firstElementChild.cloneNode(true);
  find(".name", card).textContent = title;
  find(".decision", card).textContent = `${name}, working …`;
  show(find(".before", card), before, `${title} before`);
  return card;
}

function show(figure, address, description) {
  Object.assign(find("img", figure), { src: address, alt: description });
}

function fill(card, report, after) {
  const title = find(".name", card).textContent;
  const verdict = report.decision ?? "failed";
  card.classList.toggle("failed", !report.decision);
  find(".decision", card).textContent = [report.operation, verdict, report.engine].filter(Boolean).join(" · ");
  find(".note", card).textContent = report.detail ?? (report.warnings ?? []).join(" ");
  const facts = Object.entries(report.scores ?? {}).map(([name, value]) => [name.replaceAll("_", " "), +value.toFixed(3)]);
  if (report.cost?.dollars) facts.push(["cost", `$${report.cost.dollars.toFixed(4)}`]);
  find("dl", card).replaceChildren(...facts.map(fact));
  if (after) {
    show(find(".after", card), after, `${title} after ${report.operation}`);
    Object.assign(find(".save", card), { href: after, download: title.replace(/\.\w+$/, "") + ".png" });
  } else if (report.boxes?.length) {
    outline(card, report);
  }
}

function fact([name, value]) {
  const pair = document.createElement("div");
  pair.append(document.createElement("dt"), document.createElement("dd"));
  pair.firstChild.textContent = name;
  pair.lastChild.textContent = value;
  return pair;
}

function outline(card, { boxes, source }) {
  const after = find(".after", card);
  show(after, find(".before img", card).src, boxes.map(({ label }) => label).join(", "));
  find("figcaption", after).textContent = `${boxes.length} found`;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${source.width} ${source.height}`);
  for (const { pixels: [top, left, bottom, right], kind, label } of boxes) {
    const rect = document.createElementNS(svg.namespaceURI, "rect");
    const title = document.createElementNS(svg.namespaceURI, "title");
    title.textContent = label;
    rect.append(title);
    rect.classList.add(kind);
    for (const [key, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) rect.setAttribute(key, value);
    svg.append(rect);
  }
  after.append(svg);
}

// --- dropped files -------------------------------------------------------------------------------

const cards = new Map(); // before-address -> card; `done` once its report was shown

async function refresh() {
  const { results } = await (await fetch("/files/")).json();
  for (const result of results.reverse()) await place(result);
  const waiting = results.some((result) => !result.report);
  setTimeout(refresh, waiting ? POLL : 5 * POLL);
}

async function place({ operation: name, name: title, before, after, report }) {
  const known = cards.get(before);
  const card = known ?? makeCard(name, title, before);
  if (!known) find("#results").prepend(card);
  cards.set(before, card);
  if (!report || card.dataset.done === report) return;
  card.dataset.done = report;
  fill(card, await (await fetch(report)).json(), after);
}

// --- events --------------------------------------------------------------------------------------

const drop = find(".drop");
find("#origin").textContent = location.origin;
find("#desk").addEventListener("submit", (event) => event.preventDefault());
find(".choices").addEventListener("change", askForWords);
find("#file").addEventListener("change", ({ target }) => {
  if (target.files[0]) work(target.files[0]);
  target.value = "";
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files[0]) work(event.dataTransfer.files[0]);
  });
}
askForWords();
refresh();
