import * as tf from "@tensorflow/tfjs";
import { assertEquals } from "@std/assert";
import { demonstrationRow, supervisedStep } from "../../lib/methods/demonstrations.ts";
import { disposeState, trainingState } from "../../lib/methods/training.ts";
import { createPolicy, disposePolicy } from "../../lib/model/policy.ts";
import { tokenBatch } from "../../lib/objectives/batch.ts";
import { scoreTokens } from "../../lib/objectives/log_probs.ts";
import { ADAMW_DEFAULTS } from "../../lib/optim/adamw.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { config, faulty, onCpu, puzzles, shape, tokenizer, valuesOf, withRun } from "./_puzzles.ts";

eachDevice(
  "defect 3: supervisedStep() follows the true mean whatever the micro-batches",
  () =>
    withRun(async (policy) => {
      const dataset = puzzles(); // demonstrations of 3, 4, 5 and 6 tokens, EOS included
      const rows = [0, 1, 2, 3].map((index) =>
        demonstrationRow(policy, dataset.question(index), 6)!
      );
      assertEquals(rows.map((row) => row.completion.length), [3, 4, 5, 6]);
      const alpha = 0.1, tokens = 3 + 4 + 5 + 6;
      // One row at a time: -(log p + α H) of its tokens over the tokens of all rows.
      const { value, grads } = tf.variableGrads(() =>
        tf.addN(rows.map((row) => {
          const batch = tokenBatch([row], tokenizer.padTokenId);
          const { logProbs, entropy } = scoreTokens(policy, batch);
          const terms = tf.add(logProbs, tf.mul(entropy, alpha));
          return tf.sum(tf.mul(tf.mul(terms, batch.mask), -1 / tokens));
        })) as tf.Scalar, Object.values(policy.weights));
      const gradient = await valuesOf(
        Object.fromEntries(
          Object.entries(policy.weights).map(([name, weight]) => [name, grads[weight.name]!]),
        ),
      );
      const [loss] = await value.data<"float32">();
      tf.dispose([value, grads]);

      for (const maxTokens of [1024, 16, 8]) { // four rows, two and one at a time
        const copy = createPolicy(shape, tokenizer, 1);
        const state = trainingState();
        // With β1 = 0 and no clip the first moment is the gradient itself.
        const adamw = { ...ADAMW_DEFAULTS, beta1: 0, maxGradNorm: Infinity };
        const settings = { ...config.sft, entropyCoefficient: alpha, adamw, rate: 0.01 };
        const learner = { policy: copy, state, config: { maxTokens } };
        const report = await supervisedStep(learner, rows, settings);
        const moments = await valuesOf(state.optimizers.sft!.m);
        for (const name of Object.keys(gradient)) {
          assertClose(moments[name]!, gradient[name]!, 1e-5);
        }
        assertClose([report["sft/loss"]!], [loss!], 1e-5);
        assertClose([report["sft/nll"]! - alpha * report["sft/entropy"]!], [loss!], 1e-5);
        assertEquals(report["sft/demonstration_tokens"], tokens / 4);
        disposePolicy(copy);
        disposeState(state);
      }
    }),
);

onCpu(
  "demonstrationRow() is the demonstration and EOS, if it is there and fits",
  (policy) => {
    const dataset = puzzles(faulty);
    const rowOf = (index: number, room = 6) =>
      demonstrationRow(policy, dataset.question(index), room);
    assertEquals([0, 1, 2].map((index) => rowOf(index)), [undefined, undefined, undefined]);
    const completion = [...tokenizer.encode("abdab"), tokenizer.eosTokenId];
    assertEquals(rowOf(3), { prompt: tokenizer.encode("da="), completion, advantage: 1 });
    assertEquals([rowOf(3, 5), rowOf(1, 7)?.completion.length], [undefined, 7]);
    const cramped = { ...policy, config: { ...shape, max_position_embeddings: 8 } }; // 3 + 6 > 8
    assertEquals(demonstrationRow(cramped, dataset.question(3), 6), undefined);
  },
);
