import type { Data } from "plotly.js";
import { entryAccuracy, meanTotals, type StudyEntry } from "../runs/study_results.ts";
import type { Figure } from "./figure.ts";
import {
  axesOf,
  FOOT,
  grid,
  headHeight,
  labelWidth,
  logTicks,
  pageLayout,
  type Panel,
  sideLegend,
  WIDTH,
} from "./page.ts";
import {
  PUBLISHED_BASE,
  PUBLISHED_FLOPS,
  PUBLISHED_MAIN,
  type PublishedAccuracy,
  type PublishedOption,
  SOURCES,
} from "./published.ts";
import {
  checkEntries,
  questionsInWords,
  seedsInWords,
  span,
  stepsInWords,
} from "./sample_sizes.ts";
import { INK, markerOf, SIZES, styleOf } from "./theme.ts";

/** Where labels stand, so that they stand apart. */
const LABELS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  gpuHours: {
    "SFT then RL (v1)": "bottom left",
    "SFT then RL (v2)": "bottom right",
    "LUFFY": "middle right",
    "RL with SFT loss": "bottom left",
  },
  demonstrations: {
    "SFT": "middle left",
    "RL with SFT loss": "bottom left",
    "SFT then RL (v1)": "middle left",
    "LUFFY": "top left",
    "ReLIFT": "middle right",
    "SFT then RL (v2)": "middle right",
    "RL": "middle right",
  },
  flops: { "ReLIFT": "top left", "SFT then RL (50 steps)": "middle right" },
};

/** Ours: what is on the x axes. */
const COSTS = [
  {
    title: "Computation",
    axis: "floating-point operations of training, mean a run",
    of: (entry: StudyEntry) => meanTotals(entry.cells).flops,
  },
  {
    title: "Demonstrations",
    axis: "different demonstrations taught, mean a run",
    of: (entry: StudyEntry) => meanTotals(entry.cells).distinctDemonstrations,
  },
] as const;

/** Published: what is on the x axes. */
const PUBLISHED_COSTS = [
  { axis: "hours on 8 GPUs", field: "gpuHours", rows: PUBLISHED_MAIN },
  { axis: "demonstrations, thousands", field: "demonstrations", rows: PUBLISHED_MAIN },
  { axis: "floating-point operations", field: "flops", rows: PUBLISHED_FLOPS },
] as const;

/** What accuracy costs: over floating-point operations, and over demonstrations. */
export function costAccuracy(
  entries: readonly StudyEntry[],
  { published = false }: PublishedOption = {},
): Figure {
  checkEntries(entries);
  const subtitle = `${questionsInWords(entries)}, ${seedsInWords(entries)}; ` +
    `${stepsInWords(entries)} a run. Bars: bootstrap 95 % interval over seeds and questions. ` +
    "Points at nearly the same cost are set apart." +
    (published
      ? ` Published, another policy and other questions, no intervals: left and middle ` +
        `${SOURCES.relift.cite}; right ${SOURCES.reevaluation.cite}.`
      : "");
  const top = headHeight(subtitle) + 30;
  const body = Math.max(370, 20 * entries.length - 30);
  const below = published ? 300 : 0;
  const height = top + body + 54 + below + FOOT;
  const right = WIDTH - 54 - labelWidth(entries.map(({ title }) => title));
  const boxes = grid({
    rows: 1,
    columns: 2,
    gap: [26, 0],
    box: { left: 66, top, width: right - 66, height: body },
  });
  const lower = grid({
    rows: 1,
    columns: 3,
    gap: [26, 0],
    box: { left: 66, top: top + body + 90, width: WIDTH - 66 - 24, height: below - 86 },
  });
  const flops = entries.map(COSTS[0].of);
  const logarithmic = {
    type: "log" as const,
    ...logTicks(Math.min(...flops) / 1.3, Math.max(...flops) * 1.3),
  };
  const places = [
    setApart(flops.map(Math.log10)).map((place) => 10 ** place),
    setApart(entries.map(COSTS[1].of)),
  ];
  const panels = COSTS.map(({ title, axis }, i): Panel => ({
    box: boxes[i]!,
    title,
    x: { title: { text: axis }, ...i === 0 ? logarithmic : {} },
    y: i === 0
      ? { title: { text: "accuracy, all questions, %" } }
      : { matches: "y", showticklabels: false },
  }));
  const publishedPanels = PUBLISHED_COSTS.map(({ axis }, i): Panel => ({
    box: lower[i]!,
    ...i === 0 ? { title: `<i>Published</i> (${PUBLISHED_BASE})` } : {},
    published: true,
    x: {
      title: { text: axis },
      ...i < 2 ? { rangemode: "tozero" } : { exponentformat: "power", nticks: 4 },
    },
    y: {
      range: [45, 58],
      ...i === 0 ? { title: { text: "accuracy, %" } } : { showticklabels: false },
    },
  }));
  return {
    data: [
      ...entries.flatMap((entry, i) => entryTraces(entry, places.map((column) => column[i]!))),
      ...published
        ? PUBLISHED_COSTS.flatMap(({ rows, field }, i) => publishedTraces(rows, field, 2 + i))
        : [],
    ],
    layout: pageLayout({
      title: "What accuracy costs: computation and demonstrations",
      subtitle,
      height,
      panels: published ? [...panels, ...publishedPanels] : panels,
      legend: sideLegend(right + 14, top - 6, { height }),
    }),
  };
}

