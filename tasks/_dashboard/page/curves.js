// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The curves: what to draw, the panels, and figure files of them.
 *
 * @module
 */
import { byId, element, field, setText, swatch } from "./dom.js";
import { figureOf, legible, PRINT, printOf } from "./figure.js";
import { drawMetricMenu, shownMetrics, startMetricMenu } from "./metric_menu.js";
import { commonNote, csvOf, linesOf, noteOf, panelOf } from "./panel.js";
import { choices, choose, groups, known, selectedRuns, series } from "./state.js";
import { AXES } from "./statistics.js";

/** @typedef {import("./panel.js").Line} Line */
/** @typedef {import("./figure.js").Look} Look */
/** @typedef {import("../protocol.ts").MetricRow} MetricRow */
/** @typedef {{ element: HTMLElement, chart: HTMLElement, note: HTMLElement, sizes: ResizeObserver }} Place */
/**
 * What is used here of Plotly.
 *
 * @typedef {object} Plotly
 * @property {(place: HTMLElement, data: unknown, layout: unknown, config: unknown) => Promise<void>} react
 * @property {(figure: unknown, options: unknown) => Promise<string>} downloadImage
 * @property {(place: HTMLElement) => void} purge
 * @property {{ resize(place: HTMLElement): void }} Plots
 */

const SELECTS = /** @type {const} */ (["x", "window", "draw", "band", "colour"]);
const SWITCHES = /** @type {const} */ (["seeds", "events", "logX", "logY"]);

/** Plotly's own buttons: those of use here. */
const CONFIG = {
  displaylogo: false,
  modeBarButtons: [["zoom2d", "pan2d", "resetScale2d"]],
};

/** Size of a figure file, pixels. */
const FILE = { width: 900, height: 520 };

const darkness = matchMedia("(prefers-color-scheme: dark)");

/** @type {Promise<Plotly> | undefined} */
let plotly;

/** @type {Map<string, Place>} By metric. */
const places = new Map();
let drawn = "";
let drawing = false;

/** Makes the tools answer. */
export function startCurves() {
  for (const id of SELECTS) {
    byId(id).addEventListener("input", () => choose({ [id]: field(id).value }));
  }
  for (const id of SWITCHES) {
    byId(id).addEventListener("input", () => choose({ [id]: field(id).checked }));
  }
  startMetricMenu();
  darkness.addEventListener("change", () => void drawCurves());
}

/** Plotly, whose 4.8 MB take a third of a second to start: best while the server is at work. */
export function loadPlotly() {
  plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "plotly.min.js";
    script.onload = () => resolve(/** @type {any} */ (globalThis)["Plotly"]);
    script.onerror = () => reject(new Error("Cannot draw as plotly.min.js did not load"));
    document.head.append(script);
  });
  return plotly;
}

/** The metrics that the shown panels are made of. */
export function neededColumns() {
  const columns = [axisNow().column, ...shownMetrics().map(({ name }) => name)];
  const taught = choices.events && known.metrics.some(({ name }) => name === "sft/events_now");
  return [...new Set([...columns, ...taught ? ["sft/events_now"] : []])];
}

/** Shows the tools and the panels as they are now; does nothing when nothing changed. */
export async function drawCurves() {
  drawTools();
  const names = selectedRuns().map(({ name }) => name);
  const state = [choices, names, shownMetrics(), [...groups.values()]];
  const now = JSON.stringify([...state, known.loaded, darkness.matches]);
  if (now === drawn || drawing) return;
  drawing = true;
  drawn = now;
  try {
    await drawPanels(await loadPlotly());
  } finally {
    drawing = false;
  }
  await drawCurves(); // once more when something changed meanwhile
}

/** @param {Plotly} plotly */
async function drawPanels({ react, purge }) {
  const runs = selectedRuns();
  const lines = linesOf(runs, groups, known.colours, choices);
  drawLegend(lines);
  const metrics = shownMetrics();
  for (const [name, { element, chart, sizes }] of places) {
    if (metrics.some((metric) => metric.name === name)) continue;
    sizes.disconnect();
    purge(chart);
    element.remove();
    places.delete(name);
  }
  const look = lookNow();
  const all = metrics.map((metric) => ({ metric, place: placeOf(metric) }));
  byId("panels").append(
    ...all.filter(({ place }) => !place.element.isConnected)
      .map(({ place }) => place.element),
  );
  for (const { metric, place } of all) {
    const panel = panelOf(metric, axisNow(), lines, series, choices);
    const { data, layout } = figureOf(panel, look);
    setText(place.note, noteOf(panel, runs.length));
    place.chart.setAttribute(
      "aria-label",
      `${metric.name} by ${panel.axis.title}: ${
        panel.lines.map(({ line }) => line.title).join(", ")
      }`,
    );
    await react(place.chart, data, layout, CONFIG);
  }
  if (runs.length > 0) performance.mark("drawn");
}

