import { assert, assertEquals, assertRejects } from "@std/assert";
import { openDevice } from "../../lib/compute/device.ts";
import {
  type Cell,
  type CellFolders,
  disposeCell,
  finishCell,
  histogram,
  isTrained,
  openCell,
  trainCell,
} from "../../lib/runs/cell.ts";
import type { CellPlan, GridEntry } from "../../lib/runs/grid.ts";
import { sft } from "../../lib/methods/sft.ts";
import { saveRun } from "../../lib/runs/run.ts";
import { readCell, type StoredCell, writeCell } from "../../lib/runs/study.ts";
import { eachDevice } from "../_devices.ts";
import { saveTinyPolicy, tinyEntry, tinyGrid, tinyPlan, tinyQuestions } from "./_tiny_study.ts";

const QUESTIONS = {
  train: tinyQuestions("train"),
  validation: tinyQuestions("validation"),
  ood: tinyQuestions("ood"),
};

/** Registers a test that has a folder of its own, with a policy in it. */
function inFolder(name: string, test: (folder: string) => Promise<void>): void {
  eachDevice(name, async () => {
    const [folder, home] = [await Deno.makeTempDir(), Deno.cwd()];
    Deno.chdir(folder); // strata are kept in runs/strata
    try {
      await saveTinyPolicy("policy");
      await test(folder);
    } finally {
      Deno.chdir(home);
      await Deno.remove(folder, { recursive: true });
    }
  }, { devices: ["wasm"] });
}

const { evaluation: EVALUATION } = tinyGrid([]);

const planOf = (overrides: Partial<GridEntry> = {}) =>
  tinyPlan(tinyGrid([tinyEntry("policy", overrides)]));

const foldersOf = (run: string): CellFolders => ({ run, base: "base" });

async function open(plan: CellPlan, run: string): Promise<Cell> {
  const device = await openDevice({ prefer: "wasm", blas: false, threads: 1 });
  return await openCell(plan, QUESTIONS, foldersOf(run), device);
}

/** Goes on with a cell to its end, or leaves it as a kill after so many steps would. */
async function goOn(plan: CellPlan, run: string, killAfter = Infinity): Promise<void> {
  const cell = await open(plan, run);
  for await (const step of trainCell(cell)) if (step === killAfter) break;
  if (isTrained(cell)) await writeCell(`${run}-result`, await finishCell(cell));
  disposeCell(cell);
}

/** The files of a stored cell, without the times. */
async function resultOf(run: string): Promise<Record<string, string>> {
  const files = [...Deno.readDirSync(`${run}-result`)].map(({ name }) => name).sort();
  const read = files.map(async (name) => {
    const text = await Deno.readTextFile(`${run}-result/${name}`);
    return [name, text.replaceAll(/"(seconds|evaluationSeconds)": [\d.e-]+/g, '"$1": 0')];
  });
  return Object.fromEntries(await Promise.all(read));
}

/** Runs the only cell of an entry. */
async function cellOf(overrides: Partial<GridEntry> = {}): Promise<StoredCell> {
  await goOn(await planOf(overrides), "run");
  return await readCell("run-result");
}

inFolder("a cell that is killed again and again ends in the bytes of one that is not", async () => {
  const plan = await planOf();
  await goOn(plan, "whole");
  const files = await resultOf("whole");
  assertEquals(Object.keys(files), [
    ...["cell.json", "config.json", "dynamics.csv"],
    ...["histograms.csv", "metrics.csv", "questions.csv"],
  ]);
  // evaluations, each with a checkpoint, after steps 2, 4 and 5: a kill loses up to one step
  for (const step of [1, 2, 3]) await goOn(plan, "killed", step);
  await Deno.copyFile("whole/study.json", "killed/study.json"); // found, but no checkpoint yet
  await goOn(plan, "killed", 4);
  await goOn(plan, "killed", 5); // trained, and then its last evaluations
  assertEquals(await resultOf("killed"), files);
});

inFolder("a cell that is saved between two evaluations goes on from there", async () => {
  const plan = await planOf();
  await goOn(plan, "whole");
  const cell = await open(plan, "saved");
  for await (const step of trainCell(cell)) if (step === 3) break;
  await saveRun(cell.run);
  disposeCell(cell);
  const again = await open(plan, "saved");
  assertEquals(again.run.state.step, 3);
  disposeCell(again);
  await goOn(plan, "saved");
  assertEquals(await resultOf("saved"), await resultOf("whole"));
});