/** Moves values that lie within 1 % of the range to places side by side. */
function setApart(values: readonly number[]): number[] {
  const step = (Math.max(...values) - Math.min(...values)) / 70;
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!);
  const places = [...values];
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]!]! - values[order[start]!]! < step / 2) end++;
    for (let i = start; i < end; i++) places[order[i]!]! += step * (i - (start + end - 1) / 2);
    start = end;
  }
  return places;
}

/** An entry in both panels. */
function entryTraces(entry: StudyEntry, places: readonly number[]): Partial<Data>[] {
  const { mean, low, high } = entryAccuracy(entry.cells)!;
  const style = styleOf(entry.entry);
  return COSTS.map(({ of }, panel) => ({
    type: "scatter",
    mode: "markers",
    name: entry.title,
    legendgroup: entry.title,
    showlegend: panel === 0,
    x: [places[panel]!],
    text: [span([of(entry)])],
    y: [100 * mean],
    error_y: {
      type: "data",
      symmetric: false,
      array: [100 * (high - mean)],
      arrayminus: [100 * (mean - low)],
      color: style.color,
      thickness: 1.4,
      width: 0,
    },
    marker: markerOf({ ...style, size: style.size + 1 }),
    cliponaxis: false,
    hovertemplate: `${entry.title}: %{text}, %{y:.1f} %<extra></extra>`,
    ...axesOf(panel),
  }));
}

/** Points with their names. */
function publishedTraces(
  rows: readonly PublishedAccuracy[],
  field: "gpuHours" | "demonstrations" | "flops",
  panel: number,
): Partial<Data>[] {
  const found = rows.filter((row) => row[field] !== undefined && (row.source !== "luffy"));
  return [{
    type: "scatter",
    mode: "text+markers",
    x: found.map((row) => row[field]!),
    y: found.map(({ accuracy }) => accuracy),
    text: found.map(({ title }) => title),
    textposition: found.map(({ title }) =>
      LABELS[field]![title] ?? "top center"
    ) as unknown as "top center",
    textfont: { size: SIZES.note, color: INK.text },
    marker: {
      symbol: found.map(({ entry }) => styleOf(entry).symbol),
      size: 10,
      color: found.map(({ entry }) => styleOf(entry).color),
      opacity: 1,
    },
    showlegend: false,
    cliponaxis: false,
    hovertemplate: "%{text}: %{x}, %{y} %<extra></extra>",
    ...axesOf(panel),
  }];
}
