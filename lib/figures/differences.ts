import type { Data } from "plotly.js";
import {
  compareEntries,
  entryAccuracy,
  type EntryComparison,
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
import { checkEntries, questionsInWords, seedsInWords } from "./sample_sizes.ts";
import { INK, markersOf, SIZES } from "./theme.ts";

/** What is compared: a panel each. */
const COLUMNS: readonly { readonly title: string; readonly choice: QuestionChoice }[] = [
  { title: "All questions", choice: {} },
  { title: "Hardest", choice: { stratum: "hardest" } },
];

/** Pixels from one row to the next, and of the column of p-values. */
const [ROW, VALUES] = [30, 64];

/**
 * How entries differ in accuracy from another one: the paired difference with its interval, and the
 * p-value of a permutation test over runs, corrected for as many comparisons as there are entries
 * (Holm). Largest difference first.
 *
 * @param entries A family that was chosen beforehand: the more, the harsher the correction.
 * @param reference What they are compared with.
 * @param options `title` says what they are; the reference's is added.
 * @throws {RangeError} When there is no entry, or runs differ in their questions.
 */
export function differenceIntervals(
  entries: readonly StudyEntry[],
  reference: StudyEntry,
  { title = "Differences" }: { readonly title?: string } = {},
): Figure {
  checkEntries([...entries, reference]);
  checkEntries(entries);
  const columns = COLUMNS.filter(({ choice }) => entryAccuracy(reference.cells, choice))
    .map((column) => ({ ...column, rows: compareEntries(entries, reference, column.choice) }));
  const order = columns[0]!.rows.map(({ difference }, i) => ({ i, mean: difference.mean }))
    .sort((a, b) => b.mean - a.mean).map(({ i }) => i);
  const sorted = columns.map(({ rows, ...column }) => ({
    ...column,
    rows: order.map((i) => rows[i]!),
  }));
  const seeds = `${seedsInWords(entries)} each, ${reference.cells.length} of ${reference.title}`;
  const subtitle =
    `${questionsInWords([...entries, reference])}; ${seeds}. Accuracy minus that of ` +
    `${reference.title}, on the same questions, with its bootstrap 95 % interval over seeds and ` +
    `questions. p: permutation test over runs, two-sided, Holm-corrected for ${entries.length} ` +
    "comparisons.";
  const top = headHeight(subtitle) + 30;
  const height = top + ROW * entries.length + 54 + FOOT;
  const left = labelWidth(entries.map(({ title }) => title)) + 12;
  const boxes = grid({
    rows: 1,
    columns: sorted.length,
    gap: [VALUES + 24, 0],
    box: { left, top, width: WIDTH - left - VALUES - 20, height: ROW * entries.length },
  });
  return {
    data: sorted.flatMap(({ rows }, panel) => rowTraces(rows, panel)),
    layout: pageLayout({
      title: `${title}: accuracy minus that of ${reference.title}`,
      subtitle,
      height,
      panels: sorted.map(({ title, rows }, i): Panel => ({
        box: boxes[i]!,
        title,
        x: {
          title: { text: "difference, percentage points" },
          range: rangeOf(rows),
          zeroline: true,
          zerolinecolor: INK.line,
          zerolinewidth: 1.2,
        },
        y: {
          range: [rows.length - 0.5, -0.5],
          tickvals: rows.map((_, row) => row),
          ticktext: rows.map(({ title }) => title),
          ticks: "",
          showline: false,
          ...i === 0 ? {} : { showticklabels: false },
        },
      })),
      annotations: sorted.flatMap(({ rows }, panel) =>
        rows.map((row, i) => ({
          ...valueAt(panel),
          y: i,
          text: `p = ${pInWords(row.adjustedP)}`,
          xanchor: "left" as const,
          xshift: 8,
          showarrow: false,
          font: { size: SIZES.tick, color: INK.text },
        }))
      ),
    }),
  };
}

/** To the right of a panel, in the rows of its axis. */
function valueAt(panel: number): { xref: "x"; yref: "y"; x: number } {
  const { xaxis, yaxis } = axesOf(panel);
  return { xref: `${xaxis} domain` as "x", yref: yaxis as "y", x: 1 };
}

/** `0.025`, `< 0.001`. */
function pInWords(p: number): string {
  return p < 0.001 ? "< 0.001" : p < 0.1 ? p.toFixed(3) : p.toFixed(2);
}

/** Every interval and 0, with a little room. */
function rangeOf(rows: readonly EntryComparison[]): [number, number] {
  const low = 100 * Math.min(0, ...rows.map(({ difference }) => difference.low));
  const high = 100 * Math.max(0, ...rows.map(({ difference }) => difference.high));
  const room = 0.06 * (high - low || 1);
  return [low - room, high + room];
}

/** Intervals and means. */
function rowTraces(rows: readonly EntryComparison[], panel: number): Partial<Data>[] {
  const common = { type: "scatter", showlegend: false, ...axesOf(panel) } as const;
  return [
    {
      ...common,
      mode: "lines",
      x: rows.flatMap(({ difference: { low, high } }) => [100 * low, 100 * high, null]),
      y: rows.flatMap((_, i) => [i, i, null]),
      line: { color: INK.interval, width: 4 },
      hoverinfo: "skip",
    },
    {
      ...common,
      mode: "markers",
      x: rows.map(({ difference }) => 100 * difference.mean),
      y: rows.map((_, i) => i),
      marker: markersOf(rows.map(({ entry }) => entry)),
      cliponaxis: false,
      text: rows.map(({ title, difference: { low, high }, adjustedP }) =>
        `${title}, ${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}, p = ` +
        pInWords(adjustedP)
      ),
      hovertemplate: "%{x:.1f} points: %{text}<extra></extra>",
    },
  ];
}
