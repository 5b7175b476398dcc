import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { binaryReward, type Dataset } from "../../lib/data/question.ts";
import { checkDapo, dapo, type DapoConfig, punished, punishments } from "../../lib/methods/dapo.ts";
import { rl } from "../../lib/methods/rl.ts";
import { liveGroups } from "../../lib/methods/rollouts.ts";
import { type DrawnGroup, mean } from "../../lib/methods/training.ts";
import { samplingFlops, trainingFlops } from "../../lib/model/flops.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { shape } from "./_puzzles.ts";
import { assertLearns, CONFIG, finish, groupOf, startsWith, withPolicy } from "./_rl.ts";

const config: DapoConfig = {
  ...CONFIG,
  groupSize: 12,
  clip: { low: 0.2, high: 0.28, dual: null },
  maxDraws: 3,
  overlongBuffer: 2,
  overlongPenalty: 0.5,
};

/** Twelve questions of which only these can be answered: by an odd number of a and b. */
function answerable(...indices: readonly number[]): Dataset {
  return {
    name: "answerable",
    size: 12,
    question: (index) => ({ id: `q${index}`, prompt: "ab=", answer: String(index) }),
    reward: ({ answer }, completion) =>
      binaryReward(
        indices.includes(Number(answer)) && completion.replaceAll(/[^ab]/g, "").length % 2 === 1,
      ),
  };
}

const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/** A group of completions of these lengths. */
const lengths = (...counts: readonly number[]): Pick<DrawnGroup, "completions"> => ({
  completions: counts.map((count) => ({
    tokens: Array.from({ length: count }, () => 1),
    text: "",
    logProbs: [],
    samplingLogProbs: [],
    entropy: 0,
    finishReason: "stop",
  })),
});

Deno.test("punishments() grow over the buffer before the limit, and are 0 before", () => {
  const settings = { ...config, maxNewTokens: 20, overlongBuffer: 5, overlongPenalty: 1 };
  // L_max - L_cache = 15; at 16 (15 - 16) / 5, at 20 all of it
  assertEquals(punishments(lengths(1, 15, 16, 18, 20), settings), [0, 0, -0.2, -0.6, -1]);
  const half = { ...settings, overlongPenalty: 0.5 };
  assertEquals(punishments(lengths(15, 16, 18, 20), half), [0, -0.1, -0.3, -0.5]);
});

eachDevice(
  "punished() lessens what the advantage sees, and nothing else",
  () =>
    withPolicy(async (policy) => {
      const group = await groupOf(policy, { "aba": 1, "cdcd": 1, "b": 0 });
      const less = punished(group, config); // 4 tokens, the last two punished: 0, 0.25, 0.5
      assertEquals(less.rewards.map(({ total }) => total), [0.75, 0.5, 0]);
      assertEquals(less.rewards.map(({ correct }) => correct), [true, true, false]);
      assertEquals({ ...less, rewards: group.rewards }, group);
    }),
  { devices: ["cpu"] },
);

eachDevice("dapo() is rl() with standardized rewards when the first draw is enough", async () => {
  const two = { ...config, questionsPerStep: 4, optimizerSteps: 2, overlongPenalty: 0 };
  const { yielded, weights } = await finish(dapo, two, answerable(...ALL));
  assertEquals([yielded[0]!["groups/draws"], yielded[0]!["groups/used"]], [1, 4]);
  const same = {
    ...two,
    reduction: "token-mean",
    normalizeStd: true,
    entropyCoefficient: 0,
  } as const;
  assertEquals((await finish(rl, same, answerable(...ALL))).weights, weights);
  const punishing = { ...two, overlongPenalty: 0.5 };
  assertNotEquals((await finish(dapo, punishing, answerable(...ALL))).weights, weights);
}, { devices: ["cpu", "wasm"] });

