/**
 * How everything looks: sizes, inks, and one fixed style for each method and each stratum, the same
 * in every figure.
 *
 * Colours are those of Okabe and Ito (jfly.uni-koeln.de/color), told apart by readers with any of
 * the usual colour blindnesses. Printed in grey, methods differ by dash and marker, and strata by
 * lightness.
 *
 * @module
 */
import type { Dash } from "plotly.js";
import type { Stratum } from "../evaluation/strata.ts";
import { hashText } from "../random.ts";

/** Sizes of text, pixels in a figure 1000 wide. */
export const SIZES = { title: 19, subtitle: 13, panel: 14, axis: 13, tick: 12, note: 11 } as const;

/** What is neither a method nor a stratum. */
export const INK = {
  text: "#222222",
  soft: "#5A5A5A",
  line: "#4D4D4D",
  grid: "#E6E6E6",
  /** Of intervals under their means. */
  interval: "#B3B3B3",
  paper: "#FFFFFF",
  /** Behind what others published, so that nobody takes it for ours. */
  published: "#F4F1E8",
} as const;

/** How a method is drawn. */
export interface MethodStyle {
  readonly color: string;
  readonly dash: Dash;
  readonly symbol: string;
  /** Of its line, pixels. */
  readonly width: number;
  /** Of its marker, pixels. */
  readonly size: number;
}

const style = (
  color: string,
  dash: Dash,
  symbol: string,
  { width = 2, size = 8 }: { width?: number; size?: number } = {},
): MethodStyle => ({ color, dash, symbol, width, size });

const BLUE = "#0072B2", SKY = "#56B4E9", GREEN = "#009E73", ORANGE = "#E69F00";
const VERMILLION = "#D55E00", PURPLE = "#CC79A7", BLACK = "#000000", GREY = "#757575";

/** The methods that most figures show. */
const PROMINENT: Readonly<Record<string, MethodStyle>> = {
  "base": style(GREY, "dot", "cross"),
  "rl": style(BLUE, "solid", "circle", { width: 2.4 }),
  "sft": style(ORANGE, "dash", "square", { width: 2.4 }),
  "sft-rl": style(GREEN, "dashdot", "diamond", { size: 9 }),
  "rl-sft": style(SKY, "longdash", "triangle-up", { size: 9 }),
  "rl-sft-loss": style(PURPLE, "dot", "triangle-down", { size: 9 }),
  "luffy": style(BLACK, "longdashdot", "hexagon", { size: 9 }),
  "relift": style(VERMILLION, "solid", "star", { width: 3.4, size: 12 }),
  "relift-v1": style("#8A3D00", "dash", "star-open", { size: 11 }),
};

/** Hue of a kind of methods, and those of the kind that are told apart by dash and marker. */
const KINDS: readonly { readonly hue: string; readonly ids: readonly string[] }[] = [
  {
    hue: BLUE,
    ids: ["rl-v1", "grpo", "dr-grpo", "reinforce", "rloo", "dapo", "gspo", "cispo"],
  },
  { hue: ORANGE, ids: ["dft", "sft-same-steps", "sft-same-flops", "sft-few"] },
  { hue: GREEN, ids: ["sft-rl-v1", "sft-rl-full"] },
  { hue: VERMILLION, ids: ["relift-always", "relift-uniform", "relift-random"] },
  { hue: PURPLE, ids: ["srft", "chord", "hpt", "superrl", "prefix-rft", "rl-plus"] },
];

const DASHES: readonly Dash[] = ["dash", "dot", "dashdot", "longdash", "longdashdot", "solid"];
const SYMBOLS: readonly string[] = [
  "circle-open",
  "square-open",
  "diamond-open",
  "triangle-up-open",
  "triangle-down-open",
  "hexagon-open",
  "pentagon-open",
  "cross-open",
];
/** How far towards white (or, below 0, black) the members of a kind lie. */
const SHADES: readonly number[] = [-0.35, 0.1, -0.55, -0.2, -0.45, 0, -0.6, -0.1];

/**
 * The style of a method or of an entry of a study.
 *
 * Variants (`relift-...`, `sft-...`) share the hue of their method; a name nobody knows gets a
 * style of its own, the same every time.
 *
 * @param id As in {@linkcode StudyEntry}: `relift`, `sft-rl`, `my-method`.
 *
 * @example Usage
 * ```ts
 * import { assertEquals, assertNotEquals } from "@std/assert";
 * import { styleOf } from "./theme.ts";
 *
 * assertEquals(styleOf("mine"), styleOf("mine"));
 * assertNotEquals(styleOf("srft"), styleOf("chord"));
 * ```
 */
