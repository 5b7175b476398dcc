import { assertEquals, assertThrows } from "@std/assert";
import { rl } from "../../lib/methods/rl.ts";
import { rlSftLoss } from "../../lib/methods/rl_sft_loss.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { assertSameUpdate, finish, letters, SMALL } from "./_hybrids.ts";

const config = { ...rlSftLoss.config, ...SMALL };

eachDevice("rlSftLoss() is RL where no question has a demonstration", async () => {
  const dataset = letters({ demonstrated: [] });
  const plain = await finish(rl, dataset, { ...rl.config, ...SMALL });
  assertSameUpdate(await finish(rlSftLoss, dataset, config), plain);
}, { devices: ["wasm"] });

eachDevice("rlSftLoss() adds the mean likelihood of demonstrations to RL's loss", async () => {
  const once = { ...config, steps: 1, optimizerSteps: 1, sftCoefficient: 0.25 };
  const dataset = letters({ demonstrated: [0, 1, 2, 3, 4] });
  const { yielded: [metrics], state } = await finish(rlSftLoss, dataset, {
    ...once,
    questionsPerStep: 8,
  });
  const of = (name: string) => metrics![name]!;
  assertClose([of("sft/surrogate")], [0.25 * of("sft/nll")], 1e-5);
  assertClose([of("rl/loss")], [of("rl/surrogate") + of("sft/surrogate")], 1e-5);
  assertEquals(state.taught, { 0: 1, 1: 1, 2: 1, 3: 1, 4: 1 });

  // own completions are judged without the demonstration: the advantages are RL's
  const { yielded: [plain] } = await finish(rl, dataset, {
    ...rl.config,
    ...once,
    questionsPerStep: 8,
  });
  for (const name of ["advantage/mean_abs", "rl/surrogate", "rl/entropy"]) {
    assertClose([of(name)], [plain![name]!], 1e-5);
  }
});

Deno.test("rlSftLoss() rejects a coefficient without effect", () => {
  rlSftLoss.check(config);
  assertThrows(
    () => rlSftLoss.check({ ...config, sftCoefficient: 0 }),
    RangeError,
    "Cannot train as sftCoefficient must be > 0: current value is 0",
  );
});
