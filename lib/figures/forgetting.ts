import type { Data } from "plotly.js";
import {
  type Answers,
  type Curve,
  dynamicsCurve,
  dynamicsQuestions,
  type EntryOf,
  forgottenShare,
  stratumMoves,
} from "../runs/study_results.ts";
import type { StudyCell } from "../runs/study.ts";
import type { Figure } from "./figure.ts";
import {
  axesOf,
  FOOT,
  grid,
  headHeight,
  labelWidth,
  pageLayout,
  topLegend,
  WIDTH,
} from "./page.ts";
import { checkEntries, seedsInWords } from "./sample_sizes.ts";
import { seedBand, STEPS_AXIS } from "./seed_band.ts";
import { INK, markersOf, styleOf } from "./theme.ts";

type Runs = EntryOf<Pick<StudyCell, "dynamics" | "questions">>;

/** The questions that can be forgotten. */
const KNOWN = ["easy", "medium"] as const;

/**
 * What training takes away: accuracy on Easy and Medium questions over training, as a change from
 * the base policy, and the share of them that are Hard or Hardest in the end.
 */
export function forgettingCurves(entries: readonly Runs[]): Figure {
  checkEntries(entries);
  const questions = KNOWN.reduce(
    (sum, stratum) => sum + dynamicsQuestions(entries[0]!.cells, stratum),
    0,
  );
  const subtitle = `n = ${questions} validation questions that are Easy or Medium under the base ` +
    `policy; ${
      seedsInWords(entries)
    }. Left: mean ± 1 standard deviation over seeds. Right: share ` +
    "that is Hard or Hardest afterwards, ticks are seeds; dotted: the base policy drawn again.";
  const most = 100 * Math.max(
    0.01,
    forgottenOf(entries[0]!.cells, "base"),
    ...entries.flatMap(({ cells }) => cells.map((cell) => forgottenOf([cell], "trained"))),
  );
  const height = 480;
  const top = headHeight(subtitle, 1) + 30;
  const boxes = grid({
    rows: 1,
    columns: 2,
    widths: [1.7, 1],
    gap: [40 + labelWidth(entries.map(({ title }) => title)), 0],
    box: { left: 70, top, width: WIDTH - 70 - 24, height: height - top - 50 - FOOT },
  });
  return {
    data: [
      ...entries.flatMap(({ entry, title, cells }) =>
        seedBand({
          title,
          style: styleOf(entry),
          curve: changeOf(dynamicsCurve(cells, KNOWN, "accuracy")),
        }, { scale: 100 })
      ),
      ...shareTraces(entries),
    ],
    layout: pageLayout({
      title: "Forgetting: what the base policy knew, over training",
      subtitle,
      height,
      panels: [
        {
          box: boxes[0]!,
          title: "Easy and Medium questions",
          x: { ...STEPS_AXIS, title: { text: "training steps" } },
          y: {
            title: { text: "accuracy, change in points" },
            zeroline: true,
            zerolinecolor: INK.soft,
          },
        },
        {
          box: boxes[1]!,
          title: "Forgotten at the end",
          x: { title: { text: "% of Easy and Medium" }, range: [-0.05 * most, 1.08 * most] },
          y: {
            range: [entries.length - 0.5, -0.5],
            tickvals: entries.map((_, i) => i),
            ticktext: entries.map(({ title }) => title),
            ticks: "",
          },
        },
      ],
      legend: topLegend(subtitle, { height }),
    }),
  };
}

/** A curve minus its first value, seed by seed. */
function changeOf({ x, seeds }: Curve): Curve {
  const changes = seeds.map((values) =>
    values.map((value) => value === null || values[0] == null ? null : value - values[0])
  );
  return { x, seeds: changes };
}

/** Share of known questions that are Hard or Hardest; 0 when none were known. */
function forgottenOf(cells: Runs["cells"], answers: Answers): number {
  return forgottenShare(stratumMoves(cells, { answers })) ?? 0;
}

function shareTraces(entries: readonly Runs[]): Partial<Data>[] {
  const common = { type: "scatter", showlegend: false, ...axesOf(1) } as const;
  const share = (cells: Runs["cells"], answers: Answers) => 100 * forgottenOf(cells, answers);
  const base = share(entries[0]!.cells, "base");
  const seeds = entries.flatMap(({ cells }, row) =>
    cells.map((cell) => ({ row, value: share([cell], "trained") }))
  );
  return [
    {
      ...common,
      mode: "lines",
      x: [base, base],
      y: [-0.5, entries.length - 0.5],
      line: { color: INK.soft, dash: "dot", width: 1.2 },
      hoverinfo: "skip",
    },
    {
      ...common,
      mode: "markers",
      x: seeds.map(({ value }) => value),
      y: seeds.map(({ row }) => row),
      marker: { symbol: "line-ns", size: 12, line: { width: 1, color: INK.soft } },
      hoverinfo: "skip",
      cliponaxis: false,
    },
    {
      ...common,
      mode: "markers",
      x: entries.map(({ cells }) => share(cells, "trained")),
      y: entries.map((_, row) => row),
      marker: markersOf(entries.map(({ entry }) => entry)),
      cliponaxis: false,
      hovertemplate: "%{x:.1f} %<extra></extra>",
    },
  ];
}
