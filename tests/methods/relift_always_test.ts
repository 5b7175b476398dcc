import { assertEquals } from "@std/assert";
import { relift } from "../../lib/methods/relift.ts";
import { reliftAlways } from "../../lib/methods/relift_always.ts";
import { column, config, onCpu, puzzles, taught, valuesOf, withRun } from "./_puzzles.ts";

onCpu(
  "reliftAlways() teaches all questions of each step, the solved too",
  async (policy, state) => {
    const dataset = puzzles({ isSolved: () => true });
    const asked = new Set<number>();
    const run = reliftAlways(policy, dataset, config, state, (_, groups) => {
      for (const { index } of groups) asked.add(index);
    });
    const yielded = await Array.fromAsync(run);
    assertEquals(column(yielded, "sft/events"), [1, 2, 3, 4]);
    assertEquals(column(yielded, "sft/demonstrations"), [2, 2, 2, 2]);
    assertEquals(taught(state), [...asked].toSorted((a, b) => a - b));
    assertEquals(state.hardest, []);
  },
);

onCpu(
  "reliftAlways() is relift() with M as large as a step, where nothing is solved",
  async (policy, state) => {
    const dataset = puzzles();
    const settings = { ...config, passes: 2 };
    const one = await Array.fromAsync(reliftAlways(policy, dataset, settings, state));
    await withRun(async (twin, twinState) => {
      const two = await Array.fromAsync(relift(twin, dataset, settings, twinState));
      assertEquals(await valuesOf(policy.weights), await valuesOf(twin.weights));
      assertEquals(column(one, "sft/loss"), column(two, "sft/loss"));
    });
  },
);
