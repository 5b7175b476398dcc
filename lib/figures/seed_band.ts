import type { Data, Layout, LayoutAxis } from "plotly.js";
import { type Curve, summarizeCurve } from "../runs/study_results.ts";
import type { Figure } from "./figure.ts";
import { axesOf, grid, headHeight, pageLayout, topLegend, WIDTH } from "./page.ts";
import { markerOf, type MethodStyle, translucent } from "./theme.ts";

/** A curve with its looks. */
export interface BandLine {
  /** In the legend. */
  readonly title: string;
  readonly style: MethodStyle;
  readonly curve: Curve;
}

/** Where and how a {@linkcode BandLine} is drawn. */
export interface BandOptions {
  /** Index of the panel. */
  readonly panel?: number;
  /** What values are multiplied with, such as 100 for percent; 1 unless said. */
  readonly scale?: number;
  /** Whether each seed is drawn as a thin line; true unless said. */
  readonly seeds?: boolean;
  /** Whether the legend names it; true unless said. */
  readonly legend?: boolean;
  /** Unit of a value in hover labels. */
  readonly unit?: string;
  /** Markers along the mean, 0 for one at each value; 6 unless said. */
  readonly markers?: number;
  /** Least value there can be, such as 0 for counts: the band ends there. */
  readonly floor?: number;
}

/**
 * A curve as traces: each seed a thin line, mean ± one standard deviation over seeds a band, the
 * mean a line with a few markers.
 */
export function seedBand(line: BandLine, options: BandOptions = {}): Partial<Data>[] {
  const { title, style, curve } = line;
  const { panel = 0, scale = 1, seeds = true, legend = true, unit = "", markers = 6, floor } =
    options;
  const scaled = (values: readonly (number | null)[]): (number | null)[] =>
    values.map((value) => value === null ? null : scale * value);
  const { mean, deviation } = summarizeCurve(curve);
  const common = { type: "scatter", legendgroup: title, ...axesOf(panel) } as const;
  const quiet = { ...common, mode: "lines", hoverinfo: "skip", showlegend: false } as const;
  const many = curve.seeds.length > 1;
  return [
    ...many
      ? [{
        ...quiet,
        ...bandOutline(curve.x, scaled(mean), scaled(deviation), floor),
        fill: "toself" as const,
        fillcolor: translucent(style.color, 0.16),
        line: { width: 0 },
      }]
      : [],
    ...many && seeds
      ? [{
        ...quiet,
        x: curve.seeds.flatMap(() => [...curve.x, null]),
        y: curve.seeds.flatMap((values) => [...scaled(values), null]), // null lifts the pen
        line: { color: translucent(style.color, 0.5), width: 0.7 },
      }]
      : [],
    {
      ...common,
      name: title,
      mode: "lines+markers",
      x: [...curve.x],
      y: scaled(mean),
      line: { color: style.color, dash: style.dash, width: style.width },
      marker: { ...markerOf(style), maxdisplayed: markers },
      cliponaxis: false,
      showlegend: legend,
      hovertemplate: `${title}<br>%{x}: %{y:.3~g}${unit}<extra></extra>`,
    },
  ];
}

/** Mean plus and, backwards, minus the deviation; a closed outline for each stretch of values. */
function bandOutline(
  x: readonly number[],
  mean: readonly (number | null)[],
  deviation: readonly (number | null)[],
  floor = -Infinity,
): { x: (number | null)[]; y: (number | null)[] } {
  const outline = { x: [] as (number | null)[], y: [] as (number | null)[] };
  let stretch: number[] = [];
  const close = () => {
    const back = stretch.toReversed();
    const at = (i: number, sign: number) => Math.max(floor, mean[i]! + sign * deviation[i]!);
    outline.x.push(...[...stretch, ...back].map((i) => x[i]!), null);
    outline.y.push(...stretch.map((i) => at(i, 1)), ...back.map((i) => at(i, -1)), null);
    stretch = [];
  };
  for (const i of x.keys()) {
    if (mean[i] !== null && deviation[i] !== null) stretch.push(i);
    else if (stretch.length > 0) close();
  }
  if (stretch.length > 0) close();
  return outline;
}

/**
 * A range that holds every value of some curves, with a little room.
 *
 * Panels that share an axis need it: Plotly does not find the range of axes that match the first of
 * a later row.
 */
export function rangeOf(curves: readonly Curve[], scale = 1): [number, number] | undefined {
  const values = curves.flatMap(({ seeds }) => seeds.flat()).filter((value) => value !== null);
  if (values.length === 0) return;
  const low = scale * values.reduce((least, value) => Math.min(least, value));
  const high = scale * values.reduce((most, value) => Math.max(most, value));
  const room = 0.05 * (high - low || 1);
  return [low - room, high + room];
}

/** An x axis of training steps: from 0, without the room Plotly leaves for markers. */
export const STEPS_AXIS = { rangemode: "tozero" } as const satisfies Partial<LayoutAxis>;

/** What {@linkcode seedBandCurves} is told. */
export interface SeedBandOptions {
  /** What is compared. */
  readonly title: string;
  /** n, seeds and budget. */
  readonly subtitle: string;
  /** Titles of the axes, units included. */
  readonly x: string;
  readonly y: string;
  /** What values are multiplied with, such as 100 for percent. */
  readonly scale?: number;
  /** Pixels; 480 unless said. */
  readonly height?: number;
  /** Of the y axis; as the values are unless said. */
  readonly range?: readonly [number, number];
}

/** Curves of several methods in one panel, the general figure of a metric over training. */
export function seedBandCurves(lines: readonly BandLine[], options: SeedBandOptions): Figure {
  const { title, subtitle, x, y, scale, height = 480, range } = options;
  const top = headHeight(subtitle, 1) + 16;
  const [box] = grid({
    rows: 1,
    columns: 1,
    gap: [0, 0],
    box: { left: 70, top, width: WIDTH - 70 - 24, height: height - top - 76 },
  });
  const layout: Partial<Layout> = pageLayout({
    title,
    subtitle,
    height,
    legend: topLegend(subtitle, { height }),
    panels: [{
      box: box!,
      x: { ...STEPS_AXIS, title: { text: x } },
      y: { title: { text: y }, ...(range ? { range: [...range] } : {}) },
    }],
  });
  return { data: lines.flatMap((line) => seedBand(line, { scale })), layout };
}
