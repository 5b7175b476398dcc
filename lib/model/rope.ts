/**
 * Rotary position embedding as published configs describe it: the periods of the pairs, and how
 * they are stretched for contexts longer than a model was first trained on.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { rotaryPeriods, rotaryTable } from "../compute/ops/rotary.ts";

/** Every period is `factor` times as long (arXiv:2306.15595). */
export interface LinearScaling {
  readonly rope_type: "linear";
  readonly factor: number;
}

/** Llama 3.1's: long periods only, with a smooth passage. */
export interface Llama3Scaling {
  readonly rope_type: "llama3";
  readonly factor: number;
  readonly low_freq_factor: number;
  readonly high_freq_factor: number;
  readonly original_max_position_embeddings: number;
}

/** YaRN (arXiv:2309.00071): long periods only, and attention is sharpened. */
export interface YarnScaling {
  readonly rope_type: "yarn";
  readonly factor: number;
  readonly original_max_position_embeddings: number;
  readonly attention_factor?: number;
  readonly beta_fast?: number;
  readonly beta_slow?: number;
  readonly mscale?: number;
  readonly mscale_all_dim?: number;
  readonly truncate?: boolean;
}

/** How periods are stretched; field names as in Hugging Face's `config.json`. */
export type RopeScaling = LinearScaling | Llama3Scaling | YarnScaling;

/** What of a `config.json` is a {@linkcode RopeScaling}. */
export function ropeScalingSchema(): z.ZodType<RopeScaling> {
  const positive = z.number().positive();
  return z.discriminatedUnion("rope_type", [
    z.object({ rope_type: z.literal("linear"), factor: positive }),
    z.object({
      rope_type: z.literal("llama3"),
      factor: positive,
      low_freq_factor: positive,
      high_freq_factor: positive,
      original_max_position_embeddings: positive,
    }),
    z.object({
      rope_type: z.literal("yarn"),
      factor: positive,
      original_max_position_embeddings: positive,
      attention_factor: positive.optional(),
      beta_fast: positive.optional(),
      beta_slow: positive.optional(),
      mscale: positive.optional(),
      mscale_all_dim: positive.optional(),
      truncate: z.boolean().optional(),
    }),
  ]);
}

/** What of a model's config says how it rotates. */
export interface RopeConfig {
  readonly head_dim: number;
  readonly rope_theta: number;
  readonly rope_scaling?: RopeScaling;
}

/** How queries and keys are rotated. */
export interface Rotation {
  /** Positions in which each pair turns by one radian, `[head_dim / 2]`. */
  readonly periods: readonly number[];
  /** Multiplies cosines and sines, hence scores of attention by its square. */
  readonly scale: number;
}

/**
 * How a model rotates.
 *
 * @example The paper's longer context: the slowest pair of 128 dimensions
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { rotation } from "./rope.ts";
 *
 * const { periods } = rotation({ head_dim: 128, rope_theta: 40_000 });
 * assertAlmostEquals(periods[63]!, 40_000 ** (126 / 128), 1e-9);
 * ```
 */
export function rotation({ head_dim, rope_theta, rope_scaling }: RopeConfig): Rotation {
  const periods = rotaryPeriods(head_dim, rope_theta);
  switch (rope_scaling?.rope_type) {
    case undefined:
      return { periods, scale: 1 };
    case "linear":
      return { periods: periods.map((period) => period * rope_scaling.factor), scale: 1 };
    case "llama3":
      return { periods: periods.map((period) => period * llama3(period, rope_scaling)), scale: 1 };
    case "yarn":
      return yarn(periods, rope_theta, rope_scaling);
  }
}

/** The table of {@linkcode rotation} for positions from 0. The caller owns it. */
export function ropeTable(config: RopeConfig, positions: number): tf.Tensor2D {
  const { periods, scale } = rotation(config);
  return rotaryTable(positions, periods, scale);
}

/** By what Llama 3.1 multiplies a period: 1 where it is short, `factor` where it is long. */
function llama3(period: number, scaling: Llama3Scaling): number {
  const { factor, low_freq_factor: low, high_freq_factor: high } = scaling;
  const turns = scaling.original_max_position_embeddings / (2 * Math.PI * period);
  if (turns > high) return 1;
  if (turns < low) return factor;
  const smooth = (turns - low) / (high - low);
  return 1 / ((1 - smooth) / factor + smooth);
}

/** Periods by YaRN, section 3.2, between pairs that turn often and pairs that hardly turn. */
function yarn(periods: readonly number[], theta: number, scaling: YarnScaling): Rotation {
  const { factor, beta_fast = 32, beta_slow = 1, truncate = true } = scaling;
  const headDim = 2 * periods.length;
  /** The pair, counted with fractions, that turns this often in the original context. */
  const pairTurning = (turns: number) =>
    headDim * Math.log(scaling.original_max_position_embeddings / (turns * 2 * Math.PI)) /
    (2 * Math.log(theta));
  const [fast, slow] = [pairTurning(beta_fast), pairTurning(beta_slow)];
  const from = Math.max(truncate ? Math.floor(fast) : fast, 0);
  const to = Math.min(truncate ? Math.ceil(slow) : slow, headDim - 1);
  const width = to === from ? 0.001 : to - from;
  return {
    periods: periods.map((period, pair) => {
      const stretched = Math.min(1, Math.max(0, (pair - from) / width));
      return period / (stretched / factor + 1 - stretched);
    }),
    scale: scaling.attention_factor ?? attentionFactor(scaling),
  };
}

/** The factor that YaRN recommends, section 3.3, and its variant with two weights. */
function attentionFactor({ factor, mscale, mscale_all_dim }: YarnScaling): number {
  const grown = (weight: number) => factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
  return mscale && mscale_all_dim ? grown(mscale) / grown(mscale_all_dim) : grown(1);
}

/**
 * What a parsed `config.json` says of rotation, in one form: `rope_theta` beside `rope_scaling`, as
 * transformers 4 writes it, or inside `rope_parameters`, as 5 does. What a file leaves out is absent.
 *
 * @param positions Stands in for `original_max_position_embeddings`.
 */
export function ropeFields(
  given: Readonly<Record<string, unknown>>,
  positions: unknown,
): Record<string, unknown> {
  const stated = given.rope_scaling ?? given.rope_parameters ?? {};
  if (typeof stated !== "object") return { rope_scaling: stated };
  const present = Object.entries(stated).filter(([, value]) => value !== null);
  const { type, rope_theta, partial_rotary_factor, ...scaling } = Object.fromEntries(present);
  const theta = rope_theta ?? given.rope_theta;
  const partial = partial_rotary_factor ?? given.partial_rotary_factor;
  const ropeType = scaling.rope_type ?? type ?? "default";
  const original = given.original_max_position_embeddings ??
    scaling.original_max_position_embeddings ?? positions;
  // A table for each kind of layer is no scaling that this toolkit knows.
  const nested = Object.values(scaling).some((value) => typeof value === "object");
  return {
    ...(theta === undefined ? {} : { rope_theta: theta }),
    ...(partial === undefined ? {} : { partial_rotary_factor: partial }),
    ...(ropeType === "default" && !nested ? {} : {
      rope_scaling: {
        ...scaling,
        rope_type: ropeType,
        original_max_position_embeddings: original,
      },
    }),
  };
}
