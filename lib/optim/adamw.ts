/**
 * AdamW: gradients in, weights and moments changed in place.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";

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
  const { beta1, beta2, epsilon, weightDecay, maxGradNorm } = config;
  const gradNorm = await globalNorm(gradients);
  if (!Number.isFinite(gradNorm)) return { gradNorm, skipped: true };
  state.step++;
  const clip = Math.min(1, maxGradNorm / (gradNorm + 1e-6)); // as torch.nn.utils does
  const stepSize = learningRate / (1 - beta1 ** state.step);
  const correction = Math.sqrt(1 - beta2 ** state.step);
  for (const [name, weight] of Object.entries(weights)) {
    const [m, v, gradient] = [state.m[name]!, state.v[name]!, gradients[name]!];
    tf.tidy(() => {
      m.assign(tf.add(tf.mul(m, beta1), tf.mul(gradient, (1 - beta1) * clip)));
      const squared = tf.mul(tf.square(gradient), (1 - beta2) * clip * clip);
      v.assign(tf.add(tf.mul(v, beta2), squared));
      // m̂ / (√v̂ + ε), with both bias corrections moved to the scalars
      const direction = tf.div(m, tf.add(tf.div(tf.sqrt(v), correction), epsilon));
      const decayed = tf.mul(weight, 1 - learningRate * weightDecay);
      weight.assign(tf.sub(decayed, tf.mul(direction, stepSize)));
    });
  }
  return { gradNorm, skipped: false };
}

/** L2 norm over all gradients together; one read from the device. */
export async function globalNorm(gradients: Gradients): Promise<number> {
  const squares = tf.tidy(() =>
    tf.stack(Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient))))
  );
  const values = await squares.data<"float32">();
  squares.dispose();
  return Math.sqrt(values.reduce((sum, value) => sum + value, 0));
}

/** Frees the moments of an optimizer that is done. */
export function disposeAdamw(state: AdamwState): void {
  tf.dispose([state.m, state.v]);
}
