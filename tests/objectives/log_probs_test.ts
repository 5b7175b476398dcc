import { assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { modelConfig } from "../../lib/model/config.ts";
import { initialWeights } from "../../lib/model/transformer.ts";
import { tokenBatch, type TrainingRow } from "../../lib/objectives/batch.ts";
import { scoreTokens } from "../../lib/objectives/log_probs.ts";
import { assertClose, eachDevice, take, TINY } from "../_devices.ts";

const CONFIG = modelConfig({ ...TINY, vocab_size: 11 });

eachDevice("scoreTokens() scores a row the same alone and beside longer rows", async () => {
  const weights = initialWeights(CONFIG, 1);
  const short: TrainingRow = { prompt: [3, 1], completion: [4, 1, 5], advantage: 0 };
  const long = { prompt: [9, 2, 6, 5, 3], completion: [5, 8, 9, 7, 9, 3, 2], advantage: 0 };
  const score = (rows: TrainingRow[]) =>
    tf.tidy(() => {
      const { logProbs, entropy } = scoreTokens(weights, CONFIG, tokenBatch(rows, 10));
      return tf.concat([logProbs.slice(0, 3), entropy.slice(0, 3)]); // of the first row
    });
  assertClose(await take(score([short])), await take(score([short, long])), 1e-5);
  tf.dispose(weights);
});

eachDevice("scoreTokens() scores each completion's tokens and nothing else", async () => {
  const weights = initialWeights(CONFIG, 1);
  const { logProbs, entropy } = tf.tidy(() => {
    const rows = [[1, 2], [3, 4]].map((prompt) => ({ prompt, completion: [5, 6], advantage: 0 }));
    return { ...scoreTokens(weights, CONFIG, tokenBatch(rows, 10)) };
  });
  assertEquals([logProbs.shape, entropy.shape], [[4], [4]]);
  assertEquals((await take(logProbs)).every((x) => x < 0), true);
  assertEquals((await take(entropy)).every((x) => x > 0 && x <= Math.log(11) + 1e-5), true);
  tf.dispose(weights);
}, { devices: ["cpu"] });
