/**
 * Plotly in a window of jsdom, which is a browser that lays nothing out: it is given what of SVG
 * and canvas Plotly asks for. Loading takes about a second, so import this only to draw.
 *
 * @module
 */
import { JSDOM, VirtualConsole } from "jsdom";
import plotly from "plotly.js-dist-min/plotly.min.js" with { type: "text" };
import { randomSeeded } from "../random.ts";
import { installCanvas } from "./canvas.ts";
import type { FigureSize } from "./drawable.ts";
import type { Figure } from "./figure.ts";
import { openMeasure } from "./fonts.ts";
import { installGeometry } from "./geometry.ts";

/**
 * Draws a figure of `drawable()` and returns the text of an SVG, as Plotly writes it.
 *
 * @throws {RangeError} When Plotly would leave out something that the figure says.
 */
export type Draw = (figure: Figure, size: FigureSize) => Promise<string>;

/** Opens the window. Draw one figure at a time: all share one source of random numbers. */
export async function openPlotly(): Promise<Draw> {
  const { window } = new JSDOM("<!DOCTYPE html><body></body>", {
    runScripts: "outside-only",
    pretendToBeVisual: true,
    virtualConsole: new VirtualConsole(), // silent: Plotly tells that MathJax is not there
  });
  installGeometry(window.SVGElement.prototype, await openMeasure());
  installCanvas(window.HTMLCanvasElement.prototype);
  window.URL.createObjectURL = () => "blob:none"; // Plotly asks for one when it starts, for maps
  window.eval(plotly);
  const schema = window.Plotly.PlotSchema.get(); // else made anew, in 0.1 s, to check each figure
  window.Plotly.PlotSchema.get = () => schema;
  return async (figure, size) => {
    const { data, layout } = window.JSON.parse(JSON.stringify(figure)); // arrays of the window
    for (const { code, msg } of window.Plotly.validate(data, layout) ?? []) {
      if (["schema", "value", "object", "array", "container"].includes(code)) {
        throw new RangeError(`Cannot draw a figure as Plotly must understand all of it: ${msg}`);
      }
    }
    window.Math.random = randomSeeded(1, "figure"); // Plotly draws the ids of clips at random
    const place = window.document.body.appendChild(window.document.createElement("div"));
    try {
      await window.Plotly.newPlot(place, data, layout, { staticPlot: true });
      return await window.Plotly.toImage(place, { format: "svg", imageDataOnly: true, ...size });
    } finally {
      window.Plotly.purge(place);
      place.remove();
    }
  };
}
