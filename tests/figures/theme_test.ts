import { assert, assertEquals } from "@std/assert";
import {
  markerOf,
  SCALE,
  shade,
  SHARE_SCALE,
  STRATUM_COLORS,
  styleOf,
  translucent,
} from "../../lib/figures/theme.ts";
import { STRATA } from "../../lib/evaluation/strata.ts";
import { METHODS } from "../../lib/methods/registry.ts";

const PROMINENT = [
  "base",
  "rl",
  "sft",
  "sft-rl",
  "rl-sft",
  "rl-sft-loss",
  "luffy",
  "relift",
  "relift-v1",
];

/** Lightness L* in `[0, 100]`, what is left of a colour in grey. */
function lightness(color: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  return luminance > 0.008856 ? 116 * Math.cbrt(luminance) - 16 : 903.3 * luminance;
}

/** Variants that the main table shows beside their methods. */
const VARIANTS = [
  "rl-v1",
  "sft-same-steps",
  "sft-same-flops",
  "sft-few",
  "sft-rl-v1",
  "sft-rl-full",
  "relift-same-flops",
];

Deno.test("styleOf() gives every method a look of its own", () => {
  const all = [...PROMINENT, ...VARIANTS, ...Object.keys(METHODS)];
  const ids = [...new Set(all)];
  const looks = ids.map((id) => JSON.stringify(styleOf(id)));
  const twice = ids.filter((_, i) => looks.indexOf(looks[i]!) < i);
  assertEquals(twice, []);
});

Deno.test("styleOf() tells the methods of most figures apart without colour", () => {
  const looks = PROMINENT.map(styleOf).map(({ dash, symbol }) => `${dash} ${symbol}`);
  assertEquals(new Set(looks).size, PROMINENT.length);
  const symbols = PROMINENT.map(styleOf).map(({ symbol }) => symbol);
  assertEquals(new Set(symbols).size, PROMINENT.length);
});

Deno.test("styleOf() is dark enough on white, for whatever name", () => {
  for (const id of [...PROMINENT, ...Object.keys(METHODS), "mine", "relift-mine", "x"]) {
    assert(lightness(styleOf(id).color) < 73, id);
  }
});

Deno.test("markerOf() makes open markers white inside", () => {
  const open = markerOf(styleOf("relift-v1"));
  assertEquals([open.symbol, open.color, open.line.width > 0], ["star", "#FFFFFF", true]);
  const filled = markerOf(styleOf("relift"));
  assertEquals([filled.symbol, filled.color, filled.line.width], ["star", "#D55E00", 0]);
});

Deno.test("strata and scales are ordered by lightness, with room between", () => {
  const strata = STRATA.map((stratum) => lightness(STRATUM_COLORS[stratum]));
  for (let i = 1; i < strata.length; i++) assert(strata[i]! < strata[i - 1]! - 12);
  for (const [scale, sign] of [[SCALE, 1], [SHARE_SCALE, -1]] as const) {
    const steps = scale.map(([, color]) => sign * lightness(color));
    for (let i = 1; i < steps.length; i++) assert(steps[i]! > steps[i - 1]! + 2);
    assertEquals([scale[0]![0], scale.at(-1)![0]], [0, 1]);
  }
});

Deno.test("shade() and translucent() mix colours, by hand", () => {
  assertEquals(shade("#0072B2", 0.5), "#80b9d9"); // (0 + 255) / 2 = 128, (114 + 255) / 2 = 185
  assertEquals(shade("#0072B2", -0.5), "#003959");
  assertEquals(translucent("#D55E00", 0.2), "rgba(213,94,0,0.2)");
});