inFolder("trainCell() evaluates the base, at each interval and at the end, once each", async () => {
  const { dynamics, questions, metrics, evaluation } = await cellOf();
  const all = dynamics.filter(({ stratum }) => stratum === "all");
  assertEquals(all.map(({ step }) => step), [0, 2, 4, 5]);
  assertEquals(metrics.map(({ step }) => step), [0, 1, 2, 3, 4]);
  assertEquals(evaluation.every, 2);
  for (const { step, questions, accuracy } of all) {
    const strata = dynamics.filter((row) => row.step === step && row.stratum !== "all");
    assertEquals(strata.reduce((sum, row) => sum + row.questions, 0), questions);
    const right = strata.reduce((sum, row) => sum + row.questions * row.accuracy, 0);
    assert(Math.abs(right / questions - accuracy) < 1e-4);
  }
  // the first 3 of the base's 4 samples at the end are those of step 0: same seed, same streams
  const answers = questions.filter(({ split }) => split === "validation");
  const atMost = answers.reduce((sum, row) => sum + row.baseRight, 0);
  assert(all[0]!.accuracy * 8 * 3 <= atMost + 0.01);
});

inFolder("finishCell() asks validation, ood and taught questions, and counts tokens", async () => {
  const { questions, histograms, totals, run } = await cellOf();
  const of = (split: string) => questions.filter((row) => row.split === split);
  assertEquals(of("validation").map(({ question }) => question), [
    ...Array.from({ length: 8 }, (_, i) => `validation${i}`),
  ]);
  assertEquals(of("ood").length, 8);
  assertEquals(of("taught").length, totals.distinctDemonstrations);
  assert(totals.distinctDemonstrations > 0);
  assertEquals(totals.demonstrationShare, totals.distinctDemonstrations / 8);
  for (const row of questions) {
    assertEquals([row.samples, row.baseSamples], Array(2).fill(row.split === "validation" ? 4 : 8));
    assert(row.tokens >= 1 && row.tokens <= 4);
  }
  assertEquals([totals.steps, totals.rollouts], [5, 5 * 4 * 4]);
  assertEquals(run.settings.config.seed, 1);
  for (const name of ["log-ratio", "gap"]) {
    const bars = histograms.filter((bar) => bar.name === name);
    assert(bars.reduce((sum, bar) => sum + bar.count, 0) >= (name === "gap" ? 8 * 8 : 4 * 4));
    assert(bars.some(({ from, to }) => from < 0 && to > 0));
  }
});

inFolder("a cell without rollouts has no log-ratios", async () => {
  const config = { ...sft.config, steps: 5, questionsPerStep: 4, maxNewTokens: 4 };
  const { histograms, questions } = await cellOf({ settings: { method: "sft", config } });
  assertEquals(new Set(histograms.map(({ name }) => name)), new Set(["gap"]));
  assertEquals(questions.filter(({ split }) => split === "taught").length, 8); // all, in 5 steps
});

inFolder("trainCell() stops after the first step that spends the budget", async () => {
  const { totals, dynamics, budget } = await cellOf({ budget: { rollouts: 33 } });
  assertEquals([totals.steps, totals.rollouts], [3, 3 * 16]); // 32 were too few
  assertEquals(dynamics.at(-1)!.step, 3);
  assertEquals(budget, { rollouts: 33 });
});

inFolder("openCell() begins a run anew that was begun in another way", async () => {
  const { settings } = tinyEntry("policy");
  const shorter = { ...settings, config: { ...settings.config, maxNewTokens: 3 } };
  const grid = { ...tinyGrid([tinyEntry("policy")]), evaluation: { ...EVALUATION, samples: 2 } };
  const others: CellPlan[] = [
    await planOf({ settings: shorter }),
    await planOf({ budget: { rollouts: 1e6 } }),
    await tinyPlan(grid),
  ];
  for (const plan of others) {
    await goOn(await planOf(), "run", 4);
    const cell = await open(plan, "run");
    assertEquals(cell.run.state.step, 0);
    assertEquals(cell.run.log.records, []);
    assertEquals(new Set(cell.found.dynamics.map(({ step }) => step)), new Set([0]));
    disposeCell(cell);
  }
});

inFolder("openCell() refuses a policy that is not the one planned", async () => {
  const plan = await planOf();
  await saveTinyPolicy("policy", 2);
  await assertRejects(() => open(plan, "run"), RangeError, "policy must be what was planned");
});

Deno.test("histogram() counts in bars around 0, and what is far out in the outermost", () => {
  const bars = histogram("log-ratio", [0, 0.02, -0.02, 0.03, -1.99, 5, 2.01, -0]);
  assertEquals(bars, [
    { name: "log-ratio", from: -2.025, to: -1.975, count: 1 },
    { name: "log-ratio", from: -0.025, to: 0.025, count: 4 },
    { name: "log-ratio", from: 0.025, to: 0.075, count: 1 },
    { name: "log-ratio", from: 1.975, to: 2.025, count: 2 },
  ]);
  assertEquals(histogram("gap", []), []);
});
