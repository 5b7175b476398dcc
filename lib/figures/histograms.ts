import type { Data } from "plotly.js";
import type { HistogramBar, StudyCell } from "../runs/study.ts";
import { type EntryOf, meanHistogram, type ShareBar } from "../runs/study_results.ts";
import type { Figure } from "./figure.ts";
import { FOOT, grid, headHeight, pageLayout, topLegend, WIDTH } from "./page.ts";
import { checkEntries, seedsInWords, span, titlesInWords } from "./sample_sizes.ts";
import { INK, styleOf } from "./theme.ts";

type Runs = EntryOf<Pick<StudyCell, "histograms">>;

/** How far the last step moved the probability of sampled tokens: log of the importance ratio. */
export function ratioHistogram(entries: readonly Runs[]): Figure {
  return histogram(entries, "log-ratio", {
    title: `${titlesInWords(entries)}: importance ratio after the last step`,
    axis: "log-probability after the step minus when sampled, nats (0: ratio 1)",
  });
}

/** How far the training pass and the sampler disagree on a token, with the same weights. */
export function gapHistogram(entries: readonly Runs[]): Figure {
  return histogram(entries, "gap", {
    title: `${titlesInWords(entries)}: gap of sampler and trainer, same weights`,
    axis: "log-probability by the training pass minus by the sampler, nats",
  });
}

function histogram(
  entries: readonly Runs[],
  name: HistogramBar["name"],
  { title, axis }: { title: string; axis: string },
): Figure {
  checkEntries(entries);
  const tokens = entries.flatMap(({ cells }) =>
    cells.map(({ histograms }) =>
      histograms.filter((bar) => bar.name === name).reduce((sum, { count }) => sum + count, 0)
    )
  );
  const subtitle =
    `n = ${span(tokens)} sampled tokens a run, mean over ${seedsInWords(entries)}; ` +
    "logarithmic scale, bars without a token are left out; the outermost hold all beyond them.";
  const height = 450;
  const top = headHeight(subtitle, 1) + 14;
  const [box] = grid({
    rows: 1,
    columns: 1,
    gap: [0, 0],
    box: { left: 80, top, width: WIDTH - 80 - 24, height: height - top - 52 - FOOT },
  });
  return {
    data: thickestFirst(entries).map((entry) => outline(entry, name)),
    layout: pageLayout({
      title,
      subtitle,
      height,
      panels: [{
        box: box!,
        x: {
          title: { text: axis },
          exponentformat: "power",
          zeroline: true,
          zerolinecolor: INK.soft,
        },
        y: { type: "log", title: { text: "% of tokens" }, ...PERCENT_TICKS },
      }],
      legend: topLegend(subtitle, { height }),
    }),
  };
}

const PERCENT_TICKS = {
  tickvals: [1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100],
  ticktext: ["0.0001", "0.001", "0.01", "0.1", "1", "10", "100"],
};

/** In an order in which none hides another. */
function thickestFirst(entries: readonly Runs[]): Runs[] {
  return entries.toSorted((a, b) => styleOf(b.entry).width - styleOf(a.entry).width);
}

/** A histogram as the outline of its bars. */
function outline({ entry, title, cells }: Runs, name: HistogramBar["name"]): Partial<Data> {
  const { color, dash, width } = styleOf(entry);
  const bars = meanHistogram(cells, name);
  const height = (share: number): number | null => share > 0 ? 100 * share : null; // no log of 0
  const isNextTo = (before: ShareBar | undefined, from: number) =>
    before !== undefined && Math.abs(before.to - from) < 1e-3 * (before.to - before.from);
  return {
    type: "scatter",
    mode: "lines",
    name: title,
    x: bars.flatMap(({ from, to }, i) =>
      isNextTo(bars[i - 1], from) ? [from, to] : [null, from, to]
    ),
    y: bars.flatMap(({ share, from }, i) => {
      const both = [height(share), height(share)];
      return isNextTo(bars[i - 1], from) ? both : [null, ...both]; // null lifts the pen
    }),
    line: { color, dash, width },
    hovertemplate: `${title}: %{x:.3~g} nats, %{y:.3~g} %<extra></extra>`,
  };
}
