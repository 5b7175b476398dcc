import { assertEquals, assertRejects } from "@std/assert";
import { openDevice } from "../../lib/compute/device.ts";
import { ablationBars } from "../../lib/figures/ablations.ts";
import { stratumDynamics } from "../../lib/figures/stratum_dynamics.ts";
import { trainingCurves } from "../../lib/figures/training_curves.ts";
import { relift, type ReliftConfig } from "../../lib/methods/relift.ts";
import { disposeState, type Metrics, trainingState } from "../../lib/methods/training.ts";
import { disposePolicy } from "../../lib/model/policy.ts";
import { openPolicy } from "../../lib/runs/run.ts";
import { studyEntries } from "../../lib/runs/study_results.ts";
import { disposeTrial, examined, openExam, openTrial, type Trial } from "../../lib/runs/trial.ts";
import { eachDevice } from "../_devices.ts";
import { saveTinyPolicy, tinyEntry, tinyQuestions } from "./_tiny_study.ts";

const config = tinyEntry("policy").settings.config as ReliftConfig;

/** Runs a test on trials of a policy in a folder of its own. */
function withPolicy(
  name: string,
  test: (
    open: (changes?: Partial<ReliftConfig>) => Promise<Trial>,
    folder: string,
  ) => Promise<void>,
): void {
  eachDevice(name, async () => {
    const folder = await Deno.makeTempDir();
    const device = await openDevice({ prefer: "wasm", blas: false, threads: 1 });
    const setting = { policy: `${folder}/policy`, dataset: tinyQuestions("train"), device };
    try {
      await saveTinyPolicy(`${folder}/policy`);
      const open = (changes: Partial<ReliftConfig> = {}) =>
        openTrial({
          entry: "relift",
          title: "ReLIFT",
          settings: { method: "relift", config: { ...config, ...changes } },
        }, setting);
      await test(open, folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }, { devices: ["wasm"] });
}

withPolicy("trials take turns and end as each would alone", async (open, folder) => {
  const [first, second] = [await open(), await open({ gate: 0.5 })];
  while (await first.next()) await second.next();
  assertEquals(await first.next(), false);
  assertEquals([first, second].map(({ cells }) => cells[0]!.metrics.length), [5, 5]);

  const policy = await openPolicy(`${folder}/policy`);
  const [alone, state] = [[] as Metrics[], trainingState()];
  for await (const metrics of relift(policy, tinyQuestions("train"), config, state)) {
    alone.push(metrics);
  }
  const accuracies = (records: readonly Record<string, unknown>[]) =>
    records.map((record) => [record["accuracy"], record["rl/loss"], record["buffer/length"]]);
  assertEquals(accuracies(first.cells[0]!.metrics), accuracies(alone));
  disposePolicy(policy);
  disposeState(state);
  [first, second].forEach(disposeTrial);
});

withPolicy("examined() gives a cell that figures of studies take", async (open, folder) => {
  const base = await openPolicy(`${folder}/policy`);
  const exam = await openExam(base, tinyQuestions("validation"), {
    samples: 3,
    maxNewTokens: 4,
    folder: `${folder}/strata`,
  });
  const trial = await open();
  const untrained = await examined(trial, exam);
  assertEquals(untrained.questions.length, 8);
  for (const { right, baseRight } of untrained.questions) assertEquals(right, baseRight);
  assertEquals(untrained.totals.steps, 0);

  await trial.take(exam);
  while (await trial.next());
  await trial.take(exam);
  assertEquals([...new Set(trial.cells[0]!.dynamics.map(({ step }) => step))], [0, 5]);
  const cell = await examined(trial, exam);
  assertEquals([cell.totals.steps, cell.totals.rollouts], [5, 5 * 16]);
  assertEquals(cell.totals.demonstrations > 0, true);
  assertEquals(cell.run.settings.config.seed, config.seed);
  const entries = studyEntries([cell]);
  for (const figure of [ablationBars(entries), trainingCurves([trial]), stratumDynamics([trial])]) {
    assertEquals(figure.data.length > 0, true);
  }
  disposePolicy(base);
  disposeTrial(trial);
});

withPolicy("openTrial() refuses settings that are out of range", async (open) => {
  await assertRejects(() => open({ gate: 1 }), RangeError, "gate must be in [0, 1)");
});
