import * as tf from "@tensorflow/tfjs";
import { assertEquals } from "@std/assert";
import { tokenBatch } from "../../lib/objectives/batch.ts";
import {
  clippedSurrogate,
  driftReport,
  likelihood,
  nearReference,
  sequenceMeans,
  stopGradient,
} from "../../lib/objectives/objective.ts";
import { assertClose, eachDevice, take } from "../_devices.ts";
import { batchOf, disposeBatch, evaluateObjective, onDevice } from "./_objective.ts";

eachDevice("likelihood() is the negative log-likelihood of demonstrations", async () => {
  const { loss, gradient, report } = await evaluateObjective(likelihood, [
    { logProbs: [-0.5, -2] },
    { logProbs: [-1] },
  ]);
  assertClose(loss, [0.5, 2, 1], 1e-6);
  assertClose(gradient, [-1, -1, -1], 1e-6);
  assertClose(report.nll!, [0.5, 2, 1], 1e-6);
});

eachDevice("likelihood() times the advantage of a row", async () => {
  const { loss, gradient, report } = await evaluateObjective(likelihood, [
    { logProbs: [-0.5, -2], advantage: 3 },
    { logProbs: [-1], advantage: -0.5 },
  ]);
  assertClose(loss, [1.5, 6, -0.5], 1e-6); // 3 × 0.5, 3 × 2, -0.5 × 1
  assertClose(gradient, [-3, -3, 0.5], 1e-6); // -A
  assertClose(report.nll!, [0.5, 2, 1], 1e-6); // whatever the advantage
});

/** Ratios 1.5, 0.5 of a good row, 0.5 of a bad one; the log-probabilities are those of the logs. */
const MOVED = [
  { logProbs: [-1, -2], oldLogProbs: [-1 - Math.log(1.5), -2 - Math.log(0.5)], advantage: 2 },
  { logProbs: [-3], oldLogProbs: [-3 - Math.log(0.5)], advantage: -1 },
];

eachDevice("clippedSurrogate() clips, and tells ratio, clip and drift of each token", async () => {
  const { loss, gradient, report } = await evaluateObjective(
    clippedSurrogate({ low: 0.2, high: 0.28, dual: null }),
    MOVED,
  );
  assertClose(loss, [-2.56, -1, 0.8], 1e-5); // -2 min(1.5, 1.28), -2 × 0.5, 1 max(0.5, 0.8)
  assertClose(gradient, [0, -1, 0], 1e-5); // -A ρ where no limit holds
  assertClose(report.ratio!, [1.5, 0.5, 0.5], 1e-5);
  assertEquals(report.clip_fraction, [1, 0, 1]);
  const [up, down] = [Math.log(1.5), Math.log(2)]; // k3 = ρ - 1 - log ρ
  assertClose(report.approximate_kl!, [0.5 - up, -0.5 + down, -0.5 + down], 1e-5);
  assertClose(report.sampler_gap!, [up, down, down], 1e-5);
});

eachDevice("clippedSurrogate() has no limit without a clip", async () => {
  const { loss, gradient, report } = await evaluateObjective(clippedSurrogate(null), MOVED);
  assertClose(loss, [-3, -1, 0.5], 1e-5); // -A ρ
  assertClose(gradient, [-3, -1, 0.5], 1e-5);
  assertEquals(report.clip_fraction, [0, 0, 0]);
});

eachDevice(
  "nearReference() adds β times the divergence, and pulls towards the reference",
  async () => {
    const ratio = [2, 0.5, 1]; // reference over policy
    const { loss, gradient, report } = await evaluateObjective(nearReference(likelihood, 0.1), [
      { logProbs: [-1, -2], referenceLogProbs: [-1 + Math.log(2), -2 - Math.log(2)], advantage: 3 },
      { logProbs: [-1], referenceLogProbs: [-1], advantage: -0.5 },
    ]);
    const kl = ratio.map((r) => r - Math.log(r) - 1);
    assertClose(report.reference_kl!, kl, 1e-6);
    assertClose(loss, [3, 6, -0.5].map((nll, i) => nll + 0.1 * kl[i]!), 1e-6);
    assertClose(gradient, [-3, -3, 0.5].map((slope, i) => slope + 0.1 * (1 - ratio[i]!)), 1e-6);
  },
);

