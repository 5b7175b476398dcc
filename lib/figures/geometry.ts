/**
 * Where SVG shapes and texts lie. Plotly asks the browser; jsdom, which lays nothing out, asks here.
 *
 * @module
 */
import SvgPath from "svg-path-commander";
import type { MeasureText } from "./fonts.ts";

/** A rectangle, in pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What is read here of an element. */
export interface Shape {
  readonly nodeType: number;
  readonly localName: string;
  readonly parentNode: Shape | null;
  readonly childNodes: Iterable<Shape | Text>;
  readonly children: Iterable<Shape>;
  readonly style?: { getPropertyValue(name: string): string };
  getAttribute?(name: string): string | null;
}

/** A text node. */
interface Text {
  readonly nodeType: 3;
  readonly data: string;
}

type Point = readonly [x: number, y: number];

/**
 * Gives jsdom's SVG elements the methods of browsers that Plotly calls.
 *
 * @param prototype That of jsdom's `SVGElement`.
 */
export function installGeometry(prototype: object, measure: MeasureText): void {
  const nowhere: Box = { x: 0, y: 0, width: 0, height: 0 };
  const pathOf = (element: Shape) => element.getAttribute?.("d") || "M0,0";
  Object.assign(prototype, {
    getBBox(this: Shape): Box {
      return boxOf(this, measure) ?? nowhere;
    },
    getBoundingClientRect(this: Shape): Box & Record<string, number> {
      const { x, y, width, height } = boxInPicture(this, measure) ?? nowhere;
      return { x, y, width, height, left: x, top: y, right: x + width, bottom: y + height };
    },
    getComputedTextLength(this: Shape): number {
      return linesOf(this, measure).reduce((sum, { width }) => sum + width, 0);
    },
    getTotalLength(this: Shape): number {
      return SvgPath.getTotalLength(pathOf(this));
    },
    getPointAtLength(this: Shape, length: number): { x: number; y: number } {
      return SvgPath.getPointAtLength(pathOf(this), length);
    },
  });
}

/** The box around an element in its own coordinates; undefined around nothing. */
export function boxOf(element: Shape, measure: MeasureText): Box | undefined {
  switch (element.localName) {
    case "rect":
    case "image": {
      const [x, y, width, height] = ["x", "y", "width", "height"].map((name) =>
        lengthOf(element, name) ?? 0
      ) as [number, number, number, number];
      return { x, y, width, height };
    }
    case "circle": {
      const [x, y, r] = ["cx", "cy", "r"].map((name) => lengthOf(element, name) ?? 0) as [
        number,
        number,
        number,
      ];
      return { x: x - r, y: y - r, width: 2 * r, height: 2 * r };
    }
    case "path": {
      const path = element.getAttribute?.("d");
      return path ? SvgPath.getPathBBox(path) : undefined;
    }
    case "text":
      return textBox(element, measure);
    case "g":
    case "svg": {
      const shown = [...element.children].filter(({ style }) =>
        style?.getPropertyValue("display") !== "none"
      );
      return around(shown.flatMap((child) => {
        const box = boxOf(child, measure);
        return box ? cornersOf(box).map(moveOf(child)) : [];
      }));
    }
  }
}

/** The box around an element in the coordinates of the whole picture. */
function boxInPicture(element: Shape, measure: MeasureText): Box | undefined {
  const box = boxOf(element, measure);
  if (!box) return;
  let corners = cornersOf(box);
  for (let at: Shape | null = element; at && at.localName !== "svg"; at = at.parentNode) {
    corners = corners.map(moveOf(at));
  }
  return around(corners);
}

function cornersOf({ x, y, width, height }: Box): Point[] {
  return [[x, y], [x + width, y], [x, y + height], [x + width, y + height]];
}

