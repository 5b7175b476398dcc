import { assert, assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { openedGpu } from "../../../lib/compute/gpu.ts";
import { tokenLogProbs, tokenLogProbsReference } from "../../../lib/compute/ops/token_log_probs.ts";
import { assertClose, eachDevice, take, wave } from "../../_devices.ts";
import { checkOp, checkSame, type TensorOp } from "../_check_op.ts";

/** The operation as one of two inputs and one output: log-probabilities before entropies. */
function stacked(targets: tf.Tensor1D, op = tokenLogProbs, held?: number): TensorOp {
  return (hidden, output) => {
    const { logProbs, entropy } = op(hidden as tf.Tensor2D, output as tf.Tensor2D, targets, held);
    return tf.concat([logProbs, entropy]);
  };
}

/** The same in double precision, on flat numbers. */
function byHand(targets: number[], hidden: number[], output: number[]): number[] {
  const width = hidden.length / targets.length, vocab = output.length / width;
  const rows = targets.map((target, row) => {
    const logits = Array.from({ length: vocab }, (_, token) => {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += hidden[row * width + i]! * output[token * width + i]!;
      return sum;
    });
    const largest = logits.reduce((most, z) => Math.max(most, z));
    const logSum = Math.log(logits.reduce((sum, z) => sum + Math.exp(z - largest), 0));
    const logP = logits.map((z) => z - largest - logSum);
    return { logProb: logP[target]!, entropy: -logP.reduce((sum, l) => sum + Math.exp(l) * l, 0) };
  });
  return [...rows.map(({ logProb }) => logProb), ...rows.map(({ entropy }) => entropy)];
}

/** Targets that include the first and the last token. */
const targetsOf = (rows: number, vocab: number) =>
  Array.from({ length: rows }, (_, row) => row % 3 === 1 ? vocab - 1 : 7 * row % vocab);

/** Hidden states and output matrix whose logits stay within some 3. */
const matrices = (rows: number, width: number, vocab: number) => [
  wave([rows, width], 0, 2 / Math.sqrt(width)),
  wave([vocab, width], 2, 2 / Math.sqrt(width)),
];

eachDevice("tokenLogProbs() agrees with double precision in value and gradient", async () => {
  for (const [rows, width, vocab] of [[1, 1, 1], [5, 3, 2], [3, 6, 13], [7, 4, 19]] as const) {
    const targets = targetsOf(rows, vocab), ids = tf.tensor1d(targets, "int32");
    await checkOp(
      stacked(ids),
      (hidden, output) => byHand(targets, hidden, output),
      matrices(rows, width, vocab),
    );
    ids.dispose();
  }
});

eachDevice("tokenLogProbs() agrees with its reference on the same device", async () => {
  for (const [rows, width, vocab] of [[130, 20, 64], [1, 8, 1031], [67, 33, 257]] as const) {
    const ids = tf.tensor1d(targetsOf(rows, vocab), "int32");
    const inputs = matrices(rows, width, vocab);
    await checkSame(stacked(ids), stacked(ids, tokenLogProbsReference), inputs);
    ids.dispose();
  }
});

eachDevice(
  "tokenLogProbs() is the same in several chunks, with targets at their borders",
  async () => {
    const [width, vocab] = [9, 300]; // chunks of 128, 128 and 44
    const ids = tf.tensor1d([0, 127, 128, 255, 256, 299, 5], "int32");
    const inputs = matrices(7, width, vocab);
    await checkSame(stacked(ids, tokenLogProbs, 1), stacked(ids, tokenLogProbsReference), inputs);
    ids.dispose();
  },
);

eachDevice("tokenLogProbs() stays exact for logits of ten thousands", async (device) => {
  // Logits 1e4 (0, 1, -2, ...), the largest in the second chunk.
  const [rows, vocab] = [3, 140];
  const scores = Array.from({ length: vocab }, (_, token) => token === 131 ? 1 : -(token % 3));
  const hidden = tf.tensor2d([[1e4], [2e4], [0]]), output = tf.tensor2d(scores, [vocab, 1]);
  const ids = tf.tensor1d([131, 0, 131], "int32");
  const { logProbs, entropy } = tokenLogProbs(hidden, output, ids, 1);
  assertClose(await take(logProbs), [0, -2e4, -Math.log(vocab)], 1e-5);
  assertClose(await take(entropy), [0, 0, Math.log(vocab)], 1e-5);
  const [dHidden, dOutput] = tf.tidy(() =>
    tf.grads(stacked(ids, tokenLogProbs, 1))([hidden, output], tf.ones([2 * rows]))
  ) as [tf.Tensor, tf.Tensor];
  // Of target z_t less the mean of z: 0; z_0 less z_131, which has all probability; and for equal
  // probabilities z_131 less the mean.
  const mean = scores.reduce((sum, score) => sum + score) / vocab;
  assertClose(await take(dHidden), [0, -1, 1 - mean], 1e-4);
  for (const slope of await take(dOutput)) assert(Number.isFinite(slope), device);
  tf.dispose([hidden, output, ids]);
});

eachDevice("tokenLogProbs() gives gradients through one result alone, too", async () => {
  const [rows, width, vocab] = [6, 5, 11];
  const targets = targetsOf(rows, vocab), ids = tf.tensor1d(targets, "int32");
  for (const which of ["logProbs", "entropy"] as const) {
    await checkOp(
      (hidden, output) => tokenLogProbs(hidden as tf.Tensor2D, output as tf.Tensor2D, ids)[which],
      (hidden, output) => {
        const both = byHand(targets, hidden, output);
        return which === "logProbs" ? both.slice(0, rows) : both.slice(rows);
      },
      matrices(rows, width, vocab),
    );
  }
  ids.dispose();
});

eachDevice("tokenLogProbs() has no gradient in rows whose results do not count", async () => {
  const ids = tf.tensor1d([1, 2, 3, 4], "int32");
  const [hidden, output] = matrices(4, 6, 140) as [tf.Tensor, tf.Tensor];
  const dy = tf.tensor1d([0, 1, 0, 0, 0, 0, 2, 0]);
  const dHidden = tf.tidy(() =>
    // the output matrix is frozen
    tf.grad((hidden) => stacked(ids, tokenLogProbs, 1)(hidden, output))(hidden, dy)
  );
  const counts = (await take(dHidden)).map((slope) => slope === 0 ? 0 : 1);
  assertEquals([...counts], [0, 1, 1, 0].flatMap((count) => Array(6).fill(count)));
  tf.dispose([ids, hidden, output, dy]);
});

eachDevice(
  "tokenLogProbs() gives the same gradient where the output matrix is frozen",
  async () => {
    const ids = tf.tensor1d(targetsOf(7, 300), "int32");
    const [hidden, output] = matrices(7, 9, 300) as [tf.Tensor, tf.Tensor];
    const frozen = tf.variable(output, false);
    for (const held of [undefined, 1]) { // in one piece, and in three
      const gradient = (output: tf.Tensor) =>
        tf.tidy(() =>
          tf.grad((hidden) => stacked(ids, tokenLogProbs, held)(hidden, output))(
            hidden,
            tf.ones([14]),
          )
        );
      assertClose(await take(gradient(frozen)), await take(gradient(output)), 0);
    }
    tf.dispose([ids, hidden, output, frozen]);
  },
);

eachDevice("tokenLogProbs() of no rows gives none, and gradients of zeros", async () => {
  const ids = tf.tensor1d([], "int32");
  const inputs = [tf.zeros([0, 4]), wave([5, 4])];
  const [dHidden, dOutput] = tf.tidy(() => tf.grads(stacked(ids))(inputs, tf.zeros([0]))) as [
    tf.Tensor,
    tf.Tensor,
  ];
  assertEquals((await take(dHidden)).length, 0);
  assertEquals(await take(dOutput), new Float32Array(20));
  tf.dispose([ids, inputs]);
});

eachDevice("tokenLogProbs() leaves no data behind", async () => {
  const ids = tf.tensor1d(targetsOf(9, 300), "int32");
  const inputs = matrices(9, 8, 300), dy = tf.ones([18]);
  for (const held of [undefined, 1]) {
    await take(dy.clone()); // hands over what was recorded, which frees what was disposed of
    const before = tf.backend().numDataIds();
    const gradients = tf.tidy(() => tf.grads(stacked(ids, tokenLogProbs, held))(inputs, dy));
    await Promise.all(gradients.map(take));
    assertEquals(tf.backend().numDataIds(), before);
  }
  tf.dispose([ids, inputs, dy]);
});

eachDevice("tokenLogProbs() takes a vocabulary of 151,936", async () => {
  const [rows, width, vocab] = [40, 4, 151_936]; // 6 million logits
  const [hidden, output] = matrices(rows, width, vocab) as [tf.Tensor2D, tf.Tensor2D];
  const targets = targetsOf(rows, vocab), ids = tf.tensor1d(targets, "int32");
  const { logProbs, entropy } = tokenLogProbs(hidden, output, ids);
  const given = [await take(logProbs), await take(entropy)];
  const first = [...(await hidden.data()).slice(0, width)];
  const [logProb, h] = byHand(targets.slice(0, 1), first, [...await output.data()]);
  assertClose([given[0]![0]!, given[1]![0]!], [logProb!, h!], 1e-5);
  const [dHidden, dOutput] = tf.tidy(() =>
    tf.grads(stacked(ids))([hidden, output], tf.ones([2 * rows]))
  ) as [tf.Tensor, tf.Tensor];
  assert((await take(dHidden)).every(Number.isFinite));
  // Gradients of the logits of a row add up to 0, hence those of the output matrix.
  const sums = tf.tidy(() => tf.sum(dOutput, 0));
  dOutput.dispose();
  assertClose(await take(sums), [0, 0, 0, 0], 1e-3);
  tf.dispose([hidden, output, ids]);
}, { devices: ["wasm", "wasm with BLAS", "webgpu"] });

eachDevice("tokenLogProbs() needs few launches", async () => {
  const ids = tf.tensor1d(targetsOf(40, 1000), "int32");
  const inputs = matrices(40, 8, 1000);
  const launchesOf = async (held?: number) => {
    const op = stacked(ids, tokenLogProbs, held), before = openedGpu().launches;
    await take(tf.tidy(() => op(...inputs)));
    const forward = openedGpu().launches - before - 1; // the concatenation
    const dy = tf.ones([80]), then = openedGpu().launches;
    const gradients = tf.tidy(() => tf.grads(op)(inputs, dy));
    const backward = openedGpu().launches - then - forward;
    await Promise.all([...gradients, dy].map(take));
    return [forward, backward];
  };
  const [one, many] = [await launchesOf(), await launchesOf(1)];
  assert(one[0]! <= 3 && one[1]! <= 4 + 3, `${one}`); // and those of the concatenation
  assert(many[0]! <= 8 * 4 && many[1]! <= 8 * 7 + 3, `${many}`); // 8 chunks
  tf.dispose([ids, inputs]);
}, { devices: ["webgpu"] });
