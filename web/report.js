// What a result tells about itself, in plain words.

import { h } from "./dom.js";
import { title } from "./steps.js";
import { money, number, percent, seconds, t, told } from "./words.js";

// Scores that are shares of something whole; the others are plain numbers.
const SHARES = new Set(["alignment", "spill", "holes", "cut_off", "drift", "solidity", "texture", "subject", "backing", "agreement", "text_left", "reflected"]);

/**
 * Return the report of an item as elements.
 * @param {import("./queue.js").Item} item
 * @returns {HTMLElement[]}
 */
export function reportOf(item) {
  const report = item.report ?? item.problem?.report;
  const parts = [item.problem && problem(item.problem), item.report && verdict(item.report)];
  if (report) {
    const steps = report.steps?.length ? report.steps : [report];
    parts.push(facts(report, item), ...notes(report), ...steps.map((step) => details(step, steps.length > 1)));
  }
  return parts.filter(Boolean);
}

function verdict({ decision, engine }) {
  return h("p", { class: `verdict ${decision}` }, h("strong", {}, t(`decision.${decision}`)), " ", t(`decision.${decision}.why`, { engine: engineName(engine) }));
}

/** @param {string} engine */
export const engineName = (engine) => told(`engine.${engine}`, engine);

/** @param {any} problem */
function problem(problem) {
  const charge = problem.charged === "yes" || problem.charged === "maybe" ? t(`charged.${problem.charged}`) : "";
  const title = told(`problem.${problem.code}`, problem.title ?? t("problem.other"));
  return h("div", { class: "problem" }, h("strong", {}, title), h("p", {}, problem.detail, charge && ` ${charge}`), problem.type?.startsWith("/errors/") && h("a", { href: problem.type, target: "_blank", rel: "noopener" }, t("problem.more")), problem.request_id && h("small", {}, t("problem.id", { id: problem.request_id })));
}

function facts(report, item) {
  const { cost, fidelity, source, result } = report;
  const took = item.took ? item.took / 1000 : sum(Object.values(report.milliseconds)) / 1000;
  const rows = [
    [t("fact.size"), result ? `${result.width} × ${result.height}` : `${source.width} × ${source.height}`],
    [t("fact.engine"), [engineName(report.engine), report.models?.join(", ")].filter(Boolean).join(" · ")],
    [t("fact.cost"), cost.dollars ? money(cost.dollars) : t("fact.free")],
    cost.dollars_in_doubt > 0 && [t("fact.doubt"), money(cost.dollars_in_doubt)],
    cost.remembered > 0 && [t("fact.remembered"), number(cost.remembered)],
    [t("fact.time"), seconds(took)],
    fidelity && [t("fact.kept"), percent(fidelity.equal_share)],
  ];
  return h("dl", { class: "facts" }, ...rows.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

function notes({ warnings }) {
  return warnings?.length ? [h("ul", { class: "warnings" }, ...warnings.map((warning) => h("li", {}, warning)))] : [];
}

function details(step, several) {
  const scores = Object.entries(step.scores ?? {});
  const rungs = step.ladder ?? [];
  if (!scores.length && !rungs.length) return null;
  const name = several ? t("report.details.of", { step: title(step.operation) }) : t("report.details");
  const refused = rungs.some(({ accepted }) => !accepted);
  return h(
    "details",
    { class: "more", open: refused },
    h("summary", {}, name),
    rungs.length > 0 && h("ol", { class: "ladder" }, ...rungs.map(rung)),
    scores.length > 0 && h("dl", { class: "scores" }, ...scores.map(score)),
  );
}

function rung({ engine, key, accepted, reasons }) {
  const what = [engineName(engine), key && t("report.key", { key: told(`value.key.${key}`, key) })].filter(Boolean).join(", ");
  return h("li", { class: accepted ? "good" : "bad" }, h("strong", {}, t(accepted ? "report.accepted" : "report.refused")), ` ${what}`, reasons.length > 0 && h("p", {}, reasons.join(" ")));
}

function score([name, value]) {
  const shown = SHARES.has(name) ? percent(value) : number(value);
  return h("div", {}, h("dt", {}, told(`score.${name}`, name.replaceAll("_", " "))), h("dd", {}, shown));
}
