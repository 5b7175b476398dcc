// @ts-check
/// <reference lib="dom" />
/**
 * What the page knows and what the reader chose. The choices are kept in the address, so that a
 * reload or a bookmark shows the same.
 *
 * @module
 */
import { askRuns, askSeries } from "./api.js";

/** @typedef {import("../protocol.ts").RunRow} RunRow */
/** @typedef {import("../protocol.ts").RunGroup} RunGroup */
/** @typedef {import("../protocol.ts").MetricRow} MetricRow */
/** @typedef {import("../protocol.ts").SeriesPart} SeriesPart */
/** @typedef {(number | null)[]} Column */
/**
 * What is here of a run's metrics.
 *
 * @typedef {object} Series
 * @property {number} generation
 * @property {string} seen The run's row when they were read.
 * @property {Map<string, Column>} columns
 */

/** Choices to begin with; each is a text, a switch or a list. */
const DEFAULTS = {
  view: "curves",
  metrics: ["accuracy", "reward/mean", "completion/tokens", "completion/entropy"],
  x: "step",
  window: "1",
  draw: "groups",
  band: "range",
  colour: "method",
  seeds: true,
  events: true,
  logX: false,
  logY: false,
};

/** @typedef {typeof DEFAULTS} Choices */

/** Above so many runs, groups are folded and seeds not drawn unless asked for. */
export const MANY = 60;

/** @type {Choices} */
export const choices = { ...DEFAULTS };

/** @type {Map<string, RunRow>} */
export const runs = new Map();
/** @type {Map<string, RunGroup>} */
export const groups = new Map();
/** @type {Set<string>} Names of runs. */
export const selected = new Set();
/** @type {Map<string, Series>} */
export const series = new Map();

export const known = {
  revision: NaN,
  folder: "",
  /** Another number whenever metrics came. */
  loaded: 0,
  /** @type {readonly MetricRow[]} */
  metrics: [],
  /** @type {readonly string[]} */
  colours: [],
};

/** @type {Set<() => void>} */
const listeners = new Set();
let waiting = false;

/**
 * Calls a function after every change, at most once a frame.
 *
 * @param {() => void} listener
 */
export function subscribe(listener) {
  listeners.add(listener);
}

/** Tells that something changed. */
export function changed() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    for (const listener of listeners) listener();
  });
}

/**
 * Changes choices, keeps them, and tells.
 *
 * @param {Partial<Choices>} some
 */
export function choose(some) {
  Object.assign(choices, some);
  keep();
  changed();
}

/**
 * Selects runs or takes them out.
 *
 * @param {Iterable<string>} names
 * @param {boolean} on
 */
export function select(names, on) {
  for (const name of names) on ? selected.add(name) : selected.delete(name);
  keep();
  changed();
}

/** The selected runs, in the order of the list. */
export function selectedRuns() {
  return [...runs.values()].filter(({ name }) => selected.has(name));
}

/** Writes what differs from the defaults into the address. */
function keep() {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(choices)) {
    const standard = DEFAULTS[/** @type {keyof Choices} */ (name)];
    if (String(value) !== String(standard)) fields.set(name, String(value));
  }
  if (selected.size < runs.size) fields.set("runs", JSON.stringify([...selected]));
  history.replaceState(null, "", `#${fields}`);
}

/** @type {string[] | undefined} Selected by the address, until the first list has come. */
let wanted;

/** Reads the choices from the address; what it does not know stays as it was. */
export function recall() {
  const fields = new URLSearchParams(location.hash.slice(1));
  /** @type {Record<string, unknown>} */
  const found = {};
  for (const [name, standard] of Object.entries(DEFAULTS)) {
    const text = fields.get(name);
    if (text === null) continue;
    if (typeof standard === "boolean") found[name] = text === "true";
    else found[name] = Array.isArray(standard) ? text.split(",").filter(Boolean) : text;
  }
  Object.assign(choices, found);
  try {
    const names = JSON.parse(fields.get("runs") ?? "null");
    if (Array.isArray(names)) wanted = names.map(String);
  } catch {
    // An address that somebody cut: every run is selected.
  }
}

