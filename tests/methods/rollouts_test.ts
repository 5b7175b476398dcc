import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Group } from "../../lib/grading/group.ts";
import {
  drawGroups,
  liveGroups,
  rolloutMetrics,
  rolloutStep,
  sampleGroups,
} from "../../lib/methods/rollouts.ts";
import { type DrawnGroup, trainingState } from "../../lib/methods/training.ts";
import { samplingFlops } from "../../lib/model/flops.ts";
import { eachDevice } from "../_devices.ts";
import { onCpu, shape, trainingOf } from "./_puzzles.ts";
import { CONFIG, startsWith, withPolicy } from "./_rl.ts";

const DATASET = startsWith("a", "b", "c", "d");
const config = { ...CONFIG, groupSize: 3 };

const texts = (groups: readonly DrawnGroup[]): string[][] =>
  groups.map(({ completions }) => completions.map(({ text }) => text));
const indices = (groups: readonly DrawnGroup[]): number[] => groups.map(({ index }) => index);

onCpu("drawGroups() samples the next batch of questions each time", async (policy, state) => {
  const training = trainingOf(policy, DATASET, config, state);
  const [first, second] = [await drawGroups(training), await drawGroups(training)];
  assertEquals(state.drawn, 2);
  assertEquals([...indices(first), ...indices(second)].sort(), [0, 1, 2, 3]); // an epoch
  for (const { index, question, completions, rewards } of [...first, ...second]) {
    assertEquals(question, DATASET.question(index));
    assertEquals([completions.length, rewards.length], [3, 3]);
    for (const [i, { text }] of completions.entries()) {
      assertEquals(rewards[i], DATASET.reward(question, text));
    }
  }
});

onCpu(
  "drawGroups() depends on seed and batch alone, and takes a part of a dataset",
  async (policy) => {
    const draw = async (
      drawn: number,
      seed = 1,
      pool = { from: 0, to: 4 },
    ): Promise<DrawnGroup[]> =>
      await drawGroups(
        trainingOf(policy, DATASET, { ...config, seed, maxNewTokens: 8 }, {
          ...trainingState(),
          drawn,
          step: 7 * drawn, // which has no say
        }),
        pool,
      );
    assertEquals(texts(await draw(3)), texts(await draw(3)));
    assertNotEquals(texts(await draw(3)), texts(await draw(5)));
    assertNotEquals(texts(await draw(3)), texts(await draw(3, 2)));
    assertEquals(indices(await draw(0, 1, { from: 1, to: 3 })).sort(), [1, 2]);
  },
);

onCpu("sampleGroups() draws by path and question, not by place", async (policy, state) => {
  const training = trainingOf(policy, DATASET, { ...config, maxNewTokens: 8 }, state);
  const drawn = [2, 0, 1].map((index) => ({ index, question: DATASET.question(index) }));
  const groups = await sampleGroups(training, drawn, ["here", 1]);
  assertEquals(indices(groups), [2, 0, 1]);
  const turned = await sampleGroups(training, drawn.toReversed(), ["here", 1]);
  assertEquals(texts(turned.toReversed()), texts(groups));
  assertNotEquals(texts(await sampleGroups(training, drawn, ["here", 2])), texts(groups));
});

onCpu("sampleGroups() counts what it cost", async (policy, state) => {
  const training = trainingOf(policy, DATASET, config, state);
  const groups = await drawGroups(training);
  const flops = groups.map(({ prompt, completions }) =>
    samplingFlops(shape, prompt.length, completions.map(({ tokens }) => tokens.length))
  );
  assertEquals(state.budget, { rollouts: 6, optimizerSteps: 0, flops: flops[0]! + flops[1]! });
});

