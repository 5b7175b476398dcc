import { assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { PRESETS } from "../../lib/methods/registry.ts";
import { rl } from "../../lib/methods/rl.ts";
import { sft } from "../../lib/methods/sft.ts";
import { sftRl, type SftRlConfig } from "../../lib/methods/sft_rl.ts";
import { disposeState, type Metrics, trainingState } from "../../lib/methods/training.ts";
import { createPolicy, disposePolicy } from "../../lib/model/policy.ts";
import {
  column,
  config,
  onCpu,
  puzzles,
  shape,
  taught,
  tokenizer,
  valuesOf,
  withRun,
} from "./_puzzles.ts";

const settings: SftRlConfig = {
  ...config,
  steps: 5,
  sftSteps: 3,
  sft: { ...config.sft, learningRate: { peak: 0.01, warmupSteps: 0, shape: "cosine" } },
  learningRate: { peak: 0.004, warmupSteps: 2, shape: "constant" },
  sftQuestions: { from: 0, to: 0.25 },
  rlQuestions: { from: 0.5, to: 1 },
};

/** Completions that begin with `=` are right, so that RL has signal. */
const dataset = puzzles({ isSolved: (_, completion) => completion.startsWith("=") });

onCpu("sftRl() teaches one part of the questions, then asks another", async (policy, state) => {
  const asked = new Set<number>();
  const run = sftRl(policy, dataset, settings, state, (_, groups) => {
    for (const { index } of groups) asked.add(index);
  });
  const yielded = await Array.fromAsync(run);
  assertEquals(yielded.map((metrics) => "sft/loss" in metrics), [true, true, true, false, false]);
  assertEquals(yielded.map((metrics) => "accuracy" in metrics), [false, false, false, true, true]);
  assertEquals(taught(state), [0, 1, 2, 3]); // a quarter of sixteen
  assertEquals([...asked].filter((index) => index < 8), []);
  assertEquals(column(yielded, "budget/rollouts"), [0, 0, 0, 8, 16]);
});

onCpu("sftRl() counts the rates of each part from its first step", async (policy, state) => {
  const yielded = await Array.fromAsync(sftRl(policy, dataset, settings, state));
  // half a cosine over three steps: 0.01 times 1/2 (1 + cos(π i / 3)), which is 1, 3/4 and 1/4
  [0.01, 0.0075, 0.0025].forEach((rate, i) =>
    assertAlmostEquals(yielded[i]!["sft/learning_rate"]!, rate, 1e-9)
  );
  assertEquals(column(yielded.slice(3), "rl/learning_rate"), [0.002, 0.004]);
});

onCpu("sftRl() is sft(), then rl() with fresh moments, bit for bit", async (policy, state) => {
  const both = { ...settings, sftQuestions: { from: 0, to: 1 }, rlQuestions: { from: 0, to: 1 } };
  const one: Metrics[] = await Array.fromAsync(sftRl(policy, dataset, both, state));
  await withRun(async (twin, taughtState) => {
    const sftSettings = { ...both, ...both.sft, steps: 3, questions: both.sftQuestions };
    await Array.fromAsync(sft(twin, dataset, sftSettings, taughtState));
    const rlState = { ...trainingState(), drawn: taughtState.drawn }; // the batches go on
    const two = await Array.fromAsync(rl(twin, dataset, { ...both, steps: 2 }, rlState));
    assertEquals(await valuesOf(policy.weights), await valuesOf(twin.weights));
    assertEquals(column(one.slice(3), "rl/loss"), column(two, "rl/loss"));
    assertEquals(Object.keys(state.optimizers), ["sft", "rl"]);
    assertEquals([state.optimizers.sft!.step, state.optimizers.rl!.step], [
      3,
      rlState.optimizers.rl!.step,
    ]);
    disposeState(rlState);
  });
  const fresh = createPolicy(shape, tokenizer, 1);
  assertNotEquals(await valuesOf(policy.weights), await valuesOf(fresh.weights));
  disposePolicy(fresh);
});

onCpu("sftRl() is sft() alone when there are no steps left for RL", async (policy, state) => {
  const yielded = await Array.fromAsync(sftRl(policy, dataset, { ...settings, steps: 2 }, state));
  assertEquals(yielded.map((metrics) => "sft/loss" in metrics), [true, true]);
  assertEquals(state.budget.rollouts, 0);
});

Deno.test("sftRl() checks its parts of the questions, and their sizes where they are known", () => {
  const part = "Cannot train as sftQuestions must be a part of [0, 1]: current value is";
  const bad: [Partial<SftRlConfig>, string][] = [
    [{ sftQuestions: { from: 0.5, to: 0.5 } }, `${part} [0.5, 0.5]`],
    [{ sftQuestions: { from: -0.1, to: 0.5 } }, `${part} [-0.1, 0.5]`],
    [{ sftQuestions: { from: 0, to: 1.5 } }, `${part} [0, 1.5]`],
    [{ sftQuestions: { from: NaN, to: 1 } }, `${part} [NaN, 1]`],
    [{ rlQuestions: { from: 1, to: 0 } }, "rlQuestions must be a part of [0, 1]"],
    [{ sftSteps: 0 }, "sftSteps must be a whole number > 0: current value is 0"],
    [{ groupSize: 1 }, "groupSize must be >= 2"],
    [
      { sftQuestions: { from: 0, to: 0.1 } }, // 1.6 of 16
      "Cannot train on puzzles as sftQuestions must hold the 3 questions of a step: current size is 2",
    ],
  ];
  for (const [change, message] of bad) {
    const changed = { ...settings, questionsPerStep: 3, ...change };
    assertThrows(() => sftRl.check(changed, dataset), RangeError, message);
  }
  sftRl.check({ ...settings, questionsPerStep: 3, sftQuestions: { from: 0, to: 0.1 } });
});

Deno.test("the presets of SFT, then RL teach and ask the parts that the paper's do", () => {
  const [two, one] = ["sft-rl", "sft-rl-v1"].map((name) => PRESETS[name]!.config) as SftRlConfig[];
  assertEquals([two!.sftQuestions, two!.rlQuestions], [{ from: 0, to: 0.24 }, { from: 0, to: 1 }]);
  assertEquals([one!.sftQuestions.to, one!.rlQuestions.from], [0.5, 0.5]); // none is in both
  for (const { steps, sftSteps } of [one!, two!]) assertEquals(steps - sftSteps, rl.config.steps);
});
