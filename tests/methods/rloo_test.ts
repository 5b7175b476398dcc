import { assert, assertThrows } from "@std/assert";
import { reinforce } from "../../lib/methods/reinforce.ts";
import { rloo } from "../../lib/methods/rloo.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { assertGradient, assertLearns, CONFIG, finish, startsWith } from "./_rl.ts";

const DATASET = startsWith("a", "b", "c", "d");
const config = { ...CONFIG, groupSize: 6 };

eachDevice("rloo() minimizes −A log π of whole completions, averaged over them", async () => {
  const { yielded, groups } = await finish(rloo, config, DATASET);
  let sum = 0;
  for (const { completions, rewards } of groups[0]!) {
    completions.forEach(({ logProbs }, i) => {
      const others = rewards.filter((_, j) => j !== i).map(({ total }) => total);
      const baseline = others.reduce((a, b) => a + b) / 5;
      sum -= (rewards[i]!.total - baseline) * logProbs.reduce((a, b) => a + b);
    });
  }
  assert(Math.abs(sum) > 0.01);
  assertClose([yielded[0]!["rl/surrogate"]!], [sum / 12], 1e-5); // two groups of six
});

eachDevice(
  "rloo() has G / (G − 1) times reinforce()'s gradient of completions of one token",
  async () => {
    const one = { ...config, maxNewTokens: 1 };
    const [own, plain] = [await finish(rloo, one, DATASET), await finish(reinforce, one, DATASET)];
    assertGradient(own.gradient, plain.gradient, 6 / 5);
  },
);

eachDevice("rloo() learns a question by its reward alone, in seconds", async () => {
  await assertLearns(rloo, config);
}, { devices: ["wasm"] });

Deno.test("rloo() takes one optimizer step on a step of rollouts", () => {
  rloo.check(config);
  rloo.check(rloo.config);
  assertThrows(
    () => rloo.check({ ...config, optimizerSteps: 2 }),
    RangeError,
    "optimizerSteps must be 1: current value is 2",
  );
});
