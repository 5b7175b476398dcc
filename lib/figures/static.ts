/**
 * Figures as pictures, without a browser. A figure gives the same bytes in every process and on
 * every machine, so a picture can be committed and compared.
 *
 * Needs the permissions `--allow-read --allow-env --allow-sys`; loads nothing before its first use.
 *
 * @module
 */
import type Upng from "@pdf-lib/upng";
import { drawable, type FigureSize, sizeOf } from "./drawable.ts";
import type { Figure } from "./figure.ts";
import { fontFiles } from "./fonts.ts";
import type { Draw } from "./plotly_window.ts";

/**
 * Traces that can be drawn, each compared with a browser's. Those that need WebGL (`scattergl`,
 * `parcoords`) would come out empty.
 */
export const STATIC_TRACES: readonly string[] = [
  "bar",
  "box",
  "contour",
  "heatmap",
  "histogram",
  "histogram2d",
  "pie",
  "sankey",
  "scatter",
  "table",
  "violin",
];

let opened: Promise<Draw> | undefined;
let turn: Promise<unknown> = Promise.resolve(); // ends when the figures before are drawn

/**
 * Draws a figure as an SVG. Its texts name fonts that most machines have; see
 * {@linkcode FONT_FAMILY}.
 *
 * @param size Pixels; by default the layout's, else 800 × 450.
 * @returns The SVG's text.
 * @throws {RangeError} When a trace is not among {@linkcode STATIC_TRACES}, when Plotly does not
 * know an attribute or its value and would leave it out, or when the size is none.
 */
export function toSvg(figure: Figure, size: Partial<FigureSize> = {}): Promise<string> {
  const drawn = turn.then(() => draw(figure, sizeOf(figure, size)));
  turn = drawn.catch(() => {});
  return drawn;
}

async function draw(figure: Figure, size: FigureSize): Promise<string> {
  for (const { type = "scatter" } of figure.data) {
    if (!STATIC_TRACES.includes(type)) {
      throw new RangeError(
        `Cannot draw a picture as its traces must be among ${STATIC_TRACES.join(", ")}: ` +
          `current value is ${type}`,
      );
    }
  }
  opened ??= import("./plotly_window.ts").then(({ openPlotly }) => openPlotly());
  const drawWithPlotly = await opened;
  const svg = await drawWithPlotly(drawable(figure, size), size);
  return svg.replaceAll(/url\('(#[^']+)'\)/g, "url($1)") + "\n"; // quoted, only browsers read it
}

let resvg: Promise<typeof import("@resvg/resvg-wasm")> | undefined;

/**
 * Turns an SVG into a PNG on white, by resvg.
 *
 * @param svg As {@linkcode toSvg} draws it.
 * @param options `scale` is pixels of the PNG for each of the SVG; 2 suits fine screens. With
 * `colors`, from 2 to 256, it has no more than so many: a third of the bytes, and a figure looks the
 * same.
 * @returns The PNG's bytes.
 */
export async function toPng(
  svg: string,
  options: { scale?: number; colors?: number } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { Resvg } = await (resvg ??= openResvg());
  const sharp = svg.replaceAll("image-rendering: pixelated", "image-rendering: optimizeSpeed");
  const picture = new Resvg(sharp, { // which would smooth "pixelated" heatmaps
    background: "white",
    fitTo: { mode: "zoom", value: options.scale ?? 2 },
    font: { fontBuffers: [...await fontFiles()], defaultFontFamily: "DejaVu Sans" },
  });
  const image = picture.render();
  try {
    if (options.colors === undefined) return new Uint8Array(image.asPng());
    const { encode } = await openUpng();
    const pixels = new Uint8Array(image.pixels).buffer;
    return new Uint8Array(encode([pixels], image.width, image.height, options.colors));
  } finally {
    image.free();
    picture.free();
  }
}

async function openResvg(): Promise<typeof import("@resvg/resvg-wasm")> {
  const module = await import("@resvg/resvg-wasm");
  await module.initWasm(
    Deno.readFile(new URL(import.meta.resolve("@resvg/resvg-wasm/index_bg.wasm"))),
  );
  return module;
}

/** Writes PNGs of few colours, which resvg does not. */
async function openUpng(): Promise<typeof Upng> {
  const module = await import("@pdf-lib/upng");
  return (module.default as unknown as { default: typeof Upng }).default; // it is CommonJS
}
