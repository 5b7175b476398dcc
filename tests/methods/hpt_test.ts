import { assertEquals, assertThrows } from "@std/assert";
import { hpt, hptMixture } from "../../lib/methods/hpt.ts";
import { rl } from "../../lib/methods/rl.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { assertSameUpdate, finish, groupOf, letters, SMALL, trainingOf } from "./_hybrids.ts";

const config = { ...hpt.config, ...SMALL };

eachDevice("hpt() is Dr. GRPO without a clip where no question has a demonstration", async () => {
  const dataset = letters({ demonstrated: [] });
  const alike = { ...rl.config, ...SMALL, clip: null, reduction: "constant-length" } as const;
  assertSameUpdate(await finish(hpt, dataset, config), await finish(rl, dataset, alike));
}, { devices: ["wasm"] });

Deno.test("hptMixture() gives each question the same weight, whichever loss it has", () => {
  const dataset = letters({ demonstrated: [0, 1, 2] });
  const part = [
    groupOf(dataset, 0, { "a": 0, "b": 0 }),
    groupOf(dataset, 1, { "ab": 1, "b": 0 }),
    groupOf(dataset, 2, { "abcd": 0.1, "b": 0 }), // rewarded, but not right
    groupOf(dataset, 3, { "a": 0.1, "b": 0 }), // lost, but nobody has shown how
  ];
  const { terms: [own, taught], demonstrations } = hptMixture(trainingOf(config, dataset), part);
  assertEquals(demonstrations.map(({ index }) => index), [0, 2]);
  // a quarter for each question, half of that for each completion, of at most six tokens
  assertEquals(own!.rows.map(({ weight }) => weight), Array(4).fill(1 / 48));
  assertEquals(own!.rows.map(({ advantage }) => advantage), [0.5, -0.5, 0.05, -0.05]);
  assertClose(taught!.rows.map(({ weight }) => weight as number), [1 / 20, 1 / 20], 1e-12);

  const open = trainingOf({ ...config, gate: 0.5 }, dataset);
  assertEquals(hptMixture(open, part).demonstrations.map(({ index }) => index), [0, 1, 2]);
});

eachDevice("hpt() teaches the questions that no completion solves", async () => {
  const dataset = letters({ demonstrated: [0, 1, 2, 5], isRight: ({ id }) => Number(id) > 3 });
  const once = { ...config, steps: 1, questionsPerStep: 8, optimizerSteps: 1 };
  const { state, yielded: [metrics] } = await finish(hpt, dataset, once);
  assertEquals(state.taught, { 0: 1, 1: 1, 2: 1 }); // 3 has no demonstration, 4 to 7 are solved
  const of = (name: string) => metrics![name]!;
  assertEquals(of("groups/all_wrong"), 4);
  assertClose([of("sft/surrogate")], [of("sft/nll") * 3 / 8], 1e-5); // of three of eight questions
  assertClose([of("rl/loss")], [of("rl/surrogate") + of("sft/surrogate")], 1e-5);
});

eachDevice("hpt() teaches every question when its gate is open", async () => {
  const all = { ...config, steps: 1, questionsPerStep: 8, gate: 1 };
  const { state, yielded: [metrics] } = await finish(hpt, letters({ isRight: () => true }), all);
  assertEquals(Object.keys(state.taught).length, 8);
  assertEquals("rl/ratio" in metrics!, false); // nothing is left for RL
}, { devices: ["cpu"] });

Deno.test("hpt() rejects a gate that is no share", () => {
  hpt.check(config);
  assertThrows(
    () => hpt.check({ ...config, gate: 2 }),
    RangeError,
    "Cannot train as gate must be in [0, 1]: current value is 2",
  );
});
