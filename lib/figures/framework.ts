import type { Annotations, Shape } from "plotly.js";
import type { Figure } from "./figure.ts";
import { pageLayout, text, WIDTH } from "./page.ts";
import { INK, shade, SIZES, STRATUM_COLORS, styleOf } from "./theme.ts";

const HEIGHT = 546;
const SIZE = { height: HEIGHT };

const RL = styleOf("rl").color, SFT = styleOf("relift").color;

/** A box with words, pixels. */
interface Station {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly words: string;
  readonly color: string;
}

const station = (
  left: number,
  top: number,
  width: number,
  height: number,
  words: string,
  color: string = INK.line,
): Station => ({ left, top, width, height, words, color });

/** Left edge and width of the right column. */
const [RIGHT, WIDE] = [756, 226];

const STATIONS: readonly Station[] = [
  station(20, 216, 136, 74, "<b>Questions</b><br>B drawn a step"),
  station(206, 216, 150, 74, "<b>Policy</b> π<sub>θ</sub><br>samples G<br>completions each"),
  station(406, 216, 136, 74, "<b>Verifier</b><br>right or wrong"),
  station(406, 330, 136, 74, "<b>Demonstrations</b><br>one a question,<br>verified"),
  station(
    RIGHT,
    116,
    WIDE,
    74,
    "<b>RL step</b> (optimizer 1)<br>advantage = reward − mean;<br>clipped probability ratio",
    RL,
  ),
  station(RIGHT, 222, WIDE, 62, "<b>No signal</b><br>every advantage is 0"),
  station(
    RIGHT,
    318,
    WIDE,
    74,
    "<b>Buffer</b> of hardest questions,<br>each with its demonstration",
    STRATUM_COLORS.hardest,
  ),
  station(
    RIGHT,
    432,
    WIDE,
    74,
    "<b>SFT step</b> (optimizer 2)<br>on M demonstrations,<br>loss −log π − α · entropy",
    SFT,
  ),
];

/** A polyline with a head at its last point, pixels. */
interface Arrow {
  readonly points: readonly (readonly [number, number])[];
  readonly color: string;
}

const arrow = (
  color: string,
  ...points: readonly (readonly [number, number])[]
): Arrow => ({ color, points });

const ARROWS: readonly Arrow[] = [
  arrow(INK.line, [156, 253], [206, 253]),
  arrow(INK.line, [356, 253], [406, 253]),
  arrow(RL, [542, 235], [572, 235], [572, 153], [RIGHT, 153]),
  arrow(INK.line, [542, 253], [RIGHT, 253]),
  arrow(STRATUM_COLORS.hardest, [542, 271], [572, 271], [572, 341], [RIGHT, 341]),
  arrow(INK.line, [542, 369], [RIGHT, 369]),
  arrow(SFT, [870, 392], [870, 432]),
  arrow(RL, [870, 116], [870, 100], [281, 100], [281, 216]),
  arrow(SFT, [RIGHT, 469], [281, 469], [281, 290]),
];

/** Words beside arrows: text, left, middle. */
const LABELS: readonly (readonly [string, number, number])[] = [
  ["some right", 580, 141],
  ["all right", 580, 241],
  ["none right (accuracy ≤ Q)", 580, 329],
  ["looked up", 580, 381],
  ["when M wait", 880, 412],
  ["new weights, every step", 300, 88],
  ["new weights, when the buffer was taught", 300, 457],
];

/** How ReLIFT works (arXiv:2506.07527): what happens to each question in one step. No data. */
export function frameworkDiagram(): Figure {
  const layout = pageLayout({
    title: "ReLIFT: RL, interleaved with fine-tuning on the questions RL cannot solve",
    subtitle:
      "One step, for each group of completions of one question. The paper's second version: " +
      "B = 128, G = 8, M = 64, Q = 0, α = 0.0001.",
    height: HEIGHT,
    panels: [],
    shapes: [...STATIONS.map(boxShape), ...ARROWS.flatMap(arrowShapes)],
    annotations: [
      ...STATIONS.map(boxWords),
      ...LABELS.map(([words, left, middle]) =>
        text(words, left, middle, SIZE, { font: { size: SIZES.tick, color: INK.soft } })
      ),
    ],
  });
  return { data: [], layout: { ...layout, xaxis: { visible: false }, yaxis: { visible: false } } };
}

function boxShape({ left, top, width, height, color }: Station): Partial<Shape> {
  return {
    type: "rect",
    xref: "paper",
    yref: "paper",
    x0: left / WIDTH,
    x1: (left + width) / WIDTH,
    y0: 1 - (top + height) / HEIGHT,
    y1: 1 - top / HEIGHT,
    fillcolor: color === INK.line ? "#F7F7F7" : shade(color, 0.86),
    line: { color, width: 1.6 },
  };
}

function boxWords({ left, top, width, height, words }: Station): Partial<Annotations> {
  return text(words, left + width / 2, top + height / 2, SIZE, {
    xanchor: "center",
    align: "center",
    font: { size: SIZES.axis, color: INK.text },
  });
}

/** The line, and its head as a triangle: Plotly's own arrows do not turn corners. */
function arrowShapes({ points, color }: Arrow): Partial<Shape>[] {
  const [fromX, fromY] = points.at(-2)!, [x, y] = points.at(-1)!;
  const length = Math.hypot(x - fromX, y - fromY);
  const [dx, dy] = [(x - fromX) / length, (y - fromY) / length];
  const base = [x - 10 * dx, y - 10 * dy] as const;
  const head = [
    [x, y],
    [base[0] - 5 * dy, base[1] + 5 * dx],
    [base[0] + 5 * dy, base[1] - 5 * dx],
  ] as const;
  const common = { type: "path", xref: "paper", yref: "paper" } as const;
  return [
    {
      ...common,
      path: pathOf([...points.slice(0, -1), base]),
      line: { color, width: 2 },
    },
    { ...common, path: `${pathOf(head)} Z`, fillcolor: color, line: { color, width: 1 } },
  ];
}

function pathOf(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y], i) =>
    `${i === 0 ? "M" : "L"} ${(x / WIDTH).toFixed(5)} ${(1 - y / HEIGHT).toFixed(5)}`
  ).join(" ");
}
