import type { Annotations, ColorBar, Data } from "plotly.js";
import { STRATA, type StrataMoves } from "../evaluation/strata.ts";
import {
  type Answered,
  type EntryOf,
  forgottenShare,
  stratumMoves,
} from "../runs/study_results.ts";
import type { Figure } from "./figure.ts";
import {
  axesOf,
  type Box,
  colorBar,
  FOOT,
  grid,
  headHeight,
  pageLayout,
  text,
  WIDTH,
} from "./page.ts";
import { checkEntries, questionsInWords, seedsInWords, titlesInWords } from "./sample_sizes.ts";
import { INK, SHARE_SCALE, SIZES, STRATUM_COLORS, STRATUM_TITLES, translucent } from "./theme.ts";

/** Moves with what they are called. */
interface TitledMoves {
  readonly title: string;
  readonly moves: StrataMoves;
}

/** The base policy drawn again, then each entry. */
function movesOf(entries: readonly EntryOf<Answered>[]): TitledMoves[] {
  checkEntries(entries);
  const redrawn = stratumMoves(entries[0]!.cells, { answers: "base" });
  return [
    { title: "Base, drawn again", moves: redrawn },
    ...entries.map(({ title, cells }) => ({ title: `After ${title}`, moves: stratumMoves(cells) })),
  ];
}

function subtitleOf(entries: readonly EntryOf<Answered>[]): string {
  return `${questionsInWords(entries)}, ${
    seedsInWords(entries)
  }; from the stratum under the base ` +
    "policy (8 samples) to the one now (expected for 8 of the samples, mean over seeds). What " +
    "moves when the base is drawn again is chance.";
}

/** `Base → now: forgotten 12 %`. */
function forgottenInWords(moves: StrataMoves): string {
  const share = forgottenShare(moves);
  return share === null ? "" : `forgotten: ${(100 * share).toFixed(1)} %`;
}

/**
 * Where the questions of each stratum went, as flows: one diagram for the base policy drawn again,
 * the zero of the scale, and one for each entry.
 */
export function strataMovesSankey(entries: readonly EntryOf<Answered>[]): Figure {
  const all = movesOf(entries);
  const subtitle = subtitleOf(entries);
  const rows = Math.ceil(all.length / 2);
  const top = headHeight(subtitle) + 32;
  const height = top + 300 * rows + FOOT;
  const size = { height };
  const boxes = grid({
    rows,
    columns: 2,
    gap: [206, 56],
    box: { left: 98, top, width: WIDTH - 2 * 98, height: height - top - 24 - FOOT },
  });
  return {
    data: all.map(({ moves }, i) => sankey(moves, boxes[i]!, height)),
    layout: pageLayout({
      title: `${titlesInWords(entries)}: where questions of each difficulty went`,
      subtitle,
      height,
      panels: [],
      annotations: all.flatMap(({ title, moves }, i) => [
        text(
          `${title} <span style="color:${INK.soft}">(${forgottenInWords(moves)})</span>`,
          boxes[i]!.left - 82,
          boxes[i]!.top - 16,
          size,
          { font: { size: SIZES.panel } },
        ),
        ...nodeLabels(moves, boxes[i]!, height),
      ]),
    }),
  };
}

/** Room between the bars of a diagram, pixels. */
const PAD = 16;

/** The questions of each stratum before and after. */
function totalsOf(moves: StrataMoves): { before: number[]; after: number[] } {
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  return {
    before: STRATA.map((from) => sum(STRATA.map((to) => moves[from][to]))),
    after: STRATA.map((to) => sum(STRATA.map((from) => moves[from][to]))),
  };
}

/** Middles of bars stacked with room between, in shares of the height, from the top. */
function middles(totals: readonly number[], height: number): number[] {
  const all = totals.reduce((a, b) => a + b, 0);
  const scale = (height - PAD * (STRATA.length - 1)) / all;
  let at = 0;
  return totals.map((total) => {
    const middle = at + total * scale / 2;
    at += total * scale + PAD;
    return middle / height;
  });
}

