import type { Data } from "plotly.js";
import type { StudyCell } from "../runs/study.ts";
import { type EntryOf, metricCurve } from "../runs/study_results.ts";
import type { Figure } from "./figure.ts";
import { axesOf, FOOT, grid, headHeight, pageLayout, topLegend, WIDTH } from "./page.ts";
import { checkEntries, seedLinesInWords, titlesInWords } from "./sample_sizes.ts";
import { seedBand, STEPS_AXIS } from "./seed_band.ts";
import { styleOf } from "./theme.ts";

/** What is drawn, from top to bottom. */
const METRICS = [
  { name: "reward/mean", title: "reward, mean" },
  { name: "completion/tokens", title: "length, tokens" },
  { name: "completion/entropy", title: "entropy, nats" },
] as const;

type Runs = EntryOf<Pick<StudyCell, "metrics">>;

/**
 * Reward, length and entropy of the training rollouts over steps, as the paper shows them for
 * ReLIFT and RL. Below, a tick for each SFT event, a row for each run that has any.
 */
export function trainingCurves(entries: readonly Runs[]): Figure {
  checkEntries(entries);
  const marked = entries.filter(({ cells }) => hasEvents(cells));
  const rows = marked.reduce((sum, { cells }) => sum + cells.length, 0);
  const subtitle = `Training rollouts of each step; ${seedLinesInWords(entries)}${
    rows > 0 ? ". Ticks: steps in which the buffer was taught, a row for each seed." : "."
  }`;
  const ticks = rows > 0 ? 8 + 11 * rows : 0;
  const height = 690 + ticks;
  const top = headHeight(subtitle, 1) + 12;
  const boxes = grid({
    rows: rows > 0 ? 4 : 3,
    columns: 1,
    gap: [0, 22],
    box: { left: 72, top, width: WIDTH - 72 - 20, height: height - top - 50 - FOOT },
    heights: rows > 0 ? [180, 180, 180, ticks] : [1, 1, 1],
  });
  const last = boxes.length - 1;
  const panels = boxes.map((box, i) => ({
    box,
    x: {
      ...i === 0 ? STEPS_AXIS : { matches: "x" as const },
      ...i === last ? { title: { text: "training steps" } } : { showticklabels: false },
    },
    y: i < METRICS.length ? { title: { text: METRICS[i]!.title } } : eventAxis(marked, rows),
  }));
  const data = METRICS.flatMap(({ name }, panel) =>
    entries.flatMap(({ entry, title, cells }) =>
      seedBand({ title, style: styleOf(entry), curve: metricCurve(cells, name) }, {
        panel,
        legend: panel === 0,
      })
    )
  );
  return {
    data: [...data, ...eventTicks(marked, METRICS.length)],
    layout: pageLayout({
      title: `${titlesInWords(entries)}: reward, length and entropy over training`,
      subtitle,
      height,
      panels,
      legend: topLegend(subtitle, { height }),
    }),
  };
}

function hasEvents(cells: Runs["cells"]): boolean {
  return cells.some(({ metrics }) =>
    metrics.some((record) => Number(record["sft/events_now"]) > 0)
  );
}

/** Runs from top to bottom, named by method. */
function eventAxis(marked: readonly Runs[], rows: number): Record<string, unknown> {
  let row = 0;
  const places = marked.map(({ cells }) => {
    const middle = row + (cells.length - 1) / 2;
    row += cells.length;
    return middle;
  });
  return {
    title: { text: "SFT events" },
    range: [rows - 0.4, -0.6],
    tickvals: places,
    ticktext: marked.map(({ title }) => title.replace(" ", "<br>")),
    ticks: "",
    showgrid: false,
  };
}

function eventTicks(marked: readonly Runs[], panel: number): Partial<Data>[] {
  let row = -1;
  return marked.flatMap(({ entry, title, cells }) =>
    cells.map(({ metrics }): Partial<Data> => {
      row++;
      const { color } = styleOf(entry);
      const steps = metrics.filter((record) => Number(record["sft/events_now"]) > 0)
        .map((record) => record["step"] as number);
      return {
        type: "scatter",
        mode: "markers",
        x: steps,
        y: steps.map(() => row),
        marker: { symbol: "line-ns", size: 8, color, line: { color, width: 1.6 } },
        showlegend: false,
        legendgroup: title,
        hovertemplate: `${title}: taught in step %{x}<extra></extra>`,
        ...axesOf(panel),
      };
    })
  );
}
