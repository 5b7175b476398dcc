import { STRATA } from "../evaluation/strata.ts";
import type { StudyCell } from "../runs/study.ts";
import {
  type Curve,
  dynamicsCurve,
  dynamicsQuestions,
  type EntryOf,
  summarizeCurve,
} from "../runs/study_results.ts";
import type { Figure } from "./figure.ts";
import { axesOf, FOOT, grid, headHeight, pageLayout, topLegend, WIDTH } from "./page.ts";
import { checkEntries, seedLinesInWords, titlesInWords } from "./sample_sizes.ts";
import { rangeOf, seedBand, STEPS_AXIS } from "./seed_band.ts";
import { INK, STRATUM_TITLES, styleOf } from "./theme.ts";

/** What each row of panels shows. */
const ROWS = [
  { field: "accuracy", title: "accuracy, %", scale: 100 },
  { field: "tokens", title: "length, tokens", scale: 1 },
] as const;

/**
 * Accuracy and length of answers over training, a column for each stratum of the base policy: the
 * paper's comparison of RL and SFT (arXiv:2506.07527, analysis).
 *
 * A stratum keeps its questions for the whole run. The dotted line is the base policy, drawn anew.
 */
export function stratumDynamics(
  entries: readonly EntryOf<Pick<StudyCell, "dynamics">>[],
): Figure {
  checkEntries(entries);
  const questions = STRATA.map((stratum) => dynamicsQuestions(entries[0]!.cells, stratum));
  const subtitle =
    `n = ${questions.reduce((a, b) => a + b, 0)} validation questions by how often ` +
    `the base policy solves them; ${seedLinesInWords(entries)}. ` +
    "Dotted: the base policy.";
  const height = 640;
  const top = headHeight(subtitle, 1) + 30;
  const boxes = grid({
    rows: 2,
    columns: 4,
    gap: [22, 26],
    box: { left: 66, top, width: WIDTH - 66 - 16, height: height - top - 50 - FOOT },
  });
  const lengths = STRATA.flatMap((stratum) =>
    entries.map(({ cells }) => dynamicsCurve(cells, [stratum], "tokens"))
  );
  const ranges = [[0, 100], rangeOf(lengths)] as const;
  const panels = ROWS.flatMap(({ title }, row) =>
    STRATA.map((stratum, column) => ({
      box: boxes[4 * row + column]!,
      ...row === 0 ? { title: `${STRATUM_TITLES[stratum]} (n = ${questions[column]})` } : {},
      x: {
        ...row === 0 && column === 0 ? STEPS_AXIS : { matches: "x" as const },
        ...row === 1 ? { title: { text: "training steps" } } : { showticklabels: false },
      },
      y: {
        ...ranges[row] ? { range: [...ranges[row]] } : {},
        ...column === 0
          ? { title: { text: title } }
          : { matches: row === 0 ? "y" as const : "y5" as const, showticklabels: false },
      },
    }))
  );
  const data = ROWS.flatMap(({ field, scale }, row) =>
    STRATA.flatMap((stratum, column) => {
      const panel = 4 * row + column;
      const lines = entries.map(({ entry, title, cells }) => ({
        title,
        style: styleOf(entry),
        curve: dynamicsCurve(cells, [stratum], field),
      }));
      return [
        baseLine(lines[0]!.curve, scale, panel),
        ...lines.flatMap((line) => seedBand(line, { panel, scale, legend: panel === 0 })),
      ];
    })
  );
  return {
    data,
    layout: pageLayout({
      title: `${titlesInWords(entries)}: accuracy and length by difficulty over training`,
      subtitle,
      height,
      panels,
      legend: topLegend(subtitle, { height }),
    }),
  };
}

/** The value of step 0, across the panel. */
function baseLine(curve: Curve, scale: number, panel: number): Figure["data"][number] {
  const { mean } = summarizeCurve(curve);
  const [first, last] = [curve.x[0] ?? 0, curve.x.at(-1) ?? 0];
  const value = mean[0] === null || mean[0] === undefined ? null : scale * mean[0];
  return {
    type: "scatter",
    mode: "lines",
    x: [first, last],
    y: [value, value],
    line: { color: INK.soft, dash: "dot", width: 1.2 },
    hoverinfo: "skip",
    showlegend: false,
    ...axesOf(panel),
  };
}