export function styleOf(id: string): MethodStyle {
  if (Object.hasOwn(PROMINENT, id)) return PROMINENT[id]!;
  for (const { hue, ids } of KINDS) {
    if (ids.includes(id)) return variant(hue, ids.indexOf(id));
  }
  const [, hue] = PREFIXES.find(([prefix]) => id.startsWith(prefix)) ?? ["", OTHER];
  return variant(hue, hashText(id) % (SYMBOLS.length * DASHES.length));
}

/** Hue of what is no kind's. */
const OTHER = "#7A5195";

/** Variants of a method have its hue. */
const PREFIXES: readonly (readonly [string, string])[] = [
  ["relift-", VERMILLION],
  ["sft-rl-", GREEN],
  ["rl-sft-", SKY],
  ["sft-", ORANGE],
  ["rl-", BLUE],
];

/** The i-th style of a hue. */
function variant(hue: string, i: number): MethodStyle {
  return style(
    shade(hue, SHADES[i % SHADES.length]!),
    DASHES[i % DASHES.length]!,
    SYMBOLS[i % SYMBOLS.length]!,
  );
}

/** A method's marker: open ones are white inside, so that no line shows through. */
export function markerOf({ color, symbol, size }: MethodStyle): {
  readonly symbol: string;
  readonly color: string;
  readonly size: number;
  readonly opacity: number;
  readonly line: { readonly color: string; readonly width: number };
} {
  const open = symbol.endsWith("-open");
  return {
    symbol: symbol.replace("-open", ""),
    color: open ? INK.paper : color,
    size: open ? size - 1 : size,
    opacity: 1, // Plotly would make markers of many sizes translucent
    line: { color, width: open ? 1.6 : 0 },
  };
}

/** The markers of several methods, each a point of one trace; a little larger than on lines. */
export function markersOf(ids: readonly string[]): {
  readonly symbol: string[];
  readonly color: string[];
  readonly size: number[];
  readonly opacity: number;
  readonly line: { readonly color: string[]; readonly width: number[] };
} {
  const markers = ids.map((id) => markerOf(styleOf(id)));
  return {
    symbol: markers.map(({ symbol }) => symbol),
    color: markers.map(({ color }) => color),
    size: markers.map(({ size }) => size + 1),
    opacity: 1,
    line: {
      color: markers.map(({ line }) => line.color),
      width: markers.map(({ line }) => line.width),
    },
  };
}

/** A colour mixed with white (amount above 0) or black (below). */
export function shade(color: string, amount: number): string {
  const target = amount > 0 ? 255 : 0;
  const mixed = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16))
    .map((channel) => Math.round(channel + (target - channel) * Math.abs(amount)));
  return `#${mixed.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}

/** A colour with opacity, as Plotly takes it. */
export function translucent(color: string, opacity: number): string {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return `rgba(${red},${green},${blue},${opacity})`;
}

/** Strata from easy to hardest, light to dark. */
export const STRATUM_COLORS: Readonly<Record<Stratum, string>> = {
  easy: "#F6C667",
  medium: "#DE7B5A",
  hard: "#9C3F79",
  hardest: "#33155E",
};

/** Strata as figures call them. */
export const STRATUM_TITLES: Readonly<Record<Stratum, string>> = {
  easy: "Easy",
  medium: "Medium",
  hard: "Hard",
  hardest: "Hardest",
};

/** Dark to light, even steps of lightness, the same to colour-blind readers (cividis). */
export const SCALE: [number, string][] = [
  "#00224E",
  "#123570",
  "#3B496C",
  "#575D6D",
  "#707173",
  "#8A8678",
  "#A59C74",
  "#C3B369",
  "#E1CC55",
  "#FEE838",
].map((color, i, { length }) => [i / (length - 1), color]);

/** Light to dark, for shares where 0 is nothing. */
export const SHARE_SCALE: [number, string][] = [
  "#FFFFFF",
  "#DEEBF7",
  "#C6DBEF",
  "#9ECAE1",
  "#6BAED6",
  "#4292C6",
  "#2171B5",
  "#08519C",
  "#08306B",
].map((color, i, { length }) => [i / (length - 1), color]);
