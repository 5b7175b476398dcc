import type { Data } from "plotly.js";
import {
  entryAccuracy,
  meanTotals,
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
  WIDTH,
} from "./page.ts";
import { PUBLISHED_ABLATIONS, PUBLISHED_BASE, type PublishedOption, SOURCES } from "./published.ts";
import { budgetInWords, checkEntries, questionsInWords, seedsInWords } from "./sample_sizes.ts";
import { INK, shade, SIZES, styleOf } from "./theme.ts";

/** A bar with its interval. */
interface Bar {
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
  readonly color: string;
  readonly words: string;
  /** As `words` unless said. */
  readonly hover?: string;
}

/** The reference in its own colour, its variants in a paler one, the rest in paler ones of theirs. */
function colorOf(entry: string, reference: string): string {
  if (entry === reference) return styleOf(entry).color;
  const isVariant = entry.startsWith(`${reference}-`);
  return shade(styleOf(isVariant ? reference : entry).color, 0.5);
}

/** Pixels from one row to the next, ours and theirs. */
const [ROW, PUBLISHED_ROW] = [32, 46];

/**
 * ReLIFT, its ablations and what else they are compared with, as bars, best first: accuracy over all
 * and over the hardest questions with intervals, and demonstrations taught.
 *
 * @param entries The first is the reference, whose accuracy is marked by a line.
 */
export function ablationBars(
  entries: readonly StudyEntry[],
  { published = false }: PublishedOption = {},
): Figure {
  checkEntries(entries);
  const reference = entries[0]!.entry;
  const rows = entries.map((each) => ({ ...each, all: entryAccuracy(each.cells)! }))
    .sort((a, b) => b.all.mean - a.all.mean);
  const subtitle = `${questionsInWords(entries)}, ${seedsInWords(entries)}; ` +
    `${budgetInWords(entries)}. Lines: bootstrap 95 % interval over seeds and questions. Dotted: ` +
    `${entries[0]!.title}.` +
    (published ? ` Published: ${SOURCES.relift.cite}; another policy, other questions.` : "");
  const top = headHeight(subtitle) + 30;
  const body = ROW * rows.length;
  const theirBody = published ? PUBLISHED_ROW * PUBLISHED_ABLATIONS.length + 14 : 0; // two-line title
  const height = top + Math.max(body, theirBody) + 54 + FOOT;
  const left = labelWidth(entries.map(({ title }) => title)) + 12;
  const boxes = grid({
    rows: 1,
    columns: 3,
    gap: [22, 0],
    box: { left, top, width: (published ? 706 : WIDTH) - left - 24, height: body },
    widths: published ? [1.3, 1.3, 1] : [1.4, 1.4, 1],
  });
  const ours = [
    accuracyBars(rows, reference, {}),
    accuracyBars(rows, reference, { stratum: "hardest" }),
    rows.map(({ entry, cells }): Bar => {
      const { demonstrations } = meanTotals(cells);
      return {
        value: demonstrations,
        color: colorOf(entry, reference),
        words: Math.round(demonstrations).toLocaleString("en-US"),
      };
    }),
  ];
  const titles = ["All questions", "Hardest", "Demonstrations"];
  const panels = ours.map((bars, i): Panel => ({
    box: boxes[i]!,
    title: titles[i]!,
    x: i < 2 ? { range: [0, 102], dtick: 25, title: { text: "accuracy, %" } } : {
      range: [0, 1.12 * Math.max(...bars.map(({ value }) => value), 1)],
      nticks: 4,
      title: { text: "taught, mean a run" },
    },
    y: {
      range: [rows.length - 0.5, -0.5],
      tickvals: rows.map((_, row) => row),
      ticktext: rows.map(({ entry, title }) => entry === reference ? `<b>${title}</b>` : title),
      ticks: "",
      showgrid: false,
      ...i === 0 ? {} : { showticklabels: false },
    },
  }));
  const theirs = PUBLISHED_ABLATIONS.map(({ entry, accuracy, tokens }): Bar => ({
    value: accuracy,
    color: colorOf(entry, "relift"),
    words: accuracy.toFixed(1),
    hover: `${accuracy} %, ${tokens} tokens`,
  }));
  return {
    data: [
      ...ours.flatMap((bars, panel) => [
        ...barTraces(bars, panel),
        ...panel < 2
          ? [
            referenceLine(
              bars[rows.findIndex(({ entry }) => entry === reference)]!.value,
              rows.length,
              panel,
            ),
          ]
          : [],
      ]),
      ...published ? barTraces(theirs, 3) : [],
    ],
    layout: {
      ...pageLayout({
        title: "ReLIFT and its ablations: accuracy at the end of training",
        subtitle,
        height,
        panels: published ? [...panels, publishedPanel(top)] : panels,
      }),
      bargap: 0.3,
      barmode: "overlay",
    },
  };
}