onCpu("rolloutStep() tells its groups once, with the step of the run", async (policy, state) => {
  const told: [number, readonly DrawnGroup[]][] = [];
  state.step = 4;
  const { groups, metrics } = await rolloutStep({
    ...trainingOf(policy, DATASET, config, state),
    onGroups: (step, groups) => void told.push([step, groups]),
  });
  assertEquals(told, [[4, groups]]);
  assertEquals([groups.length, state.drawn], [2, 1]);
  const again = rolloutMetrics(groups, metrics["time/rollout_s"]!);
  assertEquals(metrics, again);
  assert(metrics["time/rollout_s"]! > 0);
});

onCpu("rolloutStep() draws as it is told", async (policy, state) => {
  const training = trainingOf(policy, DATASET, config, state);
  const { groups, metrics } = await rolloutStep(training, undefined, async () => [
    ...await drawGroups(training),
    ...await drawGroups(training),
  ]);
  assertEquals([groups.length, state.drawn], [4, 2]);
  assertEquals(metrics["groups/live"]! + metrics["groups/dead"]!, 4);
});

/** A group of completions of these lengths; cut where the reward is below 0. */
function groupOf(rewards: readonly number[], lengths: readonly number[]): Group {
  return {
    question: { id: "q", prompt: "ab=", answer: "" },
    prompt: [1, 2, 3],
    completions: rewards.map((reward, i) => ({
      tokens: Array.from({ length: lengths[i]! }, () => 1),
      text: "",
      logProbs: [],
      samplingLogProbs: [],
      entropy: lengths[i]! / 8,
      finishReason: reward < 0 ? "length" : "stop",
    })),
    rewards: rewards.map((total) => ({
      total,
      correct: total === 1,
      parts: { format: total < 0 ? 0 : 1 },
    })),
    accuracy: rewards.filter((reward) => reward === 1).length / rewards.length,
  };
}

const GROUPS = [
  groupOf([1, 0], [4, 6]),
  groupOf([0, 0], [2, 2]),
  groupOf([-1, 0], [9, 5]),
  groupOf([1, 1], [3, 1]),
];

Deno.test("rolloutMetrics() tells rewards, lengths and groups", () => {
  assertEquals(rolloutMetrics(GROUPS, 2), {
    "accuracy": (0.5 + 0 + 0 + 1) / 4,
    "reward/mean": 2 / 8, // 1 + 0 + 0 + 0 - 1 + 0 + 1 + 1
    "reward/format": 7 / 8,
    "groups/live": 2,
    "groups/dead": 2,
    "groups/all_right": 1,
    "groups/all_wrong": 2,
    "completion/tokens": 32 / 8,
    "completion/tokens_max": 9,
    "completion/tokens_min": 1,
    "completion/tokens_right": (4 + 3 + 1) / 3,
    "completion/tokens_wrong": (6 + 2 + 2 + 9 + 5) / 5,
    "completion/entropy": 4 / 8, // an eighth of the lengths here
    "completion/stopped": 7 / 8,
    "completion/cut": 1 / 8,
    "prompt/tokens": 3,
    "time/rollout_s": 2,
    "throughput/tokens_per_s": 16, // 32 tokens in 2 seconds
  });
});

Deno.test("rolloutMetrics() has no length of completions that are not there", () => {
  const metrics = rolloutMetrics([groupOf([0, 0], [2, 3])], 1);
  assertEquals([metrics["completion/tokens_right"], metrics["completion/tokens_wrong"]], [
    NaN,
    2.5,
  ]);
});

Deno.test("liveGroups() are those whose completions earned different rewards, in order", () => {
  assertEquals(liveGroups(GROUPS), [GROUPS[0], GROUPS[2]]);
  assertEquals(liveGroups([]), []);
});

eachDevice("drawGroups() samples as many tokens as it may", () =>
  withPolicy(async (policy) => {
    const groups = await drawGroups(trainingOf(policy, DATASET, config, trainingState()));
    for (const { tokens, finishReason } of groups.flatMap(({ completions }) => completions)) {
      assert(tokens.length >= 1 && tokens.length <= 4);
      assert(finishReason === "stop" || tokens.length === 4);
    }
  }));