function sankey(moves: StrataMoves, box: Box, pageHeight: number): Partial<Data> {
  const { before, after } = totalsOf(moves);
  const flows = STRATA.flatMap((from, i) =>
    STRATA.map((to, j) => ({ source: i, target: STRATA.length + j, value: moves[from][to], from }))
  ).filter(({ value }) => value > 0.05);
  const colors = STRATA.map((stratum) => STRATUM_COLORS[stratum]);
  return {
    type: "sankey",
    arrangement: "fixed",
    domain: {
      x: [box.left / WIDTH, (box.left + box.width) / WIDTH],
      y: [1 - (box.top + box.height) / pageHeight, 1 - box.top / pageHeight],
    },
    node: {
      label: [...STRATA, ...STRATA].map(() => ""), // written beside the bars instead
      x: [...STRATA.map(() => 0.001), ...STRATA.map(() => 0.999)], // 0 would mean: anywhere
      y: [...middles(before, box.height), ...middles(after, box.height)],
      color: [...colors, ...colors],
      pad: PAD,
      thickness: 14,
      line: { color: INK.line, width: 0.5 },
    },
    link: {
      source: flows.map(({ source }) => source),
      target: flows.map(({ target }) => target),
      value: flows.map(({ value }) => value),
      color: flows.map(({ from }) => translucent(STRATUM_COLORS[from], 0.5)),
    },
  };
}

/** Name and number of questions beside each bar. */
function nodeLabels(
  moves: StrataMoves,
  { left, top, width, height }: Box,
  pageHeight: number,
): Partial<Annotations>[] {
  const { before, after } = totalsOf(moves);
  const side = (totals: number[], x: number, xanchor: "left" | "right") =>
    middles(totals, height).map((middle, i) =>
      text(
        `${STRATUM_TITLES[STRATA[i]!]} <b>${rounded(totals[i]!)}</b>`,
        x,
        top + middle * height,
        { height: pageHeight },
        { xanchor },
      )
    );
  return [...side(before, left - 6, "right"), ...side(after, left + width + 6, "left")];
}

/** Whole where it is whole or large. */
function rounded(count: number): string {
  return count >= 9.95 || Math.abs(count - Math.round(count)) < 0.05
    ? count.toFixed(0)
    : count.toFixed(1);
}

/** The same as tables: a row for the stratum before, a column for the one now. */
export function strataMovesHeatmap(entries: readonly EntryOf<Answered>[]): Figure {
  const all = movesOf(entries);
  const subtitle = `${subtitleOf(entries)} Colour: share of the row.`;
  const top = headHeight(subtitle) + 32;
  const height = top + 270 + FOOT;
  const { before } = totalsOf(all[0]!.moves);
  const boxes = grid({
    rows: 1,
    columns: all.length,
    gap: [18, 0],
    box: { left: 126, top, width: WIDTH - 126 - 84, height: height - top - 56 - FOOT },
  });
  const titles = STRATA.map((stratum) => STRATUM_TITLES[stratum]);
  return {
    data: all.flatMap(({ moves }, panel) =>
      movesTraces(
        moves,
        panel,
        panel === all.length - 1 ? colorBar(boxes[panel]!, "% of row", { height }) : undefined,
      )
    ),
    layout: pageLayout({
      title: `${titlesInWords(entries)}: where questions of each difficulty went`,
      subtitle,
      height,
      panels: all.map(({ title }, i) => ({
        box: boxes[i]!,
        title,
        x: {
          tickvals: [0, 1, 2, 3],
          ticktext: titles,
          title: { text: "now" },
          showgrid: false,
          ticks: "",
        },
        y: {
          tickvals: [0, 1, 2, 3],
          ticktext: titles.map((title, row) => `${title} (${rounded(before[row]!)})`),
          range: [3.5, -0.5],
          showgrid: false,
          ticks: "",
          ...i === 0 ? { title: { text: "under the base (n)" } } : { showticklabels: false },
        },
      })),
    }),
  };
}

function movesTraces(
  moves: StrataMoves,
  panel: number,
  colorbar?: Partial<ColorBar>,
): Partial<Data>[] {
  const { before } = totalsOf(moves);
  const share = STRATA.map((from, i) =>
    STRATA.map((to) => 100 * moves[from][to] / (before[i] || 1))
  );
  const cells = STRATA.flatMap((from, i) =>
    STRATA.map((to, j) => ({ i, j, words: rounded(moves[from][to]), dark: share[i]![j]! > 55 }))
  );
  return [
    {
      type: "heatmap",
      z: share,
      zmin: 0,
      zmax: 100,
      colorscale: SHARE_SCALE,
      showscale: colorbar !== undefined,
      xgap: 2,
      ygap: 2,
      ...colorbar ? { colorbar } : {},
      hovertemplate: "%{z:.1f} %<extra></extra>",
      ...axesOf(panel),
    } as Partial<Data>,
    {
      type: "scatter",
      mode: "text",
      x: cells.map(({ j }) => j),
      y: cells.map(({ i }) => i),
      text: cells.map(({ words }) => words),
      textfont: {
        size: SIZES.axis,
        color: cells.map(({ dark }) => dark ? INK.paper : INK.text),
      } as Record<string, unknown>,
      hoverinfo: "skip",
      showlegend: false,
      ...axesOf(panel),
    },
  ];
}