function accuracyBars(
  rows: readonly StudyEntry[],
  reference: string,
  choice: QuestionChoice,
): Bar[] {
  return rows.map(({ entry, cells }) => {
    const accuracy = entryAccuracy(cells, choice);
    const [mean, low, high] = [accuracy?.mean ?? 0, accuracy?.low ?? 0, accuracy?.high ?? 0]
      .map((value) => 100 * value);
    return {
      value: mean!,
      low: low!,
      high: high!,
      color: colorOf(entry, reference),
      words: mean!.toFixed(1),
    };
  });
}

function barTraces(bars: readonly Bar[], panel: number): Partial<Data>[] {
  const rows = bars.map((_, row) => row);
  const most = Math.max(...bars.map(({ value }) => value));
  const withInterval = bars.flatMap((bar, row) => bar.low === undefined ? [] : [{ ...bar, row }]);
  return [
    {
      type: "bar",
      orientation: "h",
      x: bars.map(({ value }) => value),
      y: rows,
      marker: { color: bars.map(({ color }) => color), opacity: 0.8 },
      text: bars.map(({ hover, words }) => hover ?? words),
      textposition: "none",
      hovertemplate: "%{text}<extra></extra>",
      showlegend: false,
      ...axesOf(panel),
    },
    {
      type: "scatter",
      mode: "lines",
      x: withInterval.flatMap(({ low, high }) => [low!, high!, null]),
      y: withInterval.flatMap(({ row }) => [row, row, null]),
      line: { color: INK.text, width: 1.6 },
      hoverinfo: "skip",
      showlegend: false,
      ...axesOf(panel),
    },
    {
      type: "scatter",
      mode: "text",
      x: bars.map(({ value, high }) => value > most / 4 ? 0 : high ?? value), // in the bar if it fits
      y: rows,
      text: bars.map(({ words }) => `\u00a0${words}`),
      textposition: "middle right",
      textfont: { size: SIZES.tick, color: INK.text },
      hoverinfo: "skip",
      showlegend: false,
      cliponaxis: false,
      ...axesOf(panel),
    },
  ];
}

function referenceLine(value: number, rows: number, panel: number): Partial<Data> {
  return {
    type: "scatter",
    mode: "lines",
    x: [value, value],
    y: [-0.5, rows - 0.5],
    line: { color: INK.soft, dash: "dot", width: 1.2 },
    hoverinfo: "skip",
    showlegend: false,
    ...axesOf(panel),
  };
}

/** The paper's rows, which are others than ours, in the right of the page. */
function publishedPanel(top: number): Panel {
  const rows = PUBLISHED_ABLATIONS;
  return {
    box: { left: 820, top, width: WIDTH - 820 - 24, height: PUBLISHED_ROW * rows.length },
    title: "<i>Published</i>",
    published: true,
    x: {
      range: [0, 60],
      dtick: 20,
      title: { text: `accuracy, %,<br>${PUBLISHED_BASE}`, font: { size: SIZES.note } },
    },
    y: {
      range: [rows.length - 0.5, -0.5],
      tickvals: rows.map((_, row) => row),
      ticktext: rows.map(({ title }) => title.replace(" ", "<br>")),
      ticks: "",
      showgrid: false,
      tickfont: { size: SIZES.note },
    },
  };
}
