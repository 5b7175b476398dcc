import type { StudyCell } from "../runs/study.ts";
import { type EntryOf, metricCurve } from "../runs/study_results.ts";
import type { Figure } from "./figure.ts";
import { FOOT, grid, headHeight, pageLayout, topLegend, WIDTH } from "./page.ts";
import { checkEntries, seedLinesInWords, titlesInWords } from "./sample_sizes.ts";
import { seedBand, STEPS_AXIS } from "./seed_band.ts";
import { styleOf } from "./theme.ts";

type Cells = readonly Pick<StudyCell, "metrics">[];

const QUANTITIES = [
  {
    title: "Waiting",
    axis: "questions in the buffer",
    curve: (cells: Cells) => metricCurve(cells, "buffer/length"),
  },
  {
    title: "Wait",
    axis: "mean age, steps",
    curve: (cells: Cells) => metricCurve(cells, "buffer/age"),
  },
  {
    title: "Entered",
    axis: "questions a step",
    curve: (cells: Cells) => metricCurve(cells, "buffer/added"),
  },
  {
    title: "Taught",
    axis: "demonstrations so far",
    curve: (cells: Cells) => metricCurve(cells, "demonstrations/used"),
  },
] as const;

/** What happens in the buffer of hardest questions: how many wait, how long, enter and are taught. */
export function bufferTurnover(
  entries: readonly EntryOf<Pick<StudyCell, "metrics">>[],
): Figure {
  checkEntries(entries);
  const subtitle = `The buffer after each step; ${seedLinesInWords(entries)}.`;
  const height = 620;
  const top = headHeight(subtitle, 1) + 30;
  const boxes = grid({
    rows: 2,
    columns: 2,
    gap: [80, 52],
    box: { left: 66, top, width: WIDTH - 66 - 24, height: height - top - 50 - FOOT },
  });
  return {
    data: QUANTITIES.flatMap(({ curve }, panel) =>
      entries.flatMap(({ entry, title, cells }) =>
        seedBand({ title, style: styleOf(entry), curve: curve(cells) }, {
          panel,
          legend: panel === 0,
          floor: 0,
        })
      )
    ),
    layout: pageLayout({
      title: `${titlesInWords(entries)}: turnover of the buffer of hardest questions`,
      subtitle,
      height,
      panels: QUANTITIES.map(({ title, axis }, i) => ({
        box: boxes[i]!,
        title,
        x: {
          ...i === 0 ? STEPS_AXIS : { matches: "x" as const },
          ...i < 2 ? { showticklabels: false } : { title: { text: "training steps" } },
        },
        y: { title: { text: axis }, rangemode: "tozero" as const },
      })),
      legend: topLegend(subtitle, { height }),
    }),
  };
}
