import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Question } from "../../lib/data/question.ts";
import {
  type BufferConfig,
  bufferQuestions,
  eventMetrics,
  isHardest,
  takeBatch,
  teach,
} from "../../lib/methods/buffer.ts";
import type { Training } from "../../lib/methods/method.ts";
import { relift } from "../../lib/methods/relift.ts";
import { type DrawnGroup, type Metrics, trainingState } from "../../lib/methods/training.ts";
import { ADAMW_DEFAULTS } from "../../lib/optim/adamw.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import {
  config,
  faulty,
  groupsOf,
  onCpu,
  puzzles,
  trainingOf,
  valuesOf,
  wait,
  waiting,
  withRun,
} from "./_puzzles.ts";

/** Buffers the questions of the groups that are hardest. */
function bufferHardest(training: Training<BufferConfig>, groups: readonly DrawnGroup[]): Metrics {
  return bufferQuestions(training, groups.filter((group) => isHardest(group, training.config)));
}

/** Questions to teach. */
const asked = (...indices: number[]): { index: number }[] => indices.map((index) => ({ index }));

onCpu("bufferQuestions() takes questions at or below the gate Q", (policy) => {
  const dataset = puzzles();
  const groups = groupsOf(dataset, { 0: 0, 1: 0.125, 2: 0.25, 3: 0.375, 4: 1 });
  for (const [gate, expected] of [[0, [0]], [0.125, [0, 1]], [0.25, [0, 1, 2]]] as const) {
    const state = trainingState();
    const metrics = bufferHardest(trainingOf(policy, dataset, { ...config, gate }, state), groups);
    assertEquals([waiting(state), metrics["buffer/added"]], [[...expected], expected.length]);
  }
});

onCpu("bufferQuestions() lets a question wait once, since its first failure", (policy, state) => {
  const dataset = puzzles();
  bufferHardest(trainingOf(policy, dataset, config, state), groupsOf(dataset, { 5: 0, 6: 0 }));
  state.step = 3;
  const metrics = bufferHardest(
    trainingOf(policy, dataset, config, state),
    groupsOf(dataset, { 6: 0, 7: 0 }),
  );
  assertEquals(state.hardest, [{ index: 5, step: 0 }, { index: 6, step: 0 }, {
    index: 7,
    step: 3,
  }]);
  assertEquals([metrics["buffer/added"], metrics["buffer/dropped"]], [1, 0]);
});

onCpu("bufferQuestions() drops the oldest beyond maxBuffered", (policy, state) => {
  const dataset = puzzles();
  const settings = { ...config, maxBuffered: 3 };
  bufferHardest(trainingOf(policy, dataset, settings, state), groupsOf(dataset, { 8: 0, 9: 0 }));
  state.step = 1;
  const groups = groupsOf(dataset, { 1: 0, 2: 0 });
  const metrics = bufferHardest(trainingOf(policy, dataset, settings, state), groups);
  assertEquals(waiting(state), [9, 1, 2]);
  assertEquals([metrics["buffer/added"], metrics["buffer/dropped"]], [2, 1]);
});

onCpu("bufferQuestions() drops what waited longer than maxAge steps", (policy, state) => {
  const dataset = puzzles();
  const settings = { ...config, maxAge: 2 };
  const lengths: number[] = [];
  for (const [index, accuracy] of [[8, 0], [9, 0], [1, 1], [1, 1], [1, 1]] as const) {
    const groups = groupsOf(dataset, { [index]: accuracy });
    bufferHardest(trainingOf(policy, dataset, settings, state), groups);
    lengths.push(state.hardest.length);
    state.step++;
  }
  assertEquals(lengths, [1, 2, 2, 1, 0]); // of step 0 until step 2, of step 1 until step 3
});

onCpu(
  "bufferQuestions() counts and skips questions without a usable demonstration",
  (policy, state) => {
    const dataset = puzzles(faulty);
    const groups = groupsOf(dataset, { 0: 0, 1: 0, 2: 0, 3: 0 });
    const metrics = bufferHardest(trainingOf(policy, dataset, config, state), groups);
    assertEquals(waiting(state), [3]);
    assertEquals([metrics["buffer/added"], metrics["buffer/without_demonstration"]], [1, 3]);
  },
);

