import { assertEquals } from "@std/assert";
import { grpo } from "../../lib/methods/grpo.ts";
import { superrl, superrlMixture } from "../../lib/methods/superrl.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { assertSameUpdate, finish, groupOf, letters, SMALL, trainingOf } from "./_hybrids.ts";

const config = { ...superrl.config, ...SMALL };

Deno.test("superrlMixture() gives each question the same weight, whichever loss it has", () => {
  const dataset = letters({ demonstrated: [0, 1, 2] });
  const { terms: [own, taught], demonstrations } = superrlMixture(trainingOf(config, dataset), [
    groupOf(dataset, 0, { "a": 0, "b": 0 }),
    groupOf(dataset, 1, { "ab": 1, "b": 0 }),
    groupOf(dataset, 2, { "abcd": 0.1, "b": 0 }), // hardly rewarded, but rewarded
    groupOf(dataset, 3, { "a": 0, "b": 0 }), // lost, but nobody has shown how
  ]);
  assertEquals(demonstrations.map(({ index }) => index), [0]);
  // a quarter for each question, half of that for each completion, shared by its tokens
  assertClose(
    own!.rows.map(({ weight }) => weight as number),
    [1 / 16, 1 / 8, 1 / 32, 1 / 8, 1 / 8, 1 / 8],
    1e-12,
  );
  assertClose(taught!.rows.map(({ weight }) => weight as number), [1 / 4 / 5], 1e-12);
  // standardized: ±1/2 and ±0.05 over their deviation are the same
  assertClose(
    own!.rows.map(({ advantage }) => advantage),
    [0.7071058, -0.7071058, 0.7070968, -0.7070968, 0, 0],
    1e-6,
  );
});

eachDevice("superrl() is GRPO where no question has a demonstration", async () => {
  const dataset = letters({ demonstrated: [] });
  const expected = await finish(grpo, dataset, { ...grpo.config, ...SMALL });
  assertSameUpdate(await finish(superrl, dataset, config), expected);
}, { devices: ["wasm"] });

eachDevice("superrl() teaches where nothing was rewarded, not where little was", async () => {
  const once = { ...config, steps: 1, questionsPerStep: 8 };
  const dataset = letters({ demonstrated: [0, 1, 4], isGenerous: ({ id }) => Number(id) > 3 });
  const { state, yielded: [metrics] } = await finish(superrl, dataset, once);
  assertEquals(metrics!["groups/all_wrong"], 8);
  assertEquals(state.taught, { 0: 1, 1: 1 }); // 4 is wrong, too, and goes on with RL
}, { devices: ["cpu"] });
