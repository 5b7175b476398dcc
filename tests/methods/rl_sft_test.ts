import { assertEquals, assertThrows } from "@std/assert";
import { rl } from "../../lib/methods/rl.ts";
import { rlSft, type RlSftConfig } from "../../lib/methods/rl_sft.ts";
import { sft } from "../../lib/methods/sft.ts";
import { disposeState, trainingState } from "../../lib/methods/training.ts";
import { column, config, onCpu, puzzles, valuesOf, withRun } from "./_puzzles.ts";

const settings: RlSftConfig = {
  ...config,
  steps: 4,
  rlSteps: 2,
  sft: { ...config.sft, learningRate: { peak: 0.01, warmupSteps: 2, shape: "constant" } },
  sftQuestions: { from: 0, to: 0.5 },
};

/** Completions that begin with `=` are right, so that RL has signal. */
const dataset = puzzles({ isSolved: (_, completion) => completion.startsWith("=") });

onCpu("rlSft() is rl(), then sft() with fresh moments, bit for bit", async (policy, state) => {
  const one = await Array.fromAsync(rlSft(policy, dataset, settings, state));
  assertEquals(one.map((metrics) => "sft/loss" in metrics), [false, false, true, true]);
  assertEquals(column(one.slice(2), "sft/learning_rate"), [0.005, 0.01]);
  await withRun(async (twin, rlState) => {
    await Array.fromAsync(rl(twin, dataset, { ...settings, steps: 2 }, rlState));
    const sftState = { ...trainingState(), drawn: rlState.drawn }; // the batches go on
    const sftSettings = {
      ...settings,
      ...settings.sft,
      steps: 2,
      questions: settings.sftQuestions,
    };
    const two = await Array.fromAsync(sft(twin, dataset, sftSettings, sftState));
    assertEquals(await valuesOf(policy.weights), await valuesOf(twin.weights));
    assertEquals(column(one.slice(2), "sft/loss"), column(two, "sft/loss"));
    assertEquals(state.taught, sftState.taught);
    disposeState(sftState);
  });
});

Deno.test("rlSft() checks its settings", () => {
  const message = "Cannot train as rlSteps must be a whole number > 0: current value is 0.5";
  assertThrows(() => rlSft.check({ ...settings, rlSteps: 0.5 }), RangeError, message);
  const few = { ...settings, sftQuestions: { from: 0.9, to: 1 } };
  assertThrows(
    () => rlSft.check({ ...few, questionsPerStep: 4 }, dataset),
    RangeError,
    "size is 2",
  );
});