/** Asks what became of the runs since the last time. */
export async function refreshRuns() {
  const reply = await askRuns(known.revision);
  if (reply.revision === known.revision) return;
  known.revision = reply.revision;
  const before = new Map(runs);
  if (reply.all) runs.clear();
  for (const run of reply.runs) runs.set(run.name, run);
  for (const name of reply.gone) runs.delete(name);
  sortRuns();
  known.folder = reply.folder;
  known.metrics = reply.metrics ?? known.metrics;
  known.colours = reply.colours ?? known.colours;
  if (reply.groups) {
    groups.clear();
    for (const group of reply.groups) groups.set(group.id, group);
  }
  selectNew(before);
  for (const name of [...selected, ...series.keys()]) {
    if (runs.has(name)) continue;
    selected.delete(name);
    series.delete(name);
  }
  changed();
}

/** Orders names as people do, with run-2 before run-10. */
const collator = new Intl.Collator(undefined, { numeric: true });

function sortRuns() {
  const sorted = [...runs].sort(([a], [b]) => collator.compare(a, b));
  runs.clear();
  for (const [name, run] of sorted) runs.set(name, run);
}

/**
 * Selects the runs of the first list, or those of the address; later a new run, when all of its
 * group, or of all groups, were selected.
 *
 * @param {Map<string, RunRow>} before
 */
function selectNew(before) {
  const first = before.size === 0;
  const all = [...before.keys()].every((name) => selected.has(name));
  for (const { name, group } of runs.values()) {
    if (before.has(name)) continue;
    const siblings = [...before.values()].filter((run) => run.group === group);
    const follows = siblings.length > 0 && siblings.every((run) => selected.has(run.name));
    if (first ? wanted?.includes(name) ?? true : all || follows) selected.add(name);
  }
  if (!first || runs.size === 0) return;
  wanted = undefined;
  // The thin lines of so many are a blur, and take longer than all the rest.
  if (runs.size > MANY && !new URLSearchParams(location.hash.slice(1)).has("seeds")) {
    choices.seeds = false;
  }
}

/**
 * Reads what is not here yet of the metrics of runs.
 *
 * @param {readonly RunRow[]} rows
 * @param {readonly string[]} columns
 * @returns {Promise<boolean>} Whether there was anything.
 */
export async function refreshSeries(rows, columns) {
  const lacking = rows.map((row) => ({ row, known: knownLength(row, columns) }))
    .filter(({ known }) => known !== undefined);
  if (lacking.length === 0) return false;
  const reply = await askSeries({
    columns,
    runs: lacking.map(({ row: { name }, known = 0 }) => ({
      name,
      generation: series.get(name)?.generation ?? 0,
      known,
    })),
  });
  const seen = new Map(lacking.map(({ row }) => [row.name, stampOf(row)]));
  for (const part of reply.runs) add(part, columns, seen.get(part.name) ?? "");
  return reply.runs.length > 0; // none when all of them were removed meanwhile
}

/**
 * Records that are here in each of the columns; undefined when these are all there are.
 *
 * @param {RunRow} row
 * @param {readonly string[]} columns
 * @returns {number | undefined}
 */
function knownLength(row, columns) {
  const here = series.get(row.name);
  const lengths = columns.map((column) => here?.columns.get(column)?.length ?? -1);
  const shortest = Math.min(...lengths);
  if (shortest >= 0 && here?.seen === stampOf(row)) return;
  return Math.max(0, shortest);
}

/**
 * @param {RunRow} row
 * @returns {string} Another text when there may be more metrics.
 */
function stampOf({ written, step }) {
  return `${written} ${step}`;
}

/**
 * @param {SeriesPart} part
 * @param {readonly string[]} columns
 * @param {string} seen
 */
function add({ name, generation, from, length, columns: values }, columns, seen) {
  const before = series.get(name);
  const kept = before?.generation === generation ? before.columns : new Map();
  for (const column of columns) {
    const start = (kept.get(column) ?? []).slice(0, from);
    if (start.length < from) continue; // an answer to an older question
    kept.set(column, start.concat(values[column] ?? Array(length - from).fill(null)));
  }
  for (const [column, { length: there }] of kept) {
    if (there < length) kept.delete(column); // asked for again when it is shown again
  }
  series.set(name, { generation, seen, columns: kept });
  known.loaded++;
}
