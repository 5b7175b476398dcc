import { assertEquals, assertThrows } from "@std/assert";
import { relift } from "../../lib/methods/relift.ts";
import { reliftUniform } from "../../lib/methods/relift_uniform.ts";
import { column, config, onCpu, puzzles, valuesOf, withRun } from "./_puzzles.ts";

const settings = { ...config, steps: 6, every: 3, bufferSize: 4 };

onCpu("reliftUniform() teaches the oldest M every k steps", async (policy, state) => {
  const yielded = await Array.fromAsync(reliftUniform(policy, puzzles(), settings, state));
  assertEquals(column(yielded, "sft/events_now"), [0, 0, 1, 0, 0, 1]);
  assertEquals(column(yielded, "buffer/length"), [2, 4, 2, 4, 6, 4]); // two enter a step, four leave
  assertEquals(state.hardest.map(({ step }) => step), [4, 4, 5, 5]);
});

onCpu(
  "reliftUniform() teaches what there is, and not when nothing waits",
  async (policy, state) => {
    let isEasy = false;
    const dataset = puzzles({ isSolved: () => isEasy });
    const counts: (number | undefined)[] = [];
    for await (const metrics of reliftUniform(policy, dataset, settings, state)) {
      counts.push(metrics["sft/demonstrations"]);
      isEasy = true; // only the two questions of the first step fail
    }
    assertEquals(counts, [undefined, undefined, 2, undefined, undefined, undefined]);
    assertEquals(state.sftEvents, 1);
  },
);

onCpu(
  "reliftUniform() with k = 1 is relift() with M as large as a step, where nothing is solved",
  async (policy, state) => {
    const both = { ...config, every: 1 };
    await Array.fromAsync(reliftUniform(policy, puzzles(), both, state));
    await withRun(async (twin, twinState) => {
      await Array.fromAsync(relift(twin, puzzles(), config, twinState));
      assertEquals(await valuesOf(policy.weights), await valuesOf(twin.weights));
    });
  },
);

Deno.test("reliftUniform() checks its settings", () => {
  const message = "Cannot train as every must be a whole number > 0: current value is 0";
  assertThrows(() => reliftUniform.check({ ...settings, every: 0 }), RangeError, message);
  assertThrows(() => reliftUniform.check({ ...settings, gate: 1 }), RangeError, "gate");
});