eachDevice("driftReport() is 0 while the policy has not moved, and never negative", async () => {
  for (const [gap, kl] of [[0, 0], [1, Math.E - 2], [-1, 1 / Math.E]] as const) {
    const report = await evaluateObjective(
      (scores, batch) => ({ loss: scores.logProbs, report: driftReport(scores, batch) }),
      [{ logProbs: [-2], oldLogProbs: [-2 - gap] }],
    );
    assertClose(report.report.approximate_kl!, [kl], 1e-6); // e^gap - 1 - gap
    assertClose(report.report.sampler_gap!, [Math.abs(gap)], 1e-6);
  }
});

eachDevice("stopGradient() keeps the values and passes no gradient", async () => {
  const x = tf.tensor1d([-1, 0.5, 3]);
  assertEquals([...await take(tf.tidy(() => stopGradient(x)))], [-1, 0.5, 3]);
  const slope = (f: (x: tf.Tensor) => tf.Tensor) => take(tf.tidy(() => tf.grad(f)(x)));
  assertEquals([...await slope((x) => tf.sum(stopGradient(tf.square(x))))].map(Math.abs), [
    0,
    0,
    0,
  ]);
  // x sg(x): the slope is sg(x), not 2 x
  assertClose(await slope((x) => tf.sum(tf.mul(x, stopGradient(x)))), [-1, 0.5, 3], 1e-6);
  x.dispose();
});

/** Rows of 3, 1 and 2 tokens. */
const THREE = [{ logProbs: [-1, -2, -6] }, { logProbs: [-0.5] }, { logProbs: [-4, -2] }];

eachDevice("sequenceMeans() has the mean of each row at each of its tokens", async () => {
  const batch = batchOf(THREE); // and two masked places
  const values = onDevice(THREE.flatMap(({ logProbs }) => logProbs), batch);
  const means = await take(sequenceMeans(values, batch));
  assertClose(means, [-3, -3, -3, -0.5, -3, -3, 0, 0], 1e-6);
  values.dispose();
  disposeBatch(batch);
});

eachDevice("sequenceMeans() shares the slopes at a row's tokens among them", async () => {
  const batch = batchOf(THREE);
  const values = onDevice(THREE.flatMap(({ logProbs }) => logProbs), batch);
  const slopes = onDevice([3, 6, 0, 5, 1, 0], batch); // -1 in masked places: it must reach nobody
  const gradient = tf.tidy(() =>
    tf.grad((x) => tf.sum(tf.mul(sequenceMeans(x as tf.Tensor1D, batch), slopes)))(values)
  );
  // (3 + 6 + 0) / 3 at each token of the first row, 5 / 1, (1 + 0) / 2
  assertClose(await take(gradient), [3, 3, 3, 5, 0.5, 0.5, 0, 0], 1e-6);
  tf.dispose([values, slopes]);
  disposeBatch(batch);
});

eachDevice("sequenceMeans() does not see what fills a batch up", async () => {
  const completion = Array.from({ length: 33 }, () => 2); // WebGPU fills 33 tokens up to 40
  const batch = tokenBatch([{ prompt: [1], completion, advantage: 1 }], 0);
  const values = onDevice(completion.map((_, i) => -i), batch);
  const means = await take(sequenceMeans(values, batch));
  const expected = Array.from(means, (_, i) => i < 33 ? -16 : 0); // -(0 + 1 + … + 32) / 33
  assertClose(means, expected, 1e-5);
  values.dispose();
  disposeBatch(batch);
});
