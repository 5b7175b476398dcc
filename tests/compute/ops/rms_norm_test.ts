import { assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { rmsNorm, rmsNormReference } from "../../../lib/compute/ops/rms_norm.ts";
import { assertClose, eachDevice, take, wave } from "../../_devices.ts";
import { checkOp, checkSame } from "../_check_op.ts";

const EPSILON = 0.01;
const op = (x: tf.Tensor, gain: tf.Tensor) =>
  rmsNorm(x as tf.Tensor2D, gain as tf.Tensor1D, EPSILON);

eachDevice("rmsNorm() agrees with double precision in value and gradient", async () => {
  for (const width of [1, 6, 8]) {
    await checkOp(
      op,
      (x, gain) =>
        x.map((value, i) => {
          const row = x.slice(i - i % width, i - i % width + width);
          const meanSquare = row.reduce((sum, z) => sum + z * z, 0) / width;
          return value / Math.sqrt(meanSquare + EPSILON) * gain[i % width]!;
        }),
      [wave([5, width], 0, 2), wave([width], 1)],
    );
  }
});

eachDevice("rmsNorm() of a row of zeros is zeros with a finite gradient", async () => {
  const x = tf.zeros([1, 4]), gain = tf.ones([4]), ones = tf.ones([1, 4]);
  const [dx, dGain] = tf.grads((x, gain) => rmsNorm(x as tf.Tensor2D, gain as tf.Tensor1D, 0.0001))(
    [x, gain],
    ones,
  ) as [tf.Tensor, tf.Tensor];
  assertClose(await take(dx), [100, 100, 100, 100], 1e-5); // 1 / sqrt(0.0001)
  assertClose(await take(dGain), [0, 0, 0, 0], 0);
  tf.dispose([x, gain, ones]);
});

eachDevice("rmsNorm() does not depend on the size of its rows", async () => {
  const x = wave([3, 7]) as tf.Tensor2D, gain = wave([7], 1) as tf.Tensor1D;
  const [small, large] = tf.tidy(() => [
    rmsNorm(x, gain, 1e-30),
    rmsNorm(tf.mul(x, 1e15), gain, 1e-30),
  ]);
  assertClose(await take(large!), await take(small!), 1e-6);
  tf.dispose([x, gain]);
});

eachDevice("rmsNorm() of no rows gives a gain the gradient 0", async () => {
  const gain = tf.ones([3]);
  for (const rows of [2, 0]) { // the second run finds what the first left in memory
    const x = wave([rows, 3]), dy = wave([rows, 3], 1);
    const [dx, dGain] = tf.grads(op)([x, gain], dy) as [tf.Tensor, tf.Tensor];
    assertEquals([dx.shape, dGain.shape], [[rows, 3], [3]]);
    const sums = await take(dGain);
    if (rows === 0) assertClose(sums, [0, 0, 0], 0);
    tf.dispose([x, dy, dx]);
  }
  gain.dispose();
});

eachDevice("rmsNorm() agrees with plain operations at any width", async () => {
  for (const [rows, width] of [[1, 1], [1, 67], [33, 130], [200, 5]] as const) {
    await checkSame(
      op,
      (x, gain) => rmsNormReference(x as tf.Tensor2D, gain as tf.Tensor1D, EPSILON),
      [wave([rows, width], 0, 3), wave([width], 1)],
    );
  }
});
