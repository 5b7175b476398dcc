import type { Data } from "plotly.js";
import {
  type Curve,
  metricCurve,
  type StudyEntry,
  taughtAccuracies,
} from "../runs/study_results.ts";
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
import { checkEntries, seedsInWords, span } from "./sample_sizes.ts";
import { seedBand, STEPS_AXIS } from "./seed_band.ts";
import { INK, markerOf, styleOf } from "./theme.ts";

/** Pixels from one row to the next. */
const ROW = 26;

/** The taught questions of an entry, means over seeds. */
interface Row {
  readonly entry: string;
  readonly title: string;
  readonly questions: readonly number[];
  readonly before: number;
  /** By seed. */
  readonly after: readonly number[];
}

/**
 * Whether what was taught is solved: taught questions under the base policy and after training, and
 * when they came up again during it.
 *
 * @param entries Those that taught no question are left out.
 */
export function taughtSolveRate(entries: readonly StudyEntry[]): Figure {
  checkEntries(entries);
  const rows = entries.flatMap(rowOf).sort((a, b) => meanOf(b.after) - meanOf(a.after));
  const during = entries.map((entry) => ({ ...entry, curve: solveRates(entry.cells) }))
    .filter(({ curve }) => curve.seeds.flat().some((value) => value !== null));
  const subtitle =
    `Left: questions taught in a run, sampled again (n: of each run); hollow: base ` +
    `policy, filled: after training, ticks: seeds. Right: taught questions that come up in ` +
    `rollouts again, ${WINDOW} steps together; ` +
    `${seedsInWords(during.length > 0 ? during : entries)}, mean ± 1 standard deviation.`;
  const top = headHeight(subtitle, 1) + 30;
  const body = Math.max(300, ROW * rows.length);
  const height = top + body + 52 + FOOT;
  const labels = rows.map(({ title, questions }) => `${title} (n = ${span(questions)})`);
  const left = Math.max(80, labelWidth(labels) + 8);
  const boxes = grid({
    rows: 1,
    columns: 2,
    gap: [76, 0],
    box: { left, top, width: WIDTH - left - 24, height: body },
  });
  return {
    data: [
      ...rowTraces(rows),
      ...during.flatMap(({ entry, title, curve }) =>
        seedBand(
          { title, style: styleOf(entry), curve },
          { panel: 1, scale: 100, seeds: false, markers: 0 },
        )
      ),
    ],
    layout: pageLayout({
      title: "Taught questions: solved before, afterwards and on the way",
      subtitle,
      height,
      panels: [
        {
          box: boxes[0]!,
          title: "Before and after",
          x: { range: [-3, 103], title: { text: "right samples, %" } },
          y: {
            range: [Math.max(rows.length, 1) - 0.5, -0.5],
            tickvals: rows.map((_, i) => i),
            ticktext: labels,
            ticks: "",
          },
        },
        {
          box: boxes[1]!,
          title: "During training",
          x: { ...STEPS_AXIS, title: { text: "training steps" } },
          y: { range: [0, 100], title: { text: "right completions, %" } },
        },
      ],
      legend: topLegend(subtitle, { height }),
    }),
  };
}

/** Steps that are counted together: in one, only a few questions come up that were taught. */
const WINDOW = 10;

/** Right completions of taught questions, of all in a window of steps; null where none came up. */
function solveRates(cells: StudyEntry["cells"]): Curve {
  const [rates, counts] = ["taught/solve_rate", "taught/questions"].map((name) =>
    metricCurve(cells, name)
  ) as [Curve, Curve];
  const starts = rates.x.map((_, at) => at).filter((at) => at % WINDOW === 0);
  const over = (seed: number, start: number) => {
    let [right, all] = [0, 0];
    for (let at = start; at < Math.min(start + WINDOW, rates.x.length); at++) {
      const [rate, count] = [rates.seeds[seed]![at] ?? null, counts.seeds[seed]![at] ?? 0];
      if (rate === null) continue;
      right += rate * count;
      all += count;
    }
    return all > 0 ? right / all : null;
  };
  return {
    x: starts.map((start) => rates.x[Math.min(start + WINDOW, rates.x.length) - 1]!),
    seeds: rates.seeds.map((_, seed) => starts.map((start) => over(seed, start))),
  };
}

function rowOf({ entry, title, cells }: StudyEntry): Row[] {
  const taught = taughtAccuracies(cells);
  if (taught.length === 0) return [];
  return [{
    entry,
    title,
    questions: taught.map(({ questions }) => questions),
    before: meanOf(taught.map(({ before }) => before)),
    after: taught.map(({ after }) => after),
  }];
}

function rowTraces(rows: readonly Row[]): Partial<Data>[] {
  const common = { type: "scatter", showlegend: false, ...axesOf(0) } as const;
  return rows.flatMap(({ entry, title, before, after }, i): Partial<Data>[] => {
    const style = styleOf(entry);
    const mean = meanOf(after);
    return [
      {
        ...common,
        mode: "lines",
        x: [100 * before, 100 * mean],
        y: [i, i],
        line: { color: INK.interval, width: 3 },
        hoverinfo: "skip",
      },
      {
        ...common,
        mode: "markers",
        x: after.map((value) => 100 * value),
        y: after.map(() => i),
        marker: { symbol: "line-ns", size: 10, line: { width: 1, color: INK.soft } },
        hoverinfo: "skip",
      },
      {
        ...common,
        mode: "markers",
        x: [100 * before, 100 * mean],
        y: [i, i],
        marker: {
          symbol: [`circle`, markerOf(style).symbol],
          color: [INK.paper, style.color],
          size: [8, style.size + 1],
          opacity: 1,
          line: { color: style.color, width: [1.6, 0] },
        },
        cliponaxis: false,
        hovertemplate: `${title}: %{x:.1f} %<extra></extra>`,
      },
    ];
  });
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
