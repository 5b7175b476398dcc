import * as tf from "@tensorflow/tfjs";
import type { Gradients } from "./adamw.ts";

/** A scalar to minimize and further scalars to report, from one micro-batch. */
export interface LossAndSums {
  /** `[]`, already divided by the totals of the whole optimizer batch. */
  readonly loss: tf.Scalar;
  /**
   * Scalars that are added up over the micro-batches that name them; no gradient flows through them.
   */
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
  let gradients: Record<string, tf.Tensor> = {};
  const keys: string[][] = []; // of each micro-batch, the names of its sums
  const numbers: tf.Tensor1D[] = []; // of each micro-batch: the loss, then the sums
  for (const batch of microBatches) {
    const before = gradients;
    gradients = {};
    numbers.push(tf.tidy(() => {
      let sums: tf.Tensor[] = [];
      const { value, grads } = tf.variableGrads(() => {
        const parts = lossOf(batch);
        keys.push(Object.keys(parts.sums));
        sums = Object.values(parts.sums).map((sum) => tf.keep(sum));
        return parts.loss;
      }, Object.values(weights));
      for (const name of names) {
        const gradient = grads[weights[name]!.name]!;
        gradients[name] = tf.keep(before[name] ? tf.add(before[name], gradient) : gradient);
      }
      const stacked = tf.stack([value, ...sums]) as tf.Tensor1D;
      tf.dispose(sums);
      return stacked;
    }));
    tf.dispose(before);
  }
  const rows = await readAll(numbers);
  const sums: Record<string, number> = {};
  rows.forEach((row, i) =>
    keys[i]!.forEach((key, column) => {
      sums[key] = (sums[key] ?? 0) + row[column + 1]!;
    })
  );
  return { gradients, loss: rows.reduce((sum, row) => sum + row[0]!, 0), sums };
}

/** The numbers of tensors, in one read; frees them. */
async function readAll(tensors: readonly tf.Tensor1D[]): Promise<number[][]> {
  if (tensors.length === 0) return [];
  const joined = tf.concat([...tensors]);
  const values = await joined.data<"float32">();
  tf.dispose([joined, ...tensors]);
  let start = 0;
  return tensors.map(({ size }) => [...values.subarray(start, start += size)]);
}
