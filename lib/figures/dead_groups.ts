import type { Data } from "plotly.js";
import type { StudyCell } from "../runs/study.ts";
import { type EntryOf, groupShares, summarizeCurve } from "../runs/study_results.ts";
import type { Figure } from "./figure.ts";
import { axesOf, FOOT, grid, headHeight, pageLayout, topLegend, WIDTH } from "./page.ts";
import { checkEntries, seedsInWords, span, titlesInWords } from "./sample_sizes.ts";
import { INK } from "./theme.ts";

/** From the foot of the panel to its top; lightness tells them apart in grey. */
const AREAS = [
  { share: "allWrong", title: "all wrong: no signal", color: "#33155E" },
  { share: "someRight", title: "some right: RL learns", color: "#56B4E9" },
  { share: "allRight", title: "all right: no signal", color: "#F6E3B0" },
] as const;

/** What becomes of a step's groups: without signal as all are wrong or all right, or alive. */
export function deadGroups(entries: readonly EntryOf<Pick<StudyCell, "metrics">>[]): Figure {
  checkEntries(entries);
  const subtitle =
    `Groups of completions of one question; n = ${groupsOf(entries)} groups a step, ` +
    `mean over ${seedsInWords(entries)}.`;
  const height = 430;
  const top = headHeight(subtitle, 1) + 30;
  const boxes = grid({
    rows: 1,
    columns: entries.length,
    gap: [22, 0],
    box: { left: 66, top, width: WIDTH - 66 - 24, height: height - top - 50 - FOOT },
  });
  return {
    data: entries.flatMap(({ cells }, panel) => areaTraces(cells, panel)),
    layout: pageLayout({
      title: `${titlesInWords(entries)}: groups with and without signal over training`,
      subtitle,
      height,
      panels: entries.map(({ title }, i) => ({
        box: boxes[i]!,
        title,
        x: { title: { text: "training steps" }, showgrid: false },
        y: {
          range: [0, 100],
          showgrid: false,
          ...i === 0
            ? { title: { text: "% of groups" } }
            : { matches: "y" as const, showticklabels: false },
        },
      })),
      legend: topLegend(subtitle, { height }),
    }),
  };
}

function groupsOf(entries: readonly EntryOf<Pick<StudyCell, "metrics">>[]): string {
  const counts = entries.flatMap(({ cells }) => cells.flatMap(({ metrics }) => metrics))
    .map((record) => Number(record["groups/live"]) + Number(record["groups/dead"]));
  return span(counts.filter(Number.isFinite));
}

function areaTraces(cells: readonly Pick<StudyCell, "metrics">[], panel: number): Partial<Data>[] {
  const shares = groupShares(cells);
  return AREAS.map(({ share, title, color }) => ({
    type: "scatter",
    mode: "lines",
    name: title,
    legendgroup: title,
    showlegend: panel === 0,
    x: [...shares[share].x],
    y: summarizeCurve(shares[share]).mean.map((value) => value === null ? null : 100 * value),
    stackgroup: "groups",
    fillcolor: color,
    line: { width: 0.6, color: INK.line },
    hovertemplate: `${title}: %{y:.0f} %<extra></extra>`,
    ...axesOf(panel),
  }));
}
