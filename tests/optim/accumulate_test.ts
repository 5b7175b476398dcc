import * as tf from "@tensorflow/tfjs";
import { assertEquals } from "@std/assert";
import { accumulateGradients, type LossAndSums } from "../../lib/optim/accumulate.ts";
import { eachDevice, take } from "../_devices.ts";

/** A micro-batch of one of two kinds, and what it multiplies the weight by. */
interface Part {
  readonly kind: "square" | "line";
  readonly factor: number;
}

eachDevice("accumulateGradients() adds up sums by name where micro-batches differ", async () => {
  const weights = tf.tidy(() => ({ w: tf.variable(tf.tensor1d([3, -1])) }));
  const parts: Part[] = [
    { kind: "square", factor: 1 },
    { kind: "line", factor: 5 },
    { kind: "square", factor: 2 },
  ];
  const { gradients, loss, sums } = await accumulateGradients(
    weights,
    parts,
    (part): LossAndSums => {
      const { kind, factor } = part;
      const values = kind === "square" ? tf.square(weights.w) : weights.w;
      const total = tf.mul(tf.sum(values), factor) as tf.Scalar;
      const parts = tf.scalar(1);
      return kind === "square"
        ? { loss: total, sums: { parts, squares: total } }
        : { loss: total, sums: { lines: total, first: tf.sum(weights.w.slice(0, 1)), parts } };
    },
  );
  assertEquals(loss, 40); // 1 × (9 + 1) + 5 × (3 - 1) + 2 × (9 + 1)
  assertEquals(sums, { parts: 3, squares: 30, lines: 10, first: 3 });
  assertEquals([...await take(gradients.w!)], [23, -1]); // (1 + 2) × 2 w + 5
  tf.dispose(weights);
});
