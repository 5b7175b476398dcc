/**
 * Plotly figures as SVG, without a browser: plotly.js on jsdom, with the measures of SVG shapes that
 * jsdom lacks. Enough for lines, axes and legends; text is taken to be as wide as it mostly is.
 *
 * @module
 */
import { JSDOM, VirtualConsole } from "npm:jsdom@31.0.1";
import plotly from "npm:plotly.js-dist-min@4.1.2/plotly.min.js" with { type: "text" };

/** A figure, in Plotly's own format. */
export interface Figure {
  readonly data: readonly Readonly<Record<string, unknown>>[];
  readonly layout: Readonly<Record<string, unknown>>;
}

/** A rectangle in the coordinates of an element or of the picture. */
interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What is used here of an element of jsdom. */
interface Shape {
  readonly localName: string;
  readonly parentNode: Shape | null;
  readonly children: Iterable<Shape>;
  readonly textContent: string | null;
  readonly style?: { getPropertyValue(name: string): string };
  getAttribute(name: string): string | null;
  querySelectorAll(selector: string): ArrayLike<Shape>;
}

/** Width of a character and height of a line, as shares of the font's size: sans-serif fonts. */
const [CHARACTER, LINE] = [0.62, 1.2];

/** Draws a figure. The same figure gives the same bytes. */
export async function toSvg(figure: Figure, width: number, height: number): Promise<string> {
  const { window } = new JSDOM("<!DOCTYPE html><body></body>", {
    runScripts: "outside-only",
    pretendToBeVisual: true,
    virtualConsole: new VirtualConsole(), // silent: jsdom tells that it has no canvas
  });
  try {
    addMeasures(window);
    window.eval(plotly);
    let state = 1; // Plotly draws the ids of clips at random
    window.Math.random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    const place = window.document.createElement("div");
    window.document.body.appendChild(place);
    const { data, layout } = structuredClone(figure);
    await window.Plotly.newPlot(place, data, { ...layout, width, height }, { staticPlot: true });
    const options = { format: "svg", width, height, imageDataOnly: true };
    const svg: string = await window.Plotly.toImage(place, options);
    return svg.replaceAll(/url\('(#[^']+)'\)/g, "url($1)") + "\n";
  } finally {
    window.close();
  }
}

// deno-lint-ignore no-explicit-any -- jsdom's window, whose classes are patched
function addMeasures(window: any): void {
  const shape = window.SVGElement.prototype;
  shape.getBBox = function (this: Shape): Box {
    return boxOf(this) ?? { x: 0, y: 0, width: 0, height: 0 };
  };
  shape.getBoundingClientRect = function (this: Shape): unknown {
    const { x, y, width, height } = inPicture(this, boxOf(this));
    return { x, y, width, height, left: x, top: y, right: x + width, bottom: y + height };
  };
  shape.getComputedTextLength = function (this: Shape): number {
    return boxOf(this)?.width ?? 0;
  };
  window.URL.createObjectURL ??= () => "blob:none"; // plotly.js starts no worker with it
}

/** A box around an element in its own coordinates; undefined around nothing. */
function boxOf(element: Shape): Box | undefined {
  const number = (name: string) => parseFloat(element.getAttribute(name) ?? "") || 0;
  switch (element.localName) {
    case "text":
      return textBox(element);
    case "rect":
      return { x: number("x"), y: number("y"), width: number("width"), height: number("height") };
    case "g":
    case "svg":
      return around([...element.children].flatMap((child) => {
        const box = boxOf(child);
        const [dx, dy] = shiftOf(child);
        return box ? [{ ...box, x: box.x + dx, y: box.y + dy }] : [];
      }));
    case "path": {
      const numbers = (element.getAttribute("d")?.match(/-?\d*\.?\d+/g) ?? []).map(Number);
      const points = numbers.flatMap((x, i) =>
        i % 2 === 0 ? [{ x, y: numbers[i + 1] ?? 0, width: 0, height: 0 }] : []
      );
      return around(points);
    }
  }
}

function around(boxes: readonly Box[]): Box | undefined {
  if (boxes.length === 0) return;
  const [x, y] = [Math.min(...boxes.map(({ x }) => x)), Math.min(...boxes.map(({ y }) => y))];
  const right = Math.max(...boxes.map(({ x, width }) => x + width));
  const bottom = Math.max(...boxes.map(({ y, height }) => y + height));
  return { x, y, width: right - x, height: bottom - y };
}

function textBox(element: Shape): Box | undefined {
  const inherited = (name: string): string => {
    for (let each: Shape | null = element; each; each = each.parentNode) {
      const value = each.style?.getPropertyValue(name) || each.getAttribute?.(name);
      if (value) return value;
    }
    return "";
  };
  const lines = Array.from(
    element.querySelectorAll("tspan.line"),
    (line) => line.textContent ?? "",
  );
  const texts = lines.length > 0 ? lines : [element.textContent ?? ""];
  const size = parseFloat(inherited("font-size")) || 12;
  const width = CHARACTER * size * Math.max(...texts.map(({ length }) => length));
  if (width === 0) return;
  const height = LINE * size * texts.length;
  const x = parseFloat(element.getAttribute("x") ?? "") || 0;
  const y = parseFloat(element.getAttribute("y") ?? "") || 0;
  const anchor = { middle: 0.5, end: 1 }[inherited("text-anchor")] ?? 0;
  return { x: x - anchor * width, y: y - 0.8 * LINE * size, width, height };
}

/** How far an element is moved by its own `translate`. */
function shiftOf(element: Shape): readonly [number, number] {
  const found = /translate\(\s*(-?[\d.]+)(?:[\s,]+(-?[\d.]+))?/.exec(
    element.getAttribute("transform") ?? "",
  );
  return found ? [Number(found[1]), Number(found[2] ?? 0)] : [0, 0];
}

function inPicture(element: Shape, box: Box = { x: 0, y: 0, width: 0, height: 0 }): Box {
  let { x, y } = box;
  for (let each: Shape | null = element; each && each.localName !== "svg"; each = each.parentNode) {
    const [dx, dy] = shiftOf(each);
    [x, y] = [x + dx, y + dy];
  }
  return { ...box, x, y };
}
