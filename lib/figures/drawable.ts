/**
 * A figure as every form of it is made from: plain JSON, of one size, in one font.
 *
 * @module
 */
import type { Figure } from "./figure.ts";
import { FONT_FAMILY } from "./fonts.ts";

/** How Plotly shows a figure to people: no logo, and no button that uploads the figure. */
export const PLOTLY_CONFIG = {
  responsive: true,
  displaylogo: false,
  showSendToCloud: false,
} as const;

/** Pixels of a picture. */
export interface FigureSize {
  readonly width: number;
  readonly height: number;
}

/**
 * The size to draw a figure in: as asked for, else as its layout says, else 800 × 450.
 *
 * @throws {RangeError} When it is not a size in pixels.
 */
export function sizeOf({ layout }: Figure, asked: Partial<FigureSize> = {}): FigureSize {
  const size = {
    width: asked.width ?? layout.width ?? 800,
    height: asked.height ?? layout.height ?? 450,
  };
  for (const [name, pixels] of Object.entries(size)) {
    if (!(pixels >= 10 && pixels < Infinity)) { // Plotly takes no less
      throw new RangeError(
        `Cannot draw a figure as its ${name} must be >= 10: current value is ${pixels}`,
      );
    }
  }
  return size;
}

/**
 * The figure to hand to Plotly. Typed arrays become arrays; numbers that JSON lacks (NaN) become
 * null, which Plotly draws as a gap.
 */
export function drawable({ data, layout }: Figure, size: Partial<FigureSize>): Figure {
  const font = { ...layout.font, family: FONT_FAMILY };
  return JSON.parse(JSON.stringify(
    { data, layout: { ...layout, ...size, font } },
    (_, value) => ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value,
  ));
}

/**
 * A figure in one line, for readers who see no picture: its title, and its named traces by type.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { summaryOf } from "./drawable.ts";
 *
 * const data = [{ name: "SFT" }, { name: "GRPO" }, { type: "bar" }] as const;
 * const layout = { title: { text: "Accuracy<br>by <b>step</b>" } };
 * assertEquals(summaryOf({ data, layout }), "Accuracy by step: 2 scatter (SFT, GRPO), 1 bar");
 * ```
 */
export function summaryOf({ data, layout }: Figure): string {
  const { title } = layout as { title?: string | { text?: string } };
  const text = typeof title === "string" ? title : title?.text ?? "Figure";
  const types = Map.groupBy(data, ({ type = "scatter" }) => type);
  const parts = Array.from(types, ([type, traces]) => {
    const names = traces.flatMap(({ name }) => name ? [name] : []).join(", ");
    return `${traces.length} ${type}${names && ` (${names})`}`;
  });
  const plain = text.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ").trim();
  return `${plain}: ${parts.join(", ") || "empty"}`;
}
