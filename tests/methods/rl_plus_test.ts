import { assertEquals, assertThrows } from "@std/assert";
import { demonstrationsOf } from "../../lib/methods/demonstrations.ts";
import { rl } from "../../lib/methods/rl.ts";
import { rlPlus, unexploredGain } from "../../lib/methods/rl_plus.ts";
import { mean } from "../../lib/methods/training.ts";
import { createPolicy, disposePolicy } from "../../lib/model/policy.ts";
import { scoreRows } from "../../lib/objectives/log_probs.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { evaluateObjective } from "../objectives/_objective.ts";
import { assertSameUpdate, finish, letters, SMALL, trainingOf } from "./_hybrids.ts";
import { shape, tokenizer } from "./_puzzles.ts";

const config = { ...rlPlus.config, ...SMALL };

eachDevice(
  "unexploredGain() weighs by the mixture ratio and by what is not known yet",
  async () => {
    const token = await evaluateObjective(unexploredGain(0.5, 0.125), [
      {
        logProbs: [0.5, 0.75, 1].map(Math.log),
        oldLogProbs: [0.25, 0.75, 0.5].map(Math.log),
        advantage: 0.5,
      },
    ]);
    // π_ω = (π_old + 1/8) / 2; 2 π / (π_ω + π_old): 1 / 0.4375, 1.5 / 1.1875; (1 - π)^γ: √0.5, √0.25
    const expected = [-0.5 * 2.2857143 * 0.7071068, -0.5 * 1.2631579 * 0.5, 0];
    assertClose(token.loss, expected, 1e-5);
    // the ratio grows as π does, (1 - π)^γ is a constant: the gradient by log π is the loss itself
    assertClose(token.gradient, expected, 1e-5);
  },
);

eachDevice("unexploredGain() damps unlikely tokens with the authors' uniform of 1", async () => {
  const token = await evaluateObjective(unexploredGain(1, 1), [
    { logProbs: [0.1].map(Math.log), oldLogProbs: [0.1].map(Math.log), advantage: 1 },
  ]);
  assertClose(token.loss, [-0.9 * 0.2 / 0.65], 1e-5); // 1.5 * 0.1 + 0.5
});

eachDevice("rlPlus() is RL without a clip where no question has a demonstration", async () => {
  const dataset = letters({ demonstrated: [] });
  const alike = { ...rl.config, ...SMALL, clip: null, reduction: "constant-length" } as const;
  assertSameUpdate(await finish(rlPlus, dataset, config), await finish(rl, dataset, alike));
}, { devices: ["wasm"] });

eachDevice("rlPlus() judges demonstrations by the policy before the step", async () => {
  const once = { ...config, steps: 1, optimizerSteps: 1, questionsPerStep: 8 };
  const dataset = letters({ demonstrated: [1, 5] });
  const { state, yielded: [metrics] } = await finish(rlPlus, dataset, once);
  assertEquals(state.taught, { 1: 1, 5: 1 });
  // before the first update both are the policy's: 2 p / (1.5 p + 0.5 / vocabulary)
  const policy = createPolicy(shape, tokenizer, 1);
  const questions = [1, 5].map((index) => ({ index, question: dataset.question(index) }));
  const rows = demonstrationsOf(trainingOf(config, dataset, policy), questions)
    .map(({ row }) => row);
  const ratios = (await scoreRows(policy, rows, 1024))
    .flatMap(({ logProbs }) => Array.from(logProbs, Math.exp))
    .map((p) => 2 * p / (1.5 * p + 0.5 / shape.vocab_size));
  disposePolicy(policy);
  assertClose([metrics!["off/ratio"]!], [mean(ratios)], 1e-4);
});

Deno.test("rlPlus() rejects settings without effect", () => {
  rlPlus.check(config);
  rlPlus.check({ ...config, uniform: 1 });
  assertThrows(
    () => rlPlus.check({ ...config, exploration: NaN }),
    RangeError,
    "Cannot train as exploration must be > 0: current value is NaN",
  );
});
