import * as tf from "@tensorflow/tfjs";
import type { Gradients } from "./adamw.ts";

/** A scalar to minimize and further scalars to report, from one micro-batch. */
export interface LossAndSums {
  /** `[]`, already divided by the totals of the whole optimizer batch. */
  readonly loss: tf.Scalar;
  /** Scalars that are added up over micro-batches; no gradient flows through them. */
  readonly sums: Readonly<Record<string, tf.Scalar>>;
}

/**
 * Adds up the gradients of the micro-batches of one optimizer step.
 *
 * Each micro-batch divides by the totals of the whole optimizer batch, so the sum is the gradient
 * of the true mean however the rows were split (averaging the means of micro-batches is not).
 *
 * @param lossOf Runs inside `tf.tidy`.
 * @returns Gradients by weight, owned by the caller; the loss and the sums as numbers.
 */
export async function accumulateGradients<Batch>(
  weights: Readonly<Record<string, tf.Variable>>,
  microBatches: readonly Batch[],
  lossOf: (batch: Batch) => LossAndSums,
): Promise<{ gradients: Gradients; loss: number; sums: Record<string, number> }> {
  const names = Object.keys(weights);
  let gradients: Record<string, tf.Tensor> = Object.fromEntries(
    names.map((name) => [name, tf.zeros(weights[name]!.shape)]),
  );
  let loss = 0;
  const sums: Record<string, number> = {};
  for (const batch of microBatches) {
    const before = gradients;
    let keys: string[] = [];
    const after: Record<string, tf.Tensor> = {};
    const numbers = tf.tidy(() => {
      let stacked: tf.Tensor1D | undefined;
      const { value, grads } = tf.variableGrads(() => {
        const { loss, sums } = lossOf(batch);
        keys = Object.keys(sums);
        if (keys.length > 0) stacked = tf.keep(tf.stack(Object.values(sums)) as tf.Tensor1D);
        return loss;
      }, Object.values(weights));
      for (const name of names) {
        after[name] = tf.keep(tf.add(before[name]!, grads[weights[name]!.name]!));
      }
      const loss = value.reshape([1]) as tf.Tensor1D;
      const numbers = stacked ? tf.concat([loss, stacked]) : loss;
      stacked?.dispose();
      return numbers;
    });
    tf.dispose(before);
    gradients = after;
    const [value, ...rest] = await numbers.data<"float32">();
    numbers.dispose();
    loss += value!;
    keys.forEach((key, i) => sums[key] = (sums[key] ?? 0) + rest[i]!);
  }
  return { gradients, loss, sums };
}
