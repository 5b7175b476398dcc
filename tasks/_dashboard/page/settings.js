// @ts-check
/// <reference lib="dom" />
/**
 * The settings in which the selected runs differ, and those they share.
 *
 * @module
 */
import { askDifference } from "./api.js";
import { byId, element, field, setText, swatch } from "./dom.js";
import { changed, groups, known, selectedRuns } from "./state.js";

/** @typedef {import("../protocol.ts").RunRow} RunRow */
/** @typedef {import("../protocol.ts").DifferenceReply} DifferenceReply */
/** @typedef {{ title: string, line?: { colour: string, dash: string }, runs: number[] }} Column */

/** So many runs have a column each, unless told. */
const FEW = 8;

/** @type {boolean | undefined} Unless the reader said so. */
let byRun;
let asked = "";

/** Makes the tools answer. */
export function startSettings() {
  byId("by-run").addEventListener("input", () => {
    byRun = field("by-run").checked;
    changed();
  });
}

/** Shows the settings of the selected runs. */
export async function drawSettings() {
  const runs = selectedRuns();
  const each = byRun ?? runs.length <= FEW;
  field("by-run").checked = each;
  const now = JSON.stringify([known.revision, each, runs.map(({ name }) => name)]);
  if (now === asked) return;
  asked = now;
  const reply = await askDifference(runs.map(({ name }) => name));
  if (now !== asked) return; // another answer is on its way
  const compared = runs.filter(({ name }) => reply.runs.includes(name));
  show(reply, runs.length, each ? columnsByRun(compared) : columnsByGroup(compared));
}

/**
 * @param {readonly RunRow[]} runs
 * @returns {Column[]}
 */
function columnsByRun(runs) {
  return runs.map(({ name, group }, i) => ({ title: name, line: groups.get(group), runs: [i] }));
}

/**
 * @param {readonly RunRow[]} runs
 * @returns {Column[]}
 */
function columnsByGroup(runs) {
  return [...groups.values()].map((group) => ({
    title: group.title,
    line: group,
    runs: runs.flatMap((run, i) => run.group === group.id ? [i] : []),
  })).filter(({ runs }) => runs.length > 0)
    .map((column) => ({ ...column, title: `${column.title} (n = ${column.runs.length})` }));
}

/**
 * @param {DifferenceReply} reply
 * @param {number} selected
 * @param {readonly Column[]} columns
 */
function show({ runs, differ, shared }, selected, columns) {
  const unknown = selected - runs.length;
  setText(
    byId("settings-count"),
    `${runs.length} runs differ in ${differ.length} settings and share ${shared.length}` +
      (unknown > 0 ? `; those of ${unknown} could not be read` : ""),
  );
  const heads = columns.map(({ title, line }) =>
    element("th", { scope: "col" }, ...line ? [swatch(line)] : [], title)
  );
  byId("differ").replaceChildren(
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Setting"), ...heads)),
    element(
      "tbody",
      {},
      ...differ.map(({ setting, values }) => {
        const cells = columns.map((column) => cellOf(column.runs.map((i) => values[i] ?? null)));
        return element("tr", {}, element("th", { scope: "row" }, setting), ...cells);
      }),
    ),
  );
  byId("shared").replaceChildren(
    ...shared.map(({ setting, value }) =>
      element("tr", {}, element("th", { scope: "row" }, setting), element("td", {}, value))
    ),
  );
}

/**
 * The values of the runs of a column, each once.
 *
 * @param {(string | null)[]} values
 * @returns {HTMLElement}
 */
function cellOf(values) {
  const different = [...new Set(values)].map((value) => value ?? "–");
  const none = values.every((value) => value === null);
  return element("td", { class: none ? "none" : "" }, different.join(", "));
}
