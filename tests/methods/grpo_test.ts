import { assertRejects } from "@std/assert";
import { grpo } from "../../lib/methods/grpo.ts";
import { eachDevice } from "../_devices.ts";
import { assertIsRl, assertLearns, CLIPPED, CLIPPED_DATASET, withPolicy } from "./_rl.ts";

eachDevice("grpo() is rl() with standardized rewards, one ε and sequence means", async () => {
  await assertIsRl(grpo, CLIPPED, { reduction: "sequence-mean", normalizeStd: true }, [
    { reduction: "token-mean" },
    { normalizeStd: false },
    { clip: null },
  ]);
}, { devices: ["wasm"] });

eachDevice(
  "grpo() learns a question by its reward alone, in seconds",
  () => assertLearns(grpo, { ...CLIPPED, optimizerSteps: 1 }),
  { devices: ["wasm"] },
);

eachDevice("grpo() checks its settings before its first step", () =>
  withPolicy(async (policy) => {
    const run = grpo(policy, CLIPPED_DATASET, { ...CLIPPED, groupSize: 1 });
    await assertRejects(() => run.next(), RangeError, "groupSize");
  }), { devices: ["cpu"] });
