import type { Data } from "plotly.js";
import { STRATA } from "../evaluation/strata.ts";
import {
  type EntryAccuracy,
  entryAccuracy,
  type QuestionChoice,
  type StudyEntry,
} from "../runs/study_results.ts";
import type { Figure } from "./figure.ts";
import {
  axesOf,
  FOOT,
  grid,
  headHeight,
  labelWidth,
  pageLayout,
  type Panel,
  topLegend,
  WIDTH,
} from "./page.ts";
import { PUBLISHED_BASE, PUBLISHED_MAIN, type PublishedOption, SOURCES } from "./published.ts";
import { budgetInWords, checkEntries, questionsInWords, seedsInWords } from "./sample_sizes.ts";
import { INK, markerOf, SIZES, STRATUM_TITLES, styleOf } from "./theme.ts";

/** One line of the table. */
interface Row {
  readonly entry: string;
  readonly title: string;
  readonly accuracy: (choice: QuestionChoice) => EntryAccuracy | undefined;
}

/** Pixels from one row to the next. */
const ROW = 25;

/**
 * The main table as dots with intervals: every method, best first, over all validation questions,
 * by stratum of the base policy and out of distribution.
 *
 * @param entries Of the table; the base policy is added.
 */
export function mainTable(
  entries: readonly StudyEntry[],
  options: PublishedOption & { readonly title?: string } = {},
): Figure {
  checkEntries(entries);
  const { published = false, title = "All methods: accuracy at the end of training" } = options;
  const rows = rowsOf(entries);
  const columns = columnsOf(rows);
  const subtitle = `${questionsInWords(entries)}, ${seedsInWords(entries)}; ` +
    `${
      budgetInWords(entries)
    }. Dot: mean; bar: bootstrap 95 % interval over seeds and questions; ` +
    "ticks: seeds; dotted: the base policy.";
  const legendRows = published ? 1 : 0;
  const top = headHeight(subtitle, legendRows) + 28;
  const height = top + ROW * rows.length + 56 + FOOT;
  const widths = [
    published ? 1.8 : 2.2,
    ...columns.slice(1).map(() => 1),
    ...published ? [1.9] : [],
  ];
  const left = labelWidth(rows.map(({ title }) => title)) + 8;
  const boxes = grid({
    rows: 1,
    columns: widths.length,
    gap: [13, 0],
    widths,
    box: { left, top, width: WIDTH - left - 18, height: ROW * rows.length },
  });
  const panels = columns.map(({ title, choice }, i): Panel => ({
    box: boxes[i]!,
    title,
    x: {
      title: {
        text: `${i === 0 ? "accuracy, " : ""}%, n = ${rows[0]!.accuracy(choice)!.questions}`,
      },
      ...i === 0 ? { range: rangeOfAll(rows) } : { range: [-4, 104], dtick: 50 },
    },
    y: rowAxis(rows, i === 0),
  }));
  return {
    data: [
      ...columns.flatMap(({ choice }, panel) => [
        baseLine(rows, choice, panel),
        ...panelTraces(rows, choice, panel),
      ]),
      ...published ? publishedTraces(rows, columns.length) : [],
    ],
    layout: pageLayout({
      title: `${title}, by difficulty`,
      subtitle,
      height,
      panels: published ? [...panels, publishedPanel(rows, boxes.at(-1)!)] : panels,
      ...published ? { legend: topLegend(subtitle, { height }) } : {},
    }),
  };
}

/** The base policy and all entries, best first. */
function rowsOf(entries: readonly StudyEntry[]): Row[] {
  const remembered = new Map<string, EntryAccuracy | undefined>();
  const once = (key: string, compute: () => EntryAccuracy | undefined) => {
    if (!remembered.has(key)) remembered.set(key, compute());
    return remembered.get(key);
  };
  const base: Row = {
    entry: "base",
    title: "Base",
    accuracy: (choice) =>
      once(
        `base ${JSON.stringify(choice)}`,
        () => entryAccuracy(entries[0]!.cells, { ...choice, answers: "base" }),
      ),
  };
  const rows = entries.map(({ entry, title, cells }): Row => ({
    entry,
    title,
    accuracy: (choice) =>
      once(`${entry} ${JSON.stringify(choice)}`, () => entryAccuracy(cells, choice)),
  }));
  return [base, ...rows].sort((a, b) => b.accuracy({})!.mean - a.accuracy({})!.mean);
}

/** Every interval over all questions, with a little room. */
function rangeOfAll(rows: readonly Row[]): [number, number] {
  const all = rows.map(({ accuracy }) => accuracy({})!);
  const low = 100 * Math.min(...all.map(({ low }) => low));
  const high = 100 * Math.max(...all.map(({ high }) => high));
  const room = 0.04 * (high - low || 1);
  return [low - room, high + room];
}

