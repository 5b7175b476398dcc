// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The completions that a run kept, step by step.
 *
 * @module
 */
import { askSamples } from "./api.js";
import { byId, element, field, setText, shortNumber } from "./dom.js";
import { changed, runs, selectedRuns } from "./state.js";

/** @typedef {import("../../../lib/runs/read_runs.ts").RunSample} RunSample */
/** @typedef {import("../protocol.ts").SamplesReply} SamplesReply */

/** The columns: title, what they sort by, and the cell of a sample. */
const COLUMNS = /** @type {const} */ ([
  ["Step", "step"],
  ["Question", "question"],
  ["Prompt", ""],
  ["Completion", ""],
  ["Answer", ""],
  ["Reward", "reward"],
  ["Finish", "finishReason"],
  ["Tokens", "tokens"],
]);

/** Samples shown at first, and further ones at each request. */
const PAGE = 100;

const query = { sort: "step", descending: true, limit: PAGE };
let run = "";
let asked = "";
let lastStep = 0;

/** Makes the tools answer. */
export function startSamples() {
  const row = /** @type {HTMLElement} */ (byId("sample-table").querySelector("thead tr"));
  row.append(...COLUMNS.map(([title, sort]) => heading(title, sort)));
  byId("sample-run").addEventListener("input", () => {
    run = field("sample-run").value;
    again();
  });
  for (const id of ["sample-step", "sample-text", "outcome"]) {
    byId(id).addEventListener("input", again);
  }
  byId("step-back").addEventListener("click", () => walk(-1));
  byId("step-on").addEventListener("click", () => walk(1));
  byId("more").addEventListener("click", () => {
    query.limit += PAGE;
    changed();
  });
}

/** Shows the samples that the tools ask for. */
export async function drawSamples() {
  drawRuns();
  drawOrder();
  const fields = {
    run,
    step: field("sample-step").value,
    text: field("sample-text").value,
    outcome: field("outcome").value,
    sort: query.sort,
    descending: String(query.descending),
    limit: String(query.limit),
  };
  const now = JSON.stringify([fields, runs.get(run)?.written]);
  if (now === asked) return;
  asked = now;
  if (run === "") return show({ samples: [], fitting: 0, total: 0, lastStep: null, faults: [] });
  const reply = await askSamples(fields);
  if (now === asked) show(reply); // else another answer is on its way
}

function again() {
  query.limit = PAGE;
  changed();
}

/**
 * Goes to another step: from none to the last.
 *
 * @param {number} by
 */
function walk(by) {
  const step = field("sample-step");
  const next = step.value === "" ? lastStep : Number(step.value) + by;
  step.value = String(Math.min(lastStep, Math.max(0, next)));
  again();
}

/**
 * @param {string} title
 * @param {string} sort
 * @returns {HTMLElement}
 */
function heading(title, sort) {
  if (sort === "") return element("th", { scope: "col" }, title);
  const button = element("button", { type: "button" }, title);
  button.addEventListener("click", () => {
    query.descending = query.sort === sort ? !query.descending : sort !== "question";
    query.sort = sort;
    again();
  });
  return element("th", { scope: "col", "data-sort": sort }, button);
}

function drawOrder() {
  for (const head of byId("sample-table").querySelectorAll("th")) {
    const sorted = head.dataset["sort"] === query.sort;
    head.ariaSort = sorted ? (query.descending ? "descending" : "ascending") : null;
    const button = head.querySelector("button");
    const title = button?.textContent?.replace(/ [▾▴]$/, "") ?? "";
    if (button) setText(button, sorted ? `${title} ${query.descending ? "▾" : "▴"}` : title);
  }
}

/** The selected runs that kept samples; the one written last to begin with. */
function drawRuns() {
  const offered = selectedRuns().filter(({ sampled }) => sampled);
  const names = offered.map(({ name }) => name);
  if (!names.includes(run)) {
    const latest = offered.reduce((a, b) => b.written > a.written ? b : a, offered[0] ?? NO_RUN);
    run = latest.name;
  }
  const select = byId("sample-run");
  if (select.dataset["names"] !== names.join("\n")) {
    select.dataset["names"] = names.join("\n");
    select.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
  }
  field("sample-run").value = run;
}

const NO_RUN = { name: "", written: 0 };

/** @param {SamplesReply} reply */
function show({ samples, fitting, total, faults, ...reply }) {
  lastStep = reply.lastStep ?? 0;
  field("sample-step").max = String(lastStep);
  const none = "no selected run kept samples";
  setText(byId("sample-count"), run === "" ? none : `${fitting} of ${total} samples`);
  setText(byId("sample-fault"), faults.join("; "));
  byId("sample-fault").hidden = faults.length === 0;
  const body = /** @type {HTMLElement} */ (byId("sample-table").querySelector("tbody"));
  body.replaceChildren(...samples.map(rowOf));
  byId("more").hidden = fitting <= samples.length;
}

/**
 * @param {RunSample} sample
 * @returns {HTMLElement}
 */
function rowOf({ step, question, prompt, completion, answer, reward, parts, right, ...sample }) {
  const mark = right === null ? "" : right ? "✓ right" : "✗ wrong";
  const named = Object.entries(parts).map(([name, value]) => `${name} ${Number(value.toFixed(3))}`);
  const outcome = right === null ? "" : right ? "right" : "wrong";
  return element(
    "tr",
    {},
    element("td", { class: "number" }, String(step)),
    element("td", { class: "question" }, question),
    textCell(prompt),
    textCell(completion),
    textCell(answer),
    element(
      "td",
      { class: "reward" },
      element("span", { class: outcome }, `${shortNumber(reward, 2)} ${mark}`),
      element("span", { class: "parts" }, named.join(", ")),
    ),
    element("td", {}, sample.finishReason),
    element("td", { class: "number" }, sample.tokens === null ? "" : String(sample.tokens)),
  );
}

/**
 * @param {string} text
 * @returns {HTMLElement}
 */
function textCell(text) {
  return element("td", { class: "text" }, element("div", {}, text));
}
