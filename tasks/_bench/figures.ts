/**
 * Results as pictures.
 *
 * @module
 */
import type { Layout, PlotData } from "plotly.js";
import { type Figure, toSvg } from "../../mod.ts";
import { bySize, isPeer, residentGrowth, type Sweep, sweepsOf } from "./tables.ts";
import type { Results } from "./results.ts";
import type { Row } from "./race.ts";

/** Colours that also differ in lightness, for readers who do not tell red from green. */
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

/** Pixels of a picture, and what its panels leave for titles and legends. */
const [WIDTH, PANEL, TOP, LINE] = [960, 300, 70, 20];

/** A panel of lines, all on axes of its own. */
interface Panel {
  readonly x: string;
  readonly y: string;
  readonly logarithmic: boolean;
  readonly lines: readonly {
    readonly name: string;
    readonly dashed: boolean;
    readonly points: readonly (readonly [number, number])[];
  }[];
}

/** A trace; its types do not know yet that there can be several legends. */
type Line = Partial<PlotData> & { legend: string };

/** Panels side by side, the legend of each below it. */
export function panelFigure(title: string, panels: readonly Panel[]): Figure {
  const legend = LINE * Math.max(...panels.map(({ lines }) => lines.length));
  const [bottom, height] = [50 + legend, TOP + PANEL + 50 + legend];
  const gap = 0.1;
  const width = (1 - gap * (panels.length - 1)) / panels.length;
  const layout: Partial<Layout> & Record<string, unknown> = {
    width: WIDTH,
    height,
    title: { text: title },
    margin: { l: 70, r: 20, t: TOP, b: bottom },
    plot_bgcolor: "white",
    annotations: panels.map(({ y }, i) => ({
      text: y,
      x: i * (width + gap),
      y: 1,
      xref: "paper",
      yref: "paper",
      xanchor: "left",
      yanchor: "bottom",
      showarrow: false,
    })),
  };
  const data = panels.flatMap(({ x, logarithmic, lines }, i) => {
    const number = i === 0 ? "" : String(i + 1);
    const left = i * (width + gap);
    const xs = [...new Set(lines.flatMap(({ points }) => points.map(([x]) => x)))];
    const shared = { showgrid: true, gridcolor: "#e5e5e5", linecolor: "#444", ticks: "outside" };
    layout[`xaxis${number}`] = {
      ...shared,
      title: { text: x, standoff: 4 },
      domain: [left, left + width],
      anchor: `y${number}`,
      ...(logarithmic
        ? { type: "log", tickvals: xs, ticktext: xs.map(String) }
        : { rangemode: "tozero" }),
    };
    layout[`yaxis${number}`] = {
      ...shared,
      anchor: `x${number}`,
      ...(logarithmic ? { type: "log", dtick: "D2" } : { rangemode: "tozero" }),
    };
    layout[`legend${number}`] = {
      x: left,
      y: -50 / PANEL,
      xanchor: "left",
      yanchor: "top",
      bgcolor: "rgba(0,0,0,0)",
    };
    return lines.map(({ name, dashed, points }, at): Line => ({
      type: "scatter",
      mode: points.length > 20 ? "lines" : "lines+markers",
      name,
      x: points.map(([x]) => x),
      y: points.map(([, y]) => y),
      line: { color: COLORS[at % COLORS.length], width: 2, dash: dashed ? "dash" : "solid" },
      xaxis: `x${number}`,
      yaxis: `y${number}`,
      legend: `legend${number}`,
      showlegend: true,
    }));
  });
  return { data, layout };
}

/** How an axis of a sweep reads. */
const AXES: Readonly<Record<string, string>> = {
  batch: "batch, sequences",
  seq: "sequence length, tokens",
  newTokens: "new tokens",
};

function sweepPanel(sweeps: readonly Sweep[], y: string): Panel {
  return {
    x: AXES[sweeps[0]!.axis]!,
    y,
    logarithmic: true,
    lines: sweeps.filter(({ points }) => points.length > 0).map((
      { contender, points, growth },
    ) => ({
      name: growth ? `${contender}: exponent ${growth.exponent.toFixed(2)}` : contender,
      dashed: isPeer({ contender }),
      points,
    })),
  };
}

/** The pictures of the results, by file name. */
export function figuresOf(results: Results): Record<string, Figure> {
  const figures: Record<string, Figure> = {};
  for (const [size, ofSize] of bySize(sweepsOf(results.cost?.rows ?? []))) {
    for (const [what, sweeps] of Map.groupBy(ofSize, ({ what }) => what)) {
      const panels = [...Map.groupBy(sweeps, ({ axis }) => axis).values()];
      figures[`${what.replaceAll(" ", "_")}_${size}.svg`] = panelFigure(
        `${what[0]!.toUpperCase()}${what.slice(1)}, ${size}`,
        panels.map((panel) => sweepPanel(panel, "milliseconds")),
      );
    }
  }
  const memory = sweepsOf(
    (results.memory?.rows ?? []).map((row) => ({ ...row, what: "memory by seq" })),
    (row) => positive(residentGrowth(row)),
  );
  if (memory.some(({ points }) => points.length > 0)) {
    figures["memory.svg"] = panelFigure(
      `Memory that a training step of ${memory[0]!.size} adds to the process, batch 4`,
      [sweepPanel(memory, "MiB")],
    );
  }
  if (results.growth) {
    figures["growth.svg"] = panelFigure(
      `Memory over ${results.growth.rows[0]?.repeats} training steps of varying lengths`,
      [
        growthPanel(results.growth.rows, "deviceBytes", "MiB of heap or GPU buffers"),
        growthPanel(results.growth.rows, "residentBytes", "MiB of the process"),
      ],
    );
  }
  return figures;
}

const positive = (bytes: number | undefined) =>
  bytes !== undefined && bytes > 0 ? bytes / 2 ** 20 : undefined;

function growthPanel(rows: readonly Row[], name: string, y: string): Panel {
  return {
    x: "training steps",
    y,
    logarithmic: false,
    lines: rows.map(({ contender, seen }) => ({
      name: contender,
      dashed: false,
      points: (seen![name] as number[]).map((bytes, step) => [step + 1, bytes / 2 ** 20] as const),
    })),
  };
}

/** Draws the pictures of the results into a folder; returns their file names. */
export async function drawFigures(results: Results, folder: string): Promise<string[]> {
  const figures = figuresOf(results);
  for (const [name, figure] of Object.entries(figures)) {
    await Deno.writeTextFile(`${folder}/${name}`, await toSvg(figure));
  }
  return Object.keys(figures);
}
