import type { ColorBar, Data } from "plotly.js";
import { entryAccuracy, type StudyEntry } from "../runs/study_results.ts";
import type { Figure } from "./figure.ts";
import { axesOf, colorBar, FOOT, grid, headHeight, pageLayout, type Panel, WIDTH } from "./page.ts";
import { PUBLISHED_BASE, PUBLISHED_SIZE_GATE, type PublishedOption, SOURCES } from "./published.ts";
import { budgetInWords, checkEntries, questionsInWords, seedsInWords } from "./sample_sizes.ts";
import { INK, SCALE, SIZES } from "./theme.ts";

/** A table of accuracies in percent by gate (rows) and buffer size (columns). */
interface SizeGateTable {
  readonly sizes: readonly number[];
  readonly gates: readonly number[];
  /** `[gates, sizes]`; undefined where there is no entry. */
  readonly cells: readonly (readonly (TableCell | undefined)[])[];
}

interface TableCell {
  readonly mean: number;
  /** Half of the interval's width; none in what others published. */
  readonly margin?: number;
}

/**
 * Accuracy of ReLIFT by buffer size M and gate Q, each cell with half the width of its interval.
 *
 * @param entries Settings `bufferSize` and `gate` place them.
 */
export function sizeGateHeatmap(
  entries: readonly StudyEntry[],
  { published = false }: PublishedOption = {},
): Figure {
  checkEntries(entries);
  const tables = [tableOf(entries), ...published ? [publishedTable()] : []];
  const subtitle = `${questionsInWords(entries)}, ${seedsInWords(entries)}; ` +
    `${budgetInWords(entries)}. ± half the bootstrap 95 % interval over seeds and questions.` +
    (published
      ? ` Published: ${SOURCES.relift.cite}; another policy, other questions, no interval.`
      : "");
  const width = published ? WIDTH : 660;
  const top = headHeight(subtitle, 0, width) + (published ? 34 : 12);
  const height = top + 66 * tables[0]!.gates.length + 58 + FOOT;
  const boxes = grid({
    rows: 1,
    columns: tables.length,
    gap: [150, 0],
    box: { left: 76, top, width: width - 76 - 76, height: height - top - 58 - FOOT },
  });
  const titles = ["Ours", `<i>Published</i> (${PUBLISHED_BASE})`];
  return {
    data: tables.flatMap((table, i) =>
      tableTraces(table, i, colorBar(boxes[i]!, "%", { width, height }))
    ),
    layout: pageLayout({
      title: "ReLIFT: accuracy by buffer size M and gate Q",
      subtitle,
      height,
      width,
      panels: tables.map((table, i): Panel => ({
        box: boxes[i]!,
        ...published ? { title: titles[i]! } : {},
        x: {
          tickvals: [...table.sizes.keys()],
          ticktext: table.sizes.map(String),
          title: { text: "M, questions taught at once" },
          showgrid: false,
          ticks: "",
        },
        y: {
          tickvals: [...table.gates.keys()],
          ticktext: table.gates.map(fraction),
          title: { text: "Q, accuracy at or below" },
          range: [table.gates.length - 0.5, -0.5],
          showgrid: false,
          ticks: "",
        },
      })),
    }),
  };
}

function tableOf(entries: readonly StudyEntry[]): SizeGateTable {
  const placed = entries.map(({ cells }) => {
    const { bufferSize, gate } = cells[0]!.run.settings.config as unknown as {
      bufferSize: number;
      gate: number;
    };
    return { bufferSize, gate, ...entryAccuracy(cells)! };
  });
  const increasing = (values: number[]) => [...new Set(values)].sort((a, b) => a - b);
  const sizes = increasing(placed.map(({ bufferSize }) => bufferSize));
  const gates = increasing(placed.map(({ gate }) => gate));
  const cells = gates.map((gate) =>
    sizes.map((size): TableCell | undefined => {
      const found = placed.find((each) => each.gate === gate && each.bufferSize === size);
      return found && { mean: 100 * found.mean, margin: 50 * (found.high - found.low) };
    })
  );
  return { sizes, gates, cells };
}

function publishedTable(): SizeGateTable {
  const { sizes, gates, accuracy } = PUBLISHED_SIZE_GATE;
  return { sizes, gates, cells: accuracy.map((row) => row.map((mean) => ({ mean }))) };
}

/** An eighth as people write it. */
function fraction(gate: number): string {
  return ({ 0: "0", 0.125: "1/8", 0.25: "1/4", 0.375: "3/8", 0.5: "1/2" } as const)[gate] ??
    String(gate);
}

function tableTraces(
  table: SizeGateTable,
  panel: number,
  colorbar: Partial<ColorBar>,
): Partial<Data>[] {
  const means = table.cells.map((row) => row.map((cell) => cell?.mean ?? null));
  const known = means.flat().filter((mean) => mean !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const cells = table.cells.flatMap((row, i) =>
    row.flatMap((cell, j) => cell === undefined ? [] : [{ ...cell, i, j }])
  );
  return [
    {
      type: "heatmap",
      z: means,
      zmin: low,
      zmax: high,
      colorscale: SCALE,
      xgap: 2,
      ygap: 2,
      colorbar,
      hovertemplate: "%{z:.1f} %<extra></extra>",
      ...axesOf(panel),
    } as Partial<Data>,
    {
      type: "scatter",
      mode: "text",
      x: cells.map(({ j }) => j),
      y: cells.map(({ i }) => i),
      text: cells.map(({ mean, margin }) =>
        `<b>${mean.toFixed(1)}</b>${margin === undefined ? "" : `<br>± ${margin.toFixed(1)}`}`
      ),
      textfont: {
        size: SIZES.axis,
        color: cells.map(({ mean }) => mean < (low + high) / 2 ? INK.paper : INK.text),
      } as Record<string, unknown>,
      hoverinfo: "skip",
      showlegend: false,
      ...axesOf(panel),
    },
  ];
}