eachDevice("dapo() draws until enough groups have signal, and learns from the first", async () => {
  const settings = { ...config, questionsPerStep: 3, maxDraws: 4, overlongPenalty: 0 };
  const { yielded, groups } = await finish(dapo, settings, answerable(0, 1, 2, 3, 4, 5, 6));
  const [metrics, drawn] = [yielded[0]!, groups[0]!];
  const draws = metrics["groups/draws"]!;
  assertEquals([groups.length, drawn.length], [1, 3 * draws]); // told once, all of them
  assert(liveGroups(drawn.slice(0, 3 * (draws - 1))).length < 3, "it drew more than it needed");
  const live = liveGroups(drawn);
  assert(draws > 1 && live.length > 3, `${live.length} groups of ${draws} draws have signal`);
  assertEquals([metrics["groups/used"], metrics["groups/live"]], [3, live.length]);
  assertEquals(metrics["groups/dead"], drawn.length - live.length);
  assertEquals(metrics["accuracy"], mean(drawn.map(({ accuracy }) => accuracy)));
  assertEquals(metrics["budget/rollouts"], 12 * drawn.length);
  const sampling = drawn.map(({ prompt, completions }) =>
    samplingFlops(shape, prompt.length, completions.map(({ tokens }) => tokens.length))
  );
  const training = live.slice(0, 3).flatMap(({ prompt, completions }) =>
    completions.map(({ tokens }) => trainingFlops(shape, prompt.length, tokens.length))
  );
  const flops = [...sampling, ...training].reduce((a, b) => a + b);
  assertEquals(metrics["budget/flops"], flops); // the surplus is not trained on
}, { devices: ["cpu"] });

eachDevice("dapo() goes on with the groups it has when its draws run out", async () => {
  const { yielded, groups } = await finish(dapo, config, answerable(0, 1));
  const live = liveGroups(groups[0]!).length;
  const [metrics] = yielded;
  assert(live < 2, `${live} groups have signal`);
  assertEquals([metrics!["groups/draws"], metrics!["groups/used"]], [3, live]);
  const none = await finish(dapo, { ...config, steps: 2 }, answerable());
  for (const metrics of none.yielded) {
    assertEquals([metrics["groups/draws"], metrics["groups/used"]], [3, 0]);
    assertEquals([metrics["rl/optimizer_steps"], metrics["rl/empty_steps"]], [0, 1]);
    assertEquals(metrics["advantage/max"], NaN);
  }
  assertEquals(none.yielded[1]!["budget/rollouts"], 2 * 3 * 2 * 12);
  assertEquals(none.gradient, {});
}, { devices: ["cpu"] });

eachDevice("dapo() learns from punished rewards, and tells them as they were", async () => {
  const { yielded, groups } = await finish(dapo, config, answerable(...ALL));
  const [metrics, drawn] = [yielded[0]!, groups[0]!];
  const rewards = drawn.flatMap((group) => group.rewards);
  assertClose([metrics["reward/mean"]!], [mean(rewards.map(({ total }) => total))], 1e-12);
  assert(rewards.every(({ total, correct }) => total === (correct ? 1 : 0)));
  const less = drawn.flatMap((group) => punishments(group, config));
  assert(less.some((x) => x < 0));
  assertClose([metrics["reward/overlong"]!], [mean(less)], 1e-12);
  // Two rewards would give two advantages a group; with punishments there are more.
  const plain = await finish(dapo, { ...config, overlongPenalty: 0 }, answerable(...ALL));
  assertEquals(plain.groups[0], drawn);
  assertEquals(plain.yielded[0]!["reward/overlong"], 0);
  assertNotEquals(metrics["advantage/mean_abs"], plain.yielded[0]!["advantage/mean_abs"]);
}, { devices: ["cpu"] });

eachDevice("dapo() learns a question by its reward alone, in seconds", async () => {
  await assertLearns(dapo, { ...config, maxDraws: 1, overlongPenalty: 0 });
}, { devices: ["wasm"] });

eachDevice("dapo() learns to end completions before they are punished", async () => {
  const { yielded } = await finish(dapo, {
    ...config,
    steps: 25,
    maxNewTokens: 8,
    overlongBuffer: 6,
    overlongPenalty: 1,
  }, startsWith("a", "b", "c", "d"));
  const tokens = yielded.map((metrics) => metrics["completion/tokens"]!);
  const [early, late] = [mean(tokens.slice(0, 3)), mean(tokens.slice(-3))];
  assert(late < 0.7 * early, `from ${early} to ${late} tokens`);
}, { devices: ["wasm"] });

Deno.test("checkDapo() rejects settings that its type cannot", () => {
  checkDapo(dapo.config);
  checkDapo({ ...config, overlongPenalty: 0 });
  const bad: [Partial<DapoConfig>, string][] = [
    [{ maxDraws: 0 }, "Cannot train as maxDraws must be a whole number > 0: current value is 0"],
    [{ overlongBuffer: 1.5 }, "overlongBuffer must be a whole number > 0: current value is 1.5"],
    [
      { overlongPenalty: -1 },
      "Cannot punish long completions as overlongPenalty must be >= 0: current value is -1",
    ],
    [{ groupSize: 1 }, "groupSize must be >= 2"],
  ];
  for (const [change, message] of bad) {
    assertThrows(() => checkDapo({ ...config, ...change }), RangeError, message);
  }
});
