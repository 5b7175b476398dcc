import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  checkGroups,
  type GroupConfig,
  method,
  type MethodConfig,
  type MethodParts,
} from "../../lib/methods/method.ts";
import { type Metrics, type TrainingState, trainingState } from "../../lib/methods/training.ts";
import type { Policy } from "../../lib/model/policy.ts";
import { CONFIG, startsWith } from "./_rl.ts";

const POLICY = {} as Policy; // which no step of these methods looks at
const DATASET = startsWith("a", "b");

/** A method whose steps cost two completions, one optimizer step and ten operations. */
const PARTS: MethodParts<MethodConfig> = {
  id: "counting",
  title: "Counting",
  paper: "none",
  about: "counts",
  kind: "rl",
  config: { seed: 1, steps: 3, questionsPerStep: 1, maxNewTokens: 4, maxTokens: 8 },
  check: ({ steps }) => {
    if (steps > 5) {
      throw new RangeError(`Cannot count as steps must be <= 5: current value is ${steps}`);
    }
  },
  step: ({ state, step, dataset }) => {
    state.budget.rollouts += 2;
    state.budget.optimizerSteps += 1;
    state.budget.flops += 10;
    if (step === 1) state.taught[1] = 3;
    return Promise.resolve({ "accuracy": step / dataset.size });
  },
};

/** Runs the method above from a state. */
async function count(
  state: TrainingState,
  changes: Partial<MethodConfig> = {},
): Promise<Metrics[]> {
  const counting = method(PARTS);
  const yielded: Metrics[] = [];
  const config = { ...counting.config, ...changes };
  for await (const metrics of counting(POLICY, DATASET, config, state)) yielded.push(metrics);
  return yielded;
}

Deno.test("method() yields each step with what the run has cost and taught so far", async () => {
  const state = trainingState();
  const yielded = await count(state);
  assertEquals(
    yielded.map(({ "time/step_s": seconds, ...metrics }) => {
      assert(seconds! >= 0);
      return metrics;
    }),
    [0, 1, 2].map((step) => ({
      "step": step,
      "accuracy": step / 2,
      "demonstrations/used": step < 1 ? 0 : 3,
      "demonstrations/distinct": step < 1 ? 0 : 1,
      "demonstrations/share": step < 1 ? 0 : 1 / 2, // of two questions
      "budget/rollouts": 2 * (step + 1),
      "budget/optimizer_steps": step + 1,
      "budget/flops": 10 * (step + 1),
    })),
  );
  assertEquals(state.step, 3);
});

Deno.test("method() goes on from the state of a run", async () => {
  const state = trainingState();
  await count(state, { steps: 2 });
  const rest = await count(state, { steps: 4 });
  assertEquals(rest.map((metrics) => metrics.step), [2, 3]);
  assertEquals(rest.at(-1)!["budget/rollouts"], 8);
  assertEquals(await count(state, { steps: 4 }), []); // it is over
});

Deno.test("method() tells what it is, and runs with its own settings", async () => {
  const { id, title, paper, about, kind, config } = method(PARTS);
  assertEquals({ id, title, paper, about, kind, config }, {
    id: "counting",
    title: "Counting",
    paper: "none",
    about: "counts",
    kind: "rl",
    config: PARTS.config,
  });
  let steps = 0;
  for await (const _ of method(PARTS)(POLICY, DATASET)) steps++;
  assertEquals(steps, 3);
});

Deno.test("method() checks its settings before its first step", async () => {
  const state = trainingState();
  await assertRejects(() => count(state, { steps: 6 }), RangeError, "steps must be <= 5");
  await assertRejects(
    () => count(state, { questionsPerStep: 0 }),
    RangeError,
    "Cannot train as questionsPerStep must be a whole number > 0: current value is 0",
  );
  assertEquals(state, trainingState());
});

Deno.test("checkGroups() rejects settings that its type cannot", () => {
  checkGroups({ ...CONFIG, questionsPerStep: 6, optimizerSteps: 3 });
  const bad: [Partial<GroupConfig>, string][] = [
    [
      { groupSize: 1 },
      "Cannot compare completions as groupSize must be >= 2: current value is 1",
    ],
    [{ groupSize: NaN }, "groupSize must be >= 2: current value is NaN"],
    [
      { optimizerSteps: 0 },
      "Cannot train as optimizerSteps must be a whole number > 0: current value is 0",
    ],
    [{ optimizerSteps: 1.5 }, "optimizerSteps must be a whole number > 0: current value is 1.5"],
    [{ questionsPerStep: 0 }, "questionsPerStep must be a whole number > 0: current value is 0"],
    [{ questionsPerStep: 4, optimizerSteps: 3 }, "must divide questionsPerStep 4"],
    [{ optimizerSteps: 4 }, "must divide questionsPerStep 2: current value is 4"],
  ];
  for (const [change, message] of bad) {
    assertThrows(() => checkGroups({ ...CONFIG, ...change }), RangeError, message);
  }
});
