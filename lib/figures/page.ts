/**
 * The page a figure is laid out on, in pixels: title, subtitle, legend, panels with axes, a note at
 * the foot. Margins are none, so that what Plotly calls paper is the whole picture.
 *
 * @module
 */
import type { Annotations, ColorBar, Layout, LayoutAxis, Shape } from "plotly.js";
import { FONT_FAMILY } from "./fonts.ts";
import { INK, SIZES } from "./theme.ts";

/** A rectangle, pixels from the picture's left and top. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A box with a pair of axes. */
export interface Panel {
  readonly box: Box;
  /** Above it. */
  readonly title?: string;
  readonly x: Partial<LayoutAxis>;
  readonly y: Partial<LayoutAxis>;
  /** Whether it shows what others published. */
  readonly published?: boolean;
}

/** What a page holds. */
export interface Page {
  /** What is compared. */
  readonly title: string;
  /** n, seeds and budget, and how to read it. */
  readonly subtitle: string;
  readonly height: number;
  readonly width?: number;
  readonly panels: readonly Panel[];
  /** Where the legend stands; none unless said. */
  readonly legend?: Partial<Layout["legend"]>;
  readonly annotations?: readonly Partial<Annotations>[];
  readonly shapes?: readonly Partial<Shape>[];
}

/** Width of a figure unless said, pixels. */
export const WIDTH = 1000;

/** Its `autoexpand`, which keeps a long legend from moving the panels, is not in the types. */
const NO_MARGIN = { l: 0, r: 0, t: 0, b: 0, pad: 0, autoexpand: false };

/** Left edge of titles and notes. */
const EDGE = 16;

/** Width of a subtitle's character, on average and a little more, pixels. */
const CHARACTER = 6.8;

/** Room at the foot of every page, for {@linkcode withNote}. */
export const FOOT = 26;

/** A page as a Plotly layout. Panel i has the axes {@linkcode axesOf}(i). */
export function pageLayout(page: Page): Partial<Layout> {
  const { title, subtitle, height, width = WIDTH, panels, legend } = page;
  const size = { width, height };
  return {
    ...size,
    autosize: false,
    title: {
      text: `<b>${title}</b>`,
      x: EDGE / width,
      xref: "container",
      xanchor: "left",
      y: 1 - 12 / height,
      yref: "container",
      yanchor: "top",
      font: { size: SIZES.title, color: INK.text },
    },
    font: { family: FONT_FAMILY, size: SIZES.tick, color: INK.text },
    paper_bgcolor: INK.paper,
    plot_bgcolor: INK.paper,
    margin: NO_MARGIN,
    showlegend: legend !== undefined,
    ...(legend
      ? { legend: { font: { size: SIZES.tick }, bgcolor: "rgba(0,0,0,0)", ...legend } }
      : {}),
    ...Object.fromEntries(panels.flatMap((panel, i) => axisEntries(panel, i, size))),
    annotations: [
      subtitleText(subtitle, size),
      ...panels.flatMap(({ box, title }) =>
        title === undefined ? [] : [text(title, box.left, box.top - 8, size, {
          font: { size: SIZES.panel, color: INK.text },
          yanchor: "bottom",
        })]
      ),
      ...page.annotations ?? [],
    ],
    shapes: [
      ...panels.flatMap(({ box, published }) => published ? [backdrop(box, size)] : []),
      ...page.shapes ?? [],
    ],
    hoverlabel: { font: { family: FONT_FAMILY, size: SIZES.tick } },
  };
}

/** Not Plotly's own subtitle, whose lines some readers of SVG put on top of each other. */
function subtitleText(
  subtitle: string,
  size: { width: number; height: number },
): Partial<Annotations> {
  return text(wrap(subtitle, size.width).join("<br>"), EDGE - 1, 40, size, {
    yanchor: "top",
    font: { size: SIZES.subtitle, color: INK.soft },
  });
}

/** Height of title, subtitle and legend: where panels, or their titles, may begin. */
export function headHeight(subtitle: string, legendRows = 0, width = WIDTH): number {
  return 48 + 17 * wrap(subtitle, width).length + 27 * legendRows;
}

/** A legend in rows under the subtitle. */
export function topLegend(
  subtitle: string,
  size: { width?: number; height: number },
): Partial<Layout["legend"]> {
  const { width = WIDTH, height } = size;
  return {
    orientation: "h",
    x: EDGE / width,
    xanchor: "left",
    y: 1 - (headHeight(subtitle, 0, width) + 1) / height,
    yanchor: "top",
    tracegroupgap: 0,
    traceorder: "normal",
  };
}

/** A legend in a column, from a point to the right and down. */
export function sideLegend(
  left: number,
  top: number,
  size: { width?: number; height: number },
): Partial<Layout["legend"]> {
  const { width = WIDTH, height } = size;
  return {
    x: left / width,
    xanchor: "left",
    y: 1 - top / height,
    yanchor: "top",
    tracegroupgap: 0,
  };
}

/** Breaks a text into lines that fit, at spaces. */
function wrap(line: string, width: number): string[] {
  const most = Math.floor((width - 2 * EDGE) / CHARACTER);
  const lines = [""];
  for (const word of line.split(" ")) {
    const last = lines.at(-1)!;
    if (last !== "" && last.length + 1 + word.length > most) lines.push(word);
    else lines.splice(-1, 1, last === "" ? word : `${last} ${word}`);
  }
  return lines;
}

/** Room for the longest of some labels of an axis, pixels. */
export function labelWidth(labels: readonly string[]): number {
  const lengths = labels.map((label) => label.replaceAll(/<[^>]*>/g, "").length);
  return Math.ceil(0.61 * SIZES.tick * Math.max(0, ...lengths)) + 12;
}

