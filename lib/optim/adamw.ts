/**
 * AdamW: gradients in, weights and moments changed in place.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { adamwUpdate } from "../compute/ops/adamw.ts";

/** Gradients by the names of the weights they belong to. */
export type Gradients = Readonly<Record<string, tf.Tensor>>;

/** Settings of {@linkcode adamwStep}; symbols are those of arXiv:1711.05101, algorithm 2. */
export interface AdamwConfig {
  /** β1, decay of the mean of gradients, in `[0, 1)`. */
  readonly beta1: number;
  /** β2, decay of the mean of squared gradients, in `[0, 1)`. */
  readonly beta2: number;
  /** ε, added to the root of the second moment. */
  readonly epsilon: number;
  /** λ, decay of every weight by `learningRate * weightDecay` a step, gains and biases included. */
  readonly weightDecay: number;
  /** Gradients are scaled down to this global norm when they exceed it. */
  readonly maxGradNorm: number;
}

/** PyTorch's defaults, and a clip at norm 1. */
export const ADAMW_DEFAULTS: AdamwConfig = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
};

/** Moments of one optimizer. Two optimizers of the same weights share nothing. */
export interface AdamwState {
  /** Steps taken; skipped ones do not count. */
  step: number;
  /** Running means of gradients, by weight. */
  readonly m: Record<string, tf.Variable>;
  /** Running means of squared gradients, by weight. */
  readonly v: Record<string, tf.Variable>;
}

/** Fresh moments for `weights`: all 0. */
export function adamwState(weights: Readonly<Record<string, tf.Tensor>>): AdamwState {
  const zeros = () =>
    Object.fromEntries(
      Object.entries(weights).map((
        [name, weight],
      ) => [name, tf.tidy(() => tf.variable(tf.zeros(weight.shape), false))]),
    );
  return { step: 0, m: zeros(), v: zeros() };
}

/** What one optimizer step did. */
export interface StepReport {
  /** Global L2 norm of the gradients before clipping; may be non-finite. */
  readonly gradNorm: number;
  /** Whether the step was left out because the norm was not finite. */
  readonly skipped: boolean;
}

/**
 * Clips by global norm and takes one AdamW step with decoupled weight decay (arXiv:1711.05101,
 * algorithm 2, without its schedule multiplier: the caller's `learningRate` holds it).
 *
 * A step whose gradient holds a NaN or an infinity changes nothing and is reported as skipped.
 *
 * @param gradients One tensor for each weight, of its shape. The caller still owns them.
 * @param learningRate α of this step.
 */
export async function adamwStep(
  weights: Readonly<Record<string, tf.Variable>>,
  gradients: Gradients,
  state: AdamwState,
  learningRate: number,
  config: AdamwConfig = ADAMW_DEFAULTS,
): Promise<StepReport> {
  const names = Object.keys(weights);
  const inOrder = (tensors: Readonly<Record<string, tf.Tensor>>) =>
    names.map((name) => tensors[name]!);
  const norm = adamwUpdate(
    {
      weights: inOrder(weights),
      gradients: inOrder(gradients),
      m: inOrder(state.m),
      v: inOrder(state.v),
    },
    { ...config, learningRate, step: state.step + 1 },
  );
  const [gradNorm] = await norm.data() as Float32Array;
  norm.dispose();
  const skipped = !Number.isFinite(gradNorm);
  if (!skipped) state.step++;
  return { gradNorm: gradNorm!, skipped };
}

/** Frees the moments of an optimizer that is done. */
export function disposeAdamw(state: AdamwState): void {
  tf.dispose([state.m, state.v]);
}