function around(points: readonly Point[]): Box | undefined {
  if (points.length === 0) return;
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** The steps of a `transform`, each by its numbers. */
const MOVES = {
  translate: ([dx = 0, dy = 0]) => ([x, y]) => [x + dx, y + dy],
  scale: ([sx = 1, sy = sx]) => ([x, y]) => [sx * x, sy * y],
  rotate: ([degrees = 0, cx = 0, cy = 0]) => ([x, y]) => {
    const [cos, sin] = [Math.cos(degrees * Math.PI / 180), Math.sin(degrees * Math.PI / 180)];
    return [cx + cos * (x - cx) - sin * (y - cy), cy + sin * (x - cx) + cos * (y - cy)];
  },
  matrix: ([a = 1, b = 0, c = 0, d = 1, e = 0, f = 0]) => ([x, y]) => [
    a * x + c * y + e,
    b * x + d * y + f,
  ],
} satisfies Record<string, (numbers: readonly number[]) => (point: Point) => Point>;

/** How an element's `transform` moves a point. */
function moveOf(element: Shape): (point: Point) => Point {
  const text = element.getAttribute?.("transform") ?? "";
  const steps = Array.from(
    text.matchAll(/(translate|scale|rotate|matrix)\(([^)]*)\)/g),
    ([, name, list]) => MOVES[name as keyof typeof MOVES](list!.trim().split(/[\s,]+/).map(Number)),
  );
  return (point) => steps.reduceRight((moved, step) => step(moved), point); // the last comes first
}

/** A line of a text: where its anchor is, and how far it reaches. */
interface Line {
  readonly x: number;
  width: number;
  top: number;
  bottom: number;
}

function textBox(text: Shape, measure: MeasureText): Box | undefined {
  const share = { middle: 0.5, end: 1 }[inherited(text, "text-anchor")] ?? 0;
  return around(
    linesOf(text, measure).flatMap(({ x, width, top, bottom }) => {
      const left = x - share * width;
      return [[left, top], [left + width, bottom]] as const;
    }),
  );
}

/**
 * The lines of a text that hold anything. Plotly makes each a `tspan` of class `line`; others set
 * words bold, or raise and lower them.
 */
function linesOf(text: Shape, measure: MeasureText): Line[] {
  const lines: Line[] = [];
  let baseline = 0;
  const visit = (element: Shape): void => {
    const size = fontSizeOf(element);
    if (element === text || element.getAttribute?.("class") === "line") {
      const x = lengthOf(element, "x", size) ?? lines.at(-1)?.x ?? 0;
      lines.push({ x, width: 0, top: Infinity, bottom: -Infinity });
      baseline = lengthOf(element, "y", size) ?? baseline;
    }
    baseline += lengthOf(element, "dy", size) ?? 0;
    const bold = /bold|[6-9]00/.test(inherited(element, "font-weight"));
    for (const child of element.childNodes) {
      if (!isText(child)) visit(child);
      else {
        const line = lines.at(-1)!;
        const { width, ascent, descent } = measure(child.data, { size, bold });
        line.width += width;
        line.top = Math.min(line.top, baseline - ascent);
        line.bottom = Math.max(line.bottom, baseline + descent);
      }
    }
  };
  visit(text);
  return lines.filter(({ width }) => width > 0);
}

function isText(node: Shape | Text): node is Text {
  return node.nodeType === 3;
}

/** An attribute in pixels; undefined where it is absent. */
function lengthOf(element: Shape, name: string, fontSize = 0): number | undefined {
  const text = element.getAttribute?.(name) ?? "";
  const number = parseFloat(text);
  if (Number.isNaN(number)) return;
  return text.endsWith("em") ? number * fontSize : number;
}

/** A property as the element or the nearest ancestor that has it sets it; empty where none does. */
function inherited(element: Shape, name: string): string {
  for (let at: Shape | null = element; at; at = at.parentNode) {
    const value = ownProperty(at, name);
    if (value) return value;
  }
  return "";
}

function ownProperty(element: Shape, name: string): string {
  return element.style?.getPropertyValue(name) || element.getAttribute?.(name) || "";
}

/** The font's size in pixels; percents and `em` are of the parent's. */
function fontSizeOf(element: Shape | null): number {
  if (!element) return 12;
  const text = ownProperty(element, "font-size");
  const number = parseFloat(text);
  if (Number.isNaN(number)) return fontSizeOf(element.parentNode);
  if (text.endsWith("%")) return number / 100 * fontSizeOf(element.parentNode);
  return text.endsWith("em") ? number * fontSizeOf(element.parentNode) : number;
}
