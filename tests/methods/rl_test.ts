import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { rl, type RlConfig, rlTerm } from "../../lib/methods/rl.ts";
import { groupAdvantages } from "../../lib/objectives/advantages.ts";
import { evaluateObjective } from "../objectives/_objective.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { assertLearns, CONFIG, finish, groupOf, startsWith, withPolicy } from "./_rl.ts";

const config: RlConfig = {
  ...CONFIG,
  clip: { low: 0.2, high: 0.28, dual: 3 },
  reduction: "token-mean",
  normalizeStd: false,
  entropyCoefficient: 0,
};

eachDevice(
  "rlTerm() shares the loss, normalizes and clips as its settings say",
  () =>
    withPolicy(async (policy) => {
      const groups = [
        await groupOf(policy, { "aba": 1, "cd": 0 }),
        await groupOf(policy, { "abcd": 0, "d": 0 }),
      ];
      const weights = (reduction: RlConfig["reduction"]) =>
        rlTerm(groups, { ...config, reduction }).rows.map(({ weight }) => weight);
      assertEquals(weights("token-mean"), [0.1, 0.1, 0.1, 0.1]); // 3 + 2 + 4 + 1 tokens
      assertEquals(weights("sequence-mean"), [1 / 12, 1 / 8, 1 / 16, 1 / 4]); // 4 rows × tokens
      assertEquals(weights("constant-length"), [1 / 16, 1 / 16, 1 / 16, 1 / 16]); // 4 rows × 4

      const advantages = (normalizeStd: boolean) =>
        rlTerm(groups, { ...config, normalizeStd }).rows.map(({ advantage }) => advantage);
      assertEquals(advantages(false), [0.5, -0.5, 0, 0]);
      const options = { normalizeStd: true };
      assertEquals(advantages(true), [...groupAdvantages([1, 0], options), 0, 0]);

      const { name, entropyCoefficient } = rlTerm(groups, { ...config, entropyCoefficient: 0.01 });
      assertEquals([name, entropyCoefficient], ["rl", 0.01]);
      const ratio4 = [{ logProbs: [-1], oldLogProbs: [-1 - Math.log(4)], advantage: -1 }];
      const lossOf = async (clip: RlConfig["clip"]): Promise<number[]> =>
        (await evaluateObjective(rlTerm(groups, { ...config, clip }).objective, ratio4)).loss;
      assertClose(await lossOf(config.clip), [3], 1e-5); // the dual clip
      assertClose(await lossOf(null), [4], 1e-5);
    }),
  { devices: ["cpu"] },
);

eachDevice("rl() finds ratios of 1 on its first update: sampler and trainer agree", async () => {
  const { yielded } = await finish(
    rl,
    { ...config, groupSize: 8, maxNewTokens: 12 },
    startsWith("=", "a"),
  );
  const [metrics] = yielded;
  assert(metrics!["groups/live"]! > 0);
  assertClose([metrics!["rl/ratio"]!], [1], 1e-4);
  assert(metrics!["rl/sampler_gap"]! < 1e-4, `gap ${metrics!["rl/sampler_gap"]}`);
  assertEquals(metrics!["rl/clip_fraction"], 0);
  assertClose([metrics!["rl/approximate_kl"]!], [0], 1e-6);
});

eachDevice(
  "rl() learns a question by its reward alone, in seconds",
  () => assertLearns(rl, config),
  { devices: ["wasm"] },
);

eachDevice("rl() repeats itself with the same seed, and not with another", async () => {
  const short = { ...config, steps: 2, groupSize: 6 };
  const [first, second, other] = [
    await finish(rl, short, startsWith("a", "b", "c", "d")),
    await finish(rl, short, startsWith("a", "b", "c", "d")),
    await finish(rl, { ...short, seed: 2 }, startsWith("a", "b", "c", "d")),
  ];
  assertEquals(second.weights, first.weights);
  assertNotEquals(other.weights, first.weights);
}, { devices: ["cpu"] });

eachDevice("rl() checks its settings before its first step", () =>
  withPolicy(async (policy) => {
    const run = rl(policy, startsWith("a"), { ...config, groupSize: 1 });
    await assertRejects(() => run.next(), RangeError, "groupSize");
  }), { devices: ["cpu"] });
