/**
 * Small figures of each kind that the toolkit draws.
 *
 * @module
 */
import type { Figure } from "../../lib/figures/figure.ts";

const size = { width: 300, height: 200, margin: { l: 60, r: 20, t: 30, b: 30 } };
const steps = [0, 1, 2, 3];

/** By name of their stored pictures. */
export const PICTURES: Readonly<Record<string, Figure>> = {
  line_with_band: {
    data: [
      { x: steps, y: [0, 2, 1, 3], mode: "lines", line: { width: 0 }, showlegend: false },
      {
        x: steps,
        y: [1, 3, 3, 4],
        mode: "lines",
        line: { width: 0 },
        fill: "tonexty",
        fillcolor: "rgba(0,114,178,0.3)",
        showlegend: false,
      },
      { x: steps, y: [0.5, 2.5, 2, 3.5], mode: "lines", name: "ReLIFT", showlegend: true },
    ],
    layout: { ...size, title: { text: "Reward, <b>5</b> seeds" } },
  },
  bars_with_errors: {
    data: [{
      type: "bar",
      x: ["SFT", "GRPO"],
      y: [0.4, 0.6],
      error_y: { type: "data", symmetric: false, array: [0.1, 0.05], arrayminus: [0.2, 0.1] },
    }],
    layout: {
      ...size,
      annotations: [{ x: 1, y: 0.6, text: "n = 5", ax: -30, ay: -20 }],
      shapes: [{
        type: "line",
        xref: "paper",
        x0: 0,
        x1: 1,
        y0: 0.5,
        y1: 0.5,
        line: { dash: "dot" },
      }],
    },
  },
  heatmap_with_text: {
    data: [{
      type: "heatmap",
      x: ["Q = 0", "Q = 1"],
      y: ["M = 1", "M = 2"],
      z: [[0, 1], [2, 3]],
      texttemplate: "%{z}",
      colorscale: [[0, "#000080"], [1, "#ffff00"]],
    }],
    layout: size,
  },
  sankey: {
    data: [{
      type: "sankey",
      node: { label: ["easy before", "hard before", "easy after", "hard after"] },
      link: { source: [0, 0, 1, 1], target: [2, 3, 2, 3], value: [30, 5, 20, 40] },
    }],
    layout: size,
  },
};
