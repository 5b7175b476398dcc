// @ts-check
/**
 * What a panel shows: curves of runs and of groups, what must be said of them, and their table.
 *
 * @module
 */
import { bandOf, curveOf, smooth, sums } from "./statistics.js";

/** @typedef {import("./statistics.js").Curve} Curve */
/** @typedef {import("./statistics.js").Band} Band */
/** @typedef {import("../protocol.ts").RunRow} RunRow */
/** @typedef {import("../protocol.ts").RunGroup} RunGroup */
/** @typedef {import("../protocol.ts").MetricRow} MetricRow */
/** @typedef {import("./state.js").Choices} Choices */
/** @typedef {import("./state.js").Series} Series */

/** @typedef {{ title: string, colour: string, dash: string, runs: RunRow[] }} Line */
/** @typedef {{ run: RunRow, curve: Curve, events: number[] }} Drawn `events`: points of the curve. */
/** @typedef {{ line: Line, drawn: Drawn[], band: Band | null }} DrawnLine */
/** @typedef {{ id: string, column: string, title: string }} Axis */
/** @typedef {{ metric: MetricRow, axis: Axis, lines: DrawnLine[], choices: Choices }} Panel */

/** Dashes of lines whose colours come round again. */
const DASHES = ["solid", "dash", "dot", "dashdot"];

/**
 * The lines to draw: one for each group, or for each run when runs have their own colours.
 *
 * @param {readonly RunRow[]} runs
 * @param {ReadonlyMap<string, RunGroup>} groups
 * @param {readonly string[]} colours
 * @param {Pick<Choices, "draw" | "colour">} choices
 * @returns {Line[]}
 */
export function linesOf(runs, groups, colours, { draw, colour }) {
  /** @type {Line[]} */
  const lines = [];
  if (draw === "runs" && colour === "line") {
    for (const run of runs) lines.push({ title: run.name, colour: "", dash: "", runs: [run] });
  } else {
    for (const { id, ...group } of groups.values()) {
      const members = runs.filter((run) => run.group === id);
      if (members.length > 0) lines.push({ ...group, runs: members });
    }
  }
  if (colour === "method") return lines;
  return lines.map((line, i) => ({
    ...line,
    colour: colours[i % colours.length] ?? "#757575",
    dash: DASHES[Math.floor(i / colours.length) % DASHES.length] ?? "solid",
  }));
}

/**
 * What a panel draws.
 *
 * @param {MetricRow} metric
 * @param {Axis} axis
 * @param {readonly Line[]} lines
 * @param {ReadonlyMap<string, Series>} series
 * @param {Choices} choices
 * @returns {Panel}
 */
export function panelOf(metric, axis, lines, series, choices) {
  const drawn = lines.map((line) => {
    const curves = line.runs.map((run) => drawnOf(run, metric, axis, series.get(run.name), choices))
      .filter(({ curve }) => curve.x.length > 0);
    const band = choices.draw === "groups" && curves.length > 1
      ? bandOf(curves.map(({ curve }) => curve), choices.band)
      : null;
    return { line, drawn: curves, band };
  });
  return { metric, axis, lines: drawn.filter((line) => line.drawn.length > 0), choices };
}

/**
 * @param {RunRow} run
 * @param {MetricRow} metric
 * @param {Axis} axis
 * @param {Series | undefined} here
 * @param {Choices} choices
 * @returns {Drawn}
 */
function drawnOf(run, metric, axis, here, { window, logX, logY }) {
  const columns = here?.columns;
  const across = columns?.get(axis.column) ?? [];
  const x = axis.id === "time" ? sums(across) : across;
  const y = smooth(columns?.get(metric.name) ?? [], Number(window) || 1);
  const curve = curveOf(positive(x, logX), positive(y, logY));
  const taught = columns?.get("sft/events_now") ?? [];
  const events = curve.at.flatMap((at, i) => (taught[at] ?? 0) > 0 ? [i] : []);
  return { run, curve, events };
}

/**
 * Without what a logarithmic axis cannot show.
 *
 * @param {readonly (number | null)[]} values
 * @param {boolean} log
 * @returns {readonly (number | null)[]}
 */
function positive(values, log) {
  return log ? values.map((value) => value !== null && value > 0 ? value : null) : values;
}

/**
 * What must be said of every panel.
 *
 * @param {Choices} choices
 * @param {boolean} banded Whether a group has several runs.
 * @returns {string}
 */
export function commonNote({ draw, band, window }, banded) {
  const bands = /** @type {Record<string, string>} */ ({
    range: ", band from least to greatest",
    deviation: ", band ± 1 standard deviation",
  });
  return [
    ...draw === "groups" && banded ? [`mean over seeds${bands[band] ?? ""}`] : [],
    ...Number(window) > 1 ? [`each run the mean of its last ${window} values`] : [],
  ].join("; ");
}

/**
 * What must be said of one panel.
 *
 * @param {Panel} panel
 * @param {number} selected
 * @returns {string}
 */
export function noteOf({ metric, axis, lines }, selected) {
  const shown = lines.reduce((sum, { drawn }) => sum + drawn.length, 0);
  const without = metric.name + (axis.id === "step" ? "" : ` by ${axis.title}`);
  const fewer = lines.some(({ drawn, band }) => band?.n.some((n) => n < drawn.length));
  return [
    ...shown < selected ? [`${selected - shown} of ${selected} runs have no ${without}`] : [],
    ...lines.some(({ band }) => band?.between) ? ["runs read between their points"] : [],
    ...fewer ? ["where some seeds have no value, mean of the others"] : [],
  ].join("; ");
}

/**
 * What a panel shows as CSV: a row for each point of a run, and of a mean with its band.
 *
 * @param {Panel} panel
 * @returns {string}
 */
export function csvOf({ metric, axis, lines, choices }) {
  /** @type {(string | number)[][]} */
  const rows = [["group", "run", "seed", axis.title, metric.name, "low", "high", "n"]];
  for (const { line, drawn, band } of lines) {
    band?.x.forEach((x, i) => {
      const [low, high] = choices.band === "none" ? ["", ""] : [band.low[i], band.high[i]];
      rows.push([
        line.title,
        "",
        "",
        x,
        band.mean[i] ?? "",
        low ?? "",
        high ?? "",
        band.n[i] ?? "",
      ]);
    });
    if (band && !choices.seeds) continue;
    for (const { run, curve } of drawn) {
      curve.x.forEach((x, i) => {
        rows.push([line.title, run.name, run.seed ?? "", x, curve.y[i] ?? "", "", "", ""]);
      });
    }
  }
  return rows.map((row) => row.map(cellOf).join(",") + "\r\n").join("");
}

/**
 * @param {string | number} value
 * @returns {string}
 */
function cellOf(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
