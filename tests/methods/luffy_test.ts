import { assertEquals, assertThrows } from "@std/assert";
import { luffy, shaped } from "../../lib/methods/luffy.ts";
import { rl } from "../../lib/methods/rl.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { evaluateObjective } from "../objectives/_objective.ts";
import { assertSameUpdate, finish, letters, SMALL } from "./_hybrids.ts";

const config = { ...luffy.config, ...SMALL };

eachDevice("shaped() lifts the gradient of unlikely tokens", async () => {
  const { loss, gradient } = await evaluateObjective(shaped(0.1), [
    { logProbs: [0.5, 0.1].map(Math.log), advantage: 0.5 },
    { logProbs: [0.9].map(Math.log), advantage: -1 },
  ]);
  // -A p / (p + γ): -0.5 * 0.5 / 0.6, -0.5 * 0.1 / 0.2, 0.9 / 1
  assertClose(loss, [-0.416667, -0.25, 0.9], 1e-5);
  // by log p: -A γ p / (p + γ)²: -0.5 * 0.05 / 0.36, -0.5 * 0.01 / 0.04, 0.09 / 1
  assertClose(gradient, [-0.069444, -0.125, 0.09], 1e-5);
});

eachDevice("luffy() is RL without a clip where no question has a demonstration", async () => {
  const dataset = letters({ demonstrated: [] });
  const alike = { ...rl.config, ...SMALL, clip: null, reduction: "constant-length" } as const;
  assertSameUpdate(await finish(luffy, dataset, config), await finish(rl, dataset, alike));
}, { devices: ["wasm"] });

eachDevice("luffy() counts demonstrations, but not those of groups without signal", async () => {
  const once = { ...config, steps: 1, questionsPerStep: 8 };
  const { state, yielded } = await finish(luffy, letters({ demonstrated: [1, 2, 6] }), once);
  assertEquals(state.taught, { 1: 1, 2: 1, 6: 1 });
  assertEquals(yielded[0]!["demonstrations/used"], 3);
  assertEquals(Number.isFinite(yielded[0]!["off/probability"]!), true);

  const isRight = () => true; // and so is the demonstration: nothing to compare
  const { state: idle } = await finish(luffy, letters({ isRight }), once);
  assertEquals([idle.taught, idle.budget.optimizerSteps], [{}, 0]);
}, { devices: ["cpu"] });

Deno.test("luffy() rejects a shaping that shapes nothing", () => {
  luffy.check(config);
  assertThrows(
    () => luffy.check({ ...config, shaping: 0 }),
    RangeError,
    "Cannot train as shaping must be > 0: current value is 0",
  );
});
