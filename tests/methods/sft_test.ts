import { assert, assertEquals } from "@std/assert";
import { sft, type SftConfig } from "../../lib/methods/sft.ts";
import { eachDevice } from "../_devices.ts";
import { config, faulty, four, onCpu, puzzles, taught, valuesOf, withRun } from "./_puzzles.ts";

const sftConfig: SftConfig = {
  ...config.sft,
  seed: 1,
  steps: 1,
  questionsPerStep: 4,
  maxNewTokens: 6,
  maxTokens: 1024,
  questions: { from: 0, to: 1 },
};

onCpu("sft() counts and skips questions without a usable demonstration", async (policy, state) => {
  const run = sft(policy, four(puzzles(faulty)), { ...sftConfig, steps: 2 }, state);
  const { value } = await run.next();
  assertEquals([value!["sft/demonstrations"], value!["sft/without_demonstration"]], [1, 3]);
  assertEquals(state.taught, { 3: 1 });
  assertEquals(value!["demonstrations/share"], 1 / 4);
});

onCpu("sft() takes no step when no demonstration can be used", async (policy, state) => {
  const before = await valuesOf(policy.weights);
  const none = { demonstrations: { 0: undefined, 1: undefined, 2: undefined, 3: undefined } };
  const { value } = await sft(policy, four(puzzles(none)), sftConfig, state).next();
  assertEquals([value!["sft/demonstrations"], value!["sft/without_demonstration"]], [0, 4]);
  assertEquals(await valuesOf(policy.weights), before);
  assertEquals([state.optimizers, state.taught, state.budget.optimizerSteps], [{}, {}, 0]);
});

onCpu("sft() teaches the questions of its part alone", async (policy, state) => {
  const settings = { ...sftConfig, steps: 4, questions: { from: 0.25, to: 0.75 } };
  await Array.fromAsync(sft(policy, puzzles(), settings, state));
  assertEquals(taught(state), [4, 5, 6, 7, 8, 9, 10, 11]); // of sixteen
});

eachDevice(
  "sft() learns four demonstrations by heart, in seconds",
  () =>
    withRun(async (policy, state) => {
      const nll: number[] = [];
      for await (
        const metrics of sft(policy, four(puzzles()), { ...sftConfig, steps: 60 }, state)
      ) nll.push(metrics["sft/nll"]!);
      assert(nll[0]! > 1 && nll.at(-1)! < 0.1, `from ${nll[0]} to ${nll.at(-1)} nats`);
    }),
  { devices: ["wasm"] },
);
