/**
 * Checks that the tests of operations share.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { assertClose, take, wave } from "../_devices.ts";

/** An operation in double precision: flat inputs to flat output. */
export type Float64Op = (...inputs: number[][]) => number[];

/** An operation on the device. */
export type TensorOp = (...inputs: tf.Tensor[]) => tf.Tensor;

/**
 * Checks an operation's value against `reference`, and the gradient of `Σ output × w` for uneven w
 * against central differences of `reference`: no rounding of float32 is in the way. Costs two
 * references for each number of `inputs`, which are freed.
 */
export async function checkOp(
  op: TensorOp,
  reference: Float64Op,
  inputs: tf.Tensor[],
): Promise<void> {
  const plain = await Promise.all(inputs.map(async (x) => [...await x.data()]));
  const expected = reference(...plain);
  const [value, gradients] = valueAndGradients(op, inputs);
  assertClose(await take(value), expected, 1e-5);

  const uneven = expected.map((_, i) => Math.sin(4 + 1.7 * i)); // what wave(shape, 3) holds
  const weighted = () =>
    reference(...plain).reduce((sum, output, i) => sum + output * uneven[i]!, 0);
  for (const [which, gradient] of gradients.entries()) {
    const at = plain[which]!;
    const slopes = at.map((x, i) => {
      const [up, down] = [1e-5, -1e-5].map((step) => {
        at[i] = x + step;
        return weighted();
      });
      at[i] = x;
      return (up! - down!) / 2e-5;
    });
    assertClose(await take(gradient), slopes, 2e-5);
  }
  tf.dispose(inputs);
}

/**
 * Checks that two ways to compute an operation agree on the current device in value and gradient,
 * and that the first gives the same bits again. Frees `inputs`.
 */
export async function checkSame(
  op: TensorOp,
  reference: TensorOp,
  inputs: tf.Tensor[],
  tolerance = 1e-5,
): Promise<void> {
  const run = async (op: TensorOp) => {
    const [value, gradients] = valueAndGradients(op, inputs);
    return await Promise.all([value, ...gradients].map(take));
  };
  const [given, again, expected] = [await run(op), await run(op), await run(reference)];
  given.forEach((numbers, i) => {
    assertClose(numbers, expected[i]!, tolerance);
    assertClose(again[i]!, numbers, 0);
  });
  tf.dispose(inputs);
}

/** An operation's value, and the gradients of `Σ output × w` for uneven w. */
function valueAndGradients(op: TensorOp, inputs: tf.Tensor[]): [tf.Tensor, tf.Tensor[]] {
  return tf.tidy(() => {
    const value = op(...inputs);
    return [value, tf.grads(op)(inputs, wave(value.shape, 3))];
  });
}
