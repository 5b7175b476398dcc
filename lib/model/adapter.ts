/**
 * Low-rank adaptation (LoRA, arXiv:2106.09685, eq. 3): a frozen projection `x Wᵀ` gains
 * `(α / r) x Aᵀ Bᵀ`, and only A and B learn.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { linear, type LinearOptions } from "../compute/ops/linear.ts";

/** How an adapter is made; names are those of PEFT's `adapter_config.json`. */
export interface LoraConfig {
  /** r, columns of A and rows of B: whole number > 0. */
  readonly r: number;
  /** α; the adapter's part is scaled by α / r. */
  readonly lora_alpha: number;
  /** Which projections of each layer learn, such as `q_proj`. */
  readonly target_modules: readonly string[];
}

/** Small matrices that learn in place of a model's weights. */
export interface Adapter {
  readonly config: LoraConfig;
  /** Where the policy is that it was made for: a path, or a name on the Hugging Face hub. */
  readonly base: string;
  /** `<projection>.lora_A.weight`, `[r, in]`, and `<projection>.lora_B.weight`, `[out, r]`. */
  readonly weights: Readonly<Record<string, tf.Variable>>;
}

/** The matrices of a projection's adapter; undefined where it has none. */
export function matricesOf(
  adapter: Adapter | undefined,
  projection: string,
): { readonly a: tf.Tensor2D; readonly b: tf.Tensor2D } | undefined {
  if (!adapter) return undefined;
  const [a, b] = ["A", "B"].map((which) => adapter.weights[`${projection}.lora_${which}.weight`]);
  return a && b
    ? { a: a as tf.Tensor as tf.Tensor2D, b: b as tf.Tensor as tf.Tensor2D }
    : undefined;
}

/** A projection: its name and its matrix, `[out, in]`. */
export interface Projection {
  readonly name: string;
  readonly weight: tf.Tensor2D;
}

/**
 * {@linkcode linear}, and what an adapter adds to it.
 *
 * @param x `[rows, in]`.
 * @returns `[rows, Σ out]`.
 */
export function adaptedLinear(
  x: tf.Tensor2D,
  projections: readonly Projection[],
  adapter: Adapter | undefined,
  options: LinearOptions,
): tf.Tensor2D {
  const weights = projections.map(({ weight }) => weight);
  const added = adapter && adapterPart(x, projections, adapter, options.residual);
  if (!added) return linear(x, weights, options);
  const y = linear(x, weights, { ...options, residual: added });
  added.dispose(); // the tape has kept what gradients need
  return y;
}

/** What an adapter adds, plus the residual; undefined where it adds nothing. */
function adapterPart(
  x: tf.Tensor2D,
  projections: readonly Projection[],
  adapter: Adapter,
  residual?: tf.Tensor2D,
): tf.Tensor2D | undefined {
  const pairs = projections.map(({ name }) => matricesOf(adapter, name));
  if (!pairs.some((pair) => pair)) return undefined;
  const { r, lora_alpha } = adapter.config;
  return tf.tidy(() => {
    const parts = projections.map(({ weight }, i) => {
      const pair = pairs[i];
      if (!pair) return tf.zeros<tf.Rank.R2>([x.shape[0], weight.shape[0]]);
      const low = tf.mul(linear(x, [pair.a]), lora_alpha / r) as tf.Tensor2D; // [rows, r]
      return linear(low, [pair.b]);
    });
    const part = tf.concat(parts, 1); // [rows, Σ out]
    return residual ? tf.add(part, residual) : part;
  });
}