/** @returns {import("./panel.js").Axis} */
function axisNow() {
  return AXES.find(({ id }) => id === choices.x) ?? /** @type {any} */ (AXES[0]);
}

/** @returns {Look} */
function lookNow() {
  if (!darkness.matches) return { ...PRINT, dark: false };
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`);
  return {
    dark: true,
    ink: colour("ink"),
    soft: colour("soft"),
    grid: colour("line"),
    paper: colour("paper"),
  };
}

function drawTools() {
  drawMetricMenu();
  const names = new Set(known.metrics.map(({ name }) => name));
  const axes = AXES.filter(({ id, column }) => names.has(column) || id === choices.x);
  const select = byId("x");
  if (select.children.length !== axes.length) {
    select.replaceChildren(
      ...axes.map(({ id, title }) => element("option", { value: id }, title)),
    );
  }
  for (const id of SELECTS) field(id).value = choices[id];
  for (const id of SWITCHES) field(id).checked = choices[id];
  const means = choices.draw === "groups";
  field("band").disabled = !means;
  field("seeds").disabled = !means;
}

/** @param {readonly Line[]} lines */
function drawLegend(lines) {
  byId("legend").replaceChildren(...lines.map(({ title, colour, dash, runs }) => {
    const line = { colour: darkness.matches ? legible(colour) : colour, dash };
    const alone = runs.length === 1 && runs[0]?.name === title;
    return element("li", {}, swatch(line), alone ? title : `${title} (n = ${runs.length})`);
  }));
  setText(byId("common-note"), commonNote(choices, lines.some(({ runs }) => runs.length > 1)));
}

/**
 * @param {MetricRow} metric
 * @returns {Place}
 */
function placeOf(metric) {
  const there = places.get(metric.name);
  if (there) return there;
  const chart = element("div", { class: "chart", role: "img" });
  const note = element("p", { class: "note" });
  const buttons = /** @type {const} */ (["svg", "png", "csv"]).map((format) => {
    const label = `${metric.name} as ${format.toUpperCase()} file`;
    const attributes = { type: "button", "aria-label": label, title: label };
    const button = element("button", attributes, format.toUpperCase());
    button.addEventListener("click", () => void download(metric, format));
    return button;
  });
  const title = element("h2", { title: metric.meaning }, metric.name);
  title.append(element("span", {}, metric.meaning));
  const header = element("header", {}, title, ...buttons);
  const panel = element(
    "article",
    { class: "panel", "data-metric": metric.name },
    header,
    chart,
    note,
  );
  const sizes = new ResizeObserver(async () => {
    if (chart.classList.contains("js-plotly-plot")) (await loadPlotly()).Plots.resize(chart);
  });
  sizes.observe(chart);
  const place = { element: panel, chart, note, sizes };
  places.set(metric.name, place);
  return place;
}

/**
 * Gives the reader what a panel shows as a file.
 *
 * @param {MetricRow} metric
 * @param {"svg" | "png" | "csv"} format
 */
async function download(metric, format) {
  const runs = selectedRuns();
  const axis = axisNow();
  const lines = linesOf(runs, groups, known.colours, choices);
  const panel = panelOf(metric, axis, lines, series, choices);
  const filename = `${metric.name} by ${axis.title}`.replaceAll(/[^\w.-]+/g, "_");
  if (format === "csv") {
    const url = URL.createObjectURL(new Blob([csvOf(panel)], { type: "text/csv" }));
    element("a", { href: url, download: `${filename}.csv` }).click();
    URL.revokeObjectURL(url);
    return;
  }
  const { downloadImage } = await loadPlotly();
  const scale = format === "png" ? 2 : 1;
  const banded = panel.lines.some(({ band }) => band);
  const notes = [commonNote(choices, banded), noteOf(panel, runs.length)].filter(Boolean);
  const figure = printOf(panel, notes.join("; "));
  await downloadImage(figure, { ...FILE, format, filename, scale });
}