onCpu("takeBatch() takes the oldest or the newest M, or what there is", (policy, state) => {
  for (
    const [order, batches] of [
      ["oldest-first", [[5, 6], [7]]],
      ["newest-first", [[7, 6], [5]]],
    ] as const
  ) {
    wait(state, 5, 6, 7);
    const training = trainingOf(policy, puzzles(), { ...config, order }, state);
    for (const expected of batches) {
      assertEquals(takeBatch(training).map(({ index }) => index), [...expected]);
    }
    assertEquals(waiting(state), []);
  }
});

onCpu("eventMetrics() adds up what is counted and averages all else", (_, state) => {
  const events = [
    { "sft/loss": 1, "sft/skipped_steps": 1, "time/sft_s": 2 },
    { "sft/loss": 4, "sft/skipped_steps": 2, "time/sft_s": 3 },
  ];
  assertEquals(eventMetrics({ ...state, sftEvents: 7 }, events), {
    "sft/loss": 2.5,
    "sft/events": 7,
    "sft/events_now": 2,
    "sft/skipped_steps": 3,
    "time/sft_s": 5,
  });
});

onCpu("defect 8: the SFT gradient is clipped at the SFT's own norm", async (policy, state) => {
  const adamw = { ...ADAMW_DEFAULTS, maxGradNorm: 0.01 };
  const settings = { ...config, sft: { ...config.sft, adamw } };
  const report = await teach(trainingOf(policy, puzzles(), settings, state), asked(0, 1));
  const moments = Object.values(await valuesOf(state.optimizers.sft!.m)).flat();
  // m = (1 - β1) times a gradient scaled down to norm 0.01
  assert(report["sft/grad_norm"]! > 0.1);
  assertClose([Math.hypot(...moments)], [0.1 * 0.01], 1e-6);
});

eachDevice(
  "teach() leaves the moments of RL alone, bit for bit",
  () =>
    withRun(async (policy, state) => {
      const isSolved = (_: Question, completion: string) => completion.startsWith("=");
      const settings = { ...config, steps: 2, bufferSize: 100 };
      await Array.fromAsync(relift(policy, puzzles({ isSolved }), settings, state));
      const { rl } = state.optimizers;
      const moments = () => Promise.all([rl!.m, rl!.v].map(valuesOf));
      const [before, steps] = [await moments(), rl!.step];
      assert(steps > 0 && Object.values(before[0]!).flat().some((x) => x !== 0));
      await teach(trainingOf(policy, puzzles(), config, state), asked(0, 1));
      assertEquals([await moments(), rl!.step], [before, steps]);
      assertEquals([Object.keys(state.optimizers), state.optimizers.sft!.step], [["rl", "sft"], 1]);
      const shared = trainingOf(policy, puzzles(), { ...config, sharedOptimizer: true }, state);
      await teach(shared, asked(2, 3));
      assertEquals([rl!.step, state.optimizers.sft!.step], [steps + 1, 1]);
      assertNotEquals(await moments(), before);
    }),
);

onCpu(
  "teach() takes `passes` steps on a batch, each at its own rate",
  async (policy, state) => {
    const learningRate = { peak: 0.01, warmupSteps: 4, shape: "constant" as const };
    const settings = { ...config, passes: 2, sft: { ...config.sft, learningRate } };
    const rates: number[] = [];
    for (const questions of [asked(0, 1), asked(2, 3)]) {
      const training = trainingOf(policy, puzzles(), settings, state);
      rates.push((await teach(training, questions))["sft/learning_rate"]!);
    }
    // Means of 1/4 and 2/4, then of 3/4 and 4/4 of the peak
    assertClose(rates, [0.00375, 0.00875], 1e-9);
    assertEquals([state.optimizers.sft!.step, state.sftEvents], [4, 2]);
    assertEquals(state.taught, { 0: 1, 1: 1, 2: 1, 3: 1 });
  },
);

onCpu(
  "teach() skips and counts steps whose gradient is not finite",
  async (policy, state) => {
    const spoiled = policy.weights["model.layers.0.mlp.up_proj.weight"]!;
    const values = (await spoiled.data()).slice();
    values[3] = NaN;
    tf.tidy(() => void spoiled.assign(tf.tensor(values, spoiled.shape)));
    const before = await valuesOf(policy.weights);
    const training = trainingOf(policy, puzzles(), { ...config, passes: 2 }, state);
    const metrics = await teach(training, asked(0, 1));
    assertEquals(await valuesOf(policy.weights), before);
    assertEquals(state.optimizers.sft!.step, 0);
    assertEquals([metrics["sft/skipped_steps"], state.taught], [2, {}]);
  },
);