/** What has questions, from all over the strata to those out of distribution. */
function columnsOf(rows: readonly Row[]): { title: string; choice: QuestionChoice }[] {
  const columns: { title: string; choice: QuestionChoice }[] = [
    { title: "All questions", choice: {} },
    ...STRATA.map((stratum) => ({ title: STRATUM_TITLES[stratum], choice: { stratum } })),
    { title: "Out of dist.", choice: { split: "ood" } },
  ];
  return columns.filter(({ choice }) => rows[0]!.accuracy(choice) !== undefined);
}

function rowAxis(rows: readonly Row[], named: boolean): Panel["y"] {
  return {
    range: [rows.length - 0.5, -0.5],
    tickvals: rows.map((_, i) => i),
    ticktext: rows.map(({ entry, title }) =>
      entry.startsWith("relift") ? `<b>${title}</b>` : title
    ),
    ticks: "",
    showline: false,
    ...named ? {} : { showticklabels: false },
  };
}

/** Seeds (in the first panel), intervals and means of all rows. */
function panelTraces(rows: readonly Row[], choice: QuestionChoice, panel: number): Partial<Data>[] {
  const shown = rows.flatMap((row, i) => {
    const accuracy = row.accuracy(choice);
    return accuracy === undefined
      ? []
      : [{ ...row, ...accuracy, i, marker: markerOf(styleOf(row.entry)) }];
  });
  const seeds = shown.flatMap(({ bySeed, i }) =>
    bySeed.length > 1 && panel === 0 ? bySeed.map((value) => ({ value, i })) : []
  );
  const common = { type: "scatter", showlegend: false, ...axesOf(panel) } as const;
  return [
    {
      ...common,
      mode: "lines",
      x: shown.flatMap(({ low, high }) => [100 * low, 100 * high, null]),
      y: shown.flatMap(({ i }) => [i, i, null]),
      line: { color: INK.interval, width: 4 },
      hoverinfo: "skip",
    },
    {
      ...common,
      mode: "markers",
      x: seeds.map(({ value }) => 100 * value),
      y: seeds.map(({ i }) => i),
      marker: { symbol: "line-ns", size: 10, line: { width: 1, color: INK.soft } },
      hoverinfo: "skip",
    },
    {
      ...common,
      mode: "markers",
      x: shown.map(({ mean }) => 100 * mean),
      y: shown.map(({ i }) => i),
      marker: {
        color: shown.map(({ marker }) => marker.color),
        symbol: shown.map(({ marker }) => marker.symbol),
        size: shown.map(({ marker }) => panel === 0 ? marker.size + 1 : marker.size - 0.5),
        opacity: 1,
        line: {
          color: shown.map(({ marker }) => marker.line.color),
          width: shown.map(({ marker }) => marker.line.width),
        },
      },
      cliponaxis: false,
      text: shown.map(({ title, low, high, bySeed }) =>
        `${title}, ${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}, ${bySeed.length} seeds`
      ),
      hovertemplate: "%{x:.1f} %: %{text}<extra></extra>",
    },
  ];
}

function baseLine(rows: readonly Row[], choice: QuestionChoice, panel: number): Partial<Data> {
  const mean = rows.find(({ entry }) => entry === "base")!.accuracy(choice)?.mean ?? 0;
  return {
    type: "scatter",
    mode: "lines",
    x: [100 * mean, 100 * mean],
    y: [-0.5, rows.length - 0.5],
    line: { color: INK.soft, dash: "dot", width: 1.2 },
    hoverinfo: "skip",
    showlegend: false,
    ...axesOf(panel),
  };
}

const SOURCE_SYMBOLS = {
  relift: "square-open",
  reevaluation: "diamond-open",
  luffy: "triangle-up-open",
  own: "circle-open",
} as const;

function publishedPanel(rows: readonly Row[], box: Panel["box"]): Panel {
  return {
    box,
    title: "<i>Published</i>",
    published: true,
    x: {
      title: { text: `%, ${PUBLISHED_BASE}`, font: { size: SIZES.note } },
      range: [15, 61],
      dtick: 10,
    },
    y: rowAxis(rows, false),
  };
}

/** A trace for each source, over the methods that we have too. */
function publishedTraces(rows: readonly Row[], panel: number): Partial<Data>[] {
  return Object.entries(SOURCES).map(([key, { title, cite }]) => {
    const found = PUBLISHED_MAIN.filter(({ source }) => source === key)
      .map((each) => ({
        ...each,
        row: rows.findIndex(({ entry }) => entry === each.entry),
      }))
      .filter(({ row }) => row >= 0);
    return {
      type: "scatter",
      mode: "markers",
      name: title,
      x: found.map(({ accuracy }) => accuracy),
      y: found.map(({ row }) => row),
      marker: {
        symbol: SOURCE_SYMBOLS[key as keyof typeof SOURCES],
        size: 9,
        color: INK.text,
        line: { width: 1.4 },
      },
      hovertemplate: `%{x} %<br>${cite}<extra></extra>`,
      ...axesOf(panel),
    };
  });
}