/** How a grid of boxes is cut. */
export interface GridOptions {
  readonly rows: number;
  readonly columns: number;
  /** All of it, axis labels left out. */
  readonly box: Box;
  /** Between columns and between rows, pixels. */
  readonly gap: readonly [number, number];
  /** Shares of the columns' widths; equal unless said. */
  readonly widths?: readonly number[];
  /** Shares of the rows' heights; equal unless said. */
  readonly heights?: readonly number[];
}

/** Boxes in rows and columns, row after row. */
export function grid({ rows, columns, box, gap, widths, heights }: GridOptions): Box[] {
  const across = cut(box.left, box.width, columns, gap[0], widths);
  const down = cut(box.top, box.height, rows, gap[1], heights);
  return down.flatMap(([top, height]) =>
    across.map(([left, width]) => ({ left, top, width, height }))
  );
}

function cut(
  start: number,
  length: number,
  parts: number,
  gap: number,
  shares: readonly number[] = Array.from({ length: parts }, () => 1),
): [number, number][] {
  const all = shares.reduce((sum, share) => sum + share, 0);
  let at = start;
  return shares.map((share) => {
    const size = (length - gap * (parts - 1)) * share / all;
    const part: [number, number] = [at, size];
    at += size + gap;
    return part;
  });
}

/** The axes of panel `i`, for a trace: `{ xaxis: "x2", yaxis: "y2" }`. */
export function axesOf(i: number): { xaxis: string; yaxis: string } {
  const number = i === 0 ? "" : i + 1;
  return { xaxis: `x${number}`, yaxis: `y${number}` };
}

function axisEntries(
  { box, x, y }: Panel,
  i: number,
  { width, height }: { width: number; height: number },
): [string, Partial<LayoutAxis>][] {
  const { xaxis, yaxis } = axesOf(i);
  const number = i === 0 ? "" : String(i + 1);
  const [left, right] = [box.left / width, (box.left + box.width) / width];
  const [bottom, top] = [1 - (box.top + box.height) / height, 1 - box.top / height];
  return [
    [`xaxis${number}`, axis({ ...x, domain: [left, right], anchor: yaxis as "y" })],
    [`yaxis${number}`, axis({ ...y, domain: [bottom, top], anchor: xaxis as "x" })],
  ];
}

/** An axis of the house: a thin line, outer ticks, a light grid. */
function axis(own: Partial<LayoutAxis>): Partial<LayoutAxis> {
  const title = typeof own.title === "string" ? { text: own.title } : own.title;
  return {
    showline: true,
    linecolor: INK.line,
    linewidth: 1,
    ticks: "outside",
    ticklen: 4,
    tickcolor: INK.line,
    gridcolor: INK.grid,
    zeroline: false,
    automargin: false,
    tickfont: { size: SIZES.tick },
    ...own,
    ...(title ? { title: { font: { size: SIZES.axis }, standoff: 8, ...title } } : {}),
  };
}

/** A colour bar to the right of a box, as high as the box. */
export function colorBar(
  { left, top, width, height }: Box,
  title: string,
  page: { width?: number; height: number },
): Partial<ColorBar> {
  return {
    title: { text: title, font: { size: SIZES.tick } } as ColorBar["title"],
    thickness: 12,
    x: (left + width + 10) / (page.width ?? WIDTH),
    xanchor: "left",
    xpad: 0,
    y: 1 - (top + height) / page.height,
    yanchor: "bottom",
    ypad: 0,
    len: height / page.height,
    lenmode: "fraction",
    tickfont: { size: SIZES.note } as ColorBar["tickfont"],
    outlinewidth: 0,
  };
}

/** Ticks of a logarithmic axis at 1, 2 and 5 times powers of ten. */
export function logTicks(low: number, high: number): { tickvals: number[]; ticktext: string[] } {
  const ticks: { value: number; words: string }[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const digit of [1, 2, 5]) {
      const value = digit * 10 ** power;
      if (value < low || value > high) continue;
      ticks.push({ value, words: power < 4 ? String(value) : `${digit}×10<sup>${power}</sup>` });
    }
  }
  return {
    tickvals: ticks.map(({ value }) => value),
    ticktext: ticks.map(({ words }) => words),
  };
}

/** A text on the page; no arrow. */
export function text(
  words: string,
  left: number,
  top: number,
  { width = WIDTH, height }: { width?: number; height: number },
  own: Partial<Annotations> = {},
): Partial<Annotations> {
  return {
    text: words,
    xref: "paper",
    yref: "paper",
    x: left / width,
    y: 1 - top / height,
    xanchor: "left",
    yanchor: "middle",
    showarrow: false,
    align: "left",
    font: { size: SIZES.tick, color: INK.text },
    ...own,
  };
}

/** The ground behind what others published. */
function backdrop(box: Box, { width, height }: { width: number; height: number }): Partial<Shape> {
  return {
    type: "rect",
    layer: "below",
    xref: "paper",
    yref: "paper",
    x0: box.left / width,
    x1: (box.left + box.width) / width,
    y0: 1 - (box.top + box.height) / height,
    y1: 1 - box.top / height,
    fillcolor: INK.published,
    line: { width: 0 },
  };
}

/** A figure with a small note at its foot: what made it, from what. */
export function withNote<F extends { readonly layout: Partial<Layout> }>(
  figure: F,
  note: string,
): F {
  const { annotations = [], width = WIDTH, height = 0 } = figure.layout;
  const foot = text(note, EDGE, height - 6, { width, height }, {
    yanchor: "bottom",
    font: { size: SIZES.note, color: INK.soft },
  });
  return { ...figure, layout: { ...figure.layout, annotations: [...annotations, foot] } };
}
