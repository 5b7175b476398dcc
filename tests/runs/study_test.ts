import { assert, assertEquals, assertRejects } from "@std/assert";
import { cellsOf, planCell } from "../../lib/runs/grid.ts";
import { readCell, readStudy, type StoredCell, writeCell } from "../../lib/runs/study.ts";
import { tinyEntry, tinyGrid } from "./_tiny_study.ts";

/** A cell whose numbers are no shorter than they are stored. */
function storedCell(entry = "relift"): StoredCell {
  const grid = tinyGrid([tinyEntry("policy", { id: entry, budget: { flops: 1e12 } })]);
  const prints = { datasetFingerprint: "d1", policyFingerprint: "p1" };
  const { title, family, evaluation, budget, run } = planCell(grid, cellsOf(grid)[0]!, prints);
  const device = { name: "wasm" as const, description: "wasm, 1 thread" };
  return {
    ...{ entry, title, family, evaluation, budget },
    run: { ...run, device, versions: { deno: "2.9.6" }, commit: "abc" },
    totals: {
      steps: 2,
      rollouts: 32,
      optimizerSteps: 4,
      flops: 123456789012,
      demonstrations: 6,
      distinctDemonstrations: 4,
      demonstrationShare: 0.5,
      seconds: 1.25,
    },
    evaluationSeconds: 0.75,
    metrics: [
      { step: 0, accuracy: 0.125, "sft/loss": null, "budget/rollouts": 16 },
      { step: 1, accuracy: 0.33333, "sft/loss": 1.5, "budget/rollouts": 1234567 },
    ],
    dynamics: [
      { step: 0, stratum: "hardest", questions: 8, accuracy: 0, tokens: 3.5, entropy: 1.25e-7 },
      { step: 2, stratum: "all", questions: 8, accuracy: 0.5, tokens: 3, entropy: 0.25 },
    ],
    questions: [{
      ...{ split: "validation", question: "7", stratum: "hard" },
      ...{ baseRight: 1, baseSamples: 4, right: 3, samples: 4, tokens: 2.75 },
    }],
    histograms: [
      { name: "log-ratio", from: -0.025, to: 0.025, count: 9 },
      { name: "gap", from: -5e-7, to: 5e-7, count: 64 },
    ],
  };
}

/** Registers a test that has a folder of its own. */
function inFolder(name: string, test: (folder: string) => Promise<void>): void {
  Deno.test(name, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await test(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

inFolder("readStudy() reads what writeCell() wrote, cells by name", async (folder) => {
  const cells = [storedCell("b"), storedCell("a")];
  for (const cell of cells) await writeCell(`${folder}/${cell.entry}-tiny-1`, cell);
  assertEquals(await readStudy(folder), cells.toReversed());
});

inFolder("readStudy() passes over what is not a finished cell", async (folder) => {
  await writeCell(`${folder}/a`, storedCell());
  await Deno.writeTextFile(`${folder}/README.md`, "tables");
  await Deno.mkdir(`${folder}/figures`);
  await writeCell(`${folder}/a.tmp`, storedCell()); // as a kill may leave it
  assertEquals((await readStudy(folder)).length, 1);
});

inFolder("writeCell() keeps the stored metrics, measured to five digits", async (folder) => {
  const metrics = [{ step: 0, accuracy: 1 / 3, "time/step_s": 1, "rl/ratio": null }];
  await writeCell(`${folder}/a`, { ...storedCell(), metrics });
  assertEquals(
    await Deno.readTextFile(`${folder}/a/metrics.csv`),
    "step,accuracy\r\n0,0.33333\r\n", // the time is not stored, and no step has a ratio
  );
});

inFolder("readStudy() says which folder is not there", async (folder) => {
  await assertRejects(
    () => readStudy(`${folder}/none`),
    Deno.errors.NotFound,
    "/none: there is no",
  );
});

/** A file made wrong, and what the one line must say. */
const FAULTS: readonly [file: string, from: string, to: string, line: string][] = [
  ["cell.json", '"steps": 2', '"steps": -2', "cell.json as totals.steps is wrong"],
  ["cell.json", "}", "", "cell.json as it must be JSON"],
  ["config.json", '"seed": 1', '"seed": "one"', "config.json as settings.config.seed is wrong"],
  [
    "metrics.csv",
    "0.125",
    "much",
    'metrics.csv:2 as accuracy must be a number or empty: current value is "much"',
  ],
  ["metrics.csv", "step,", "stop,", "metrics.csv:1 as its columns must include step"],
  ["metrics.csv", "\r\n1,", "\r\n1.5,", "metrics.csv:3 as step must be a whole number >= 0"],
  ["dynamics.csv", "hardest", "worst", "dynamics.csv:2 as stratum must be one of easy, medium"],
  ["dynamics.csv", "0.25", "", 'dynamics.csv:3 as entropy must be a number: current value is ""'],
  ["dynamics.csv", ",entropy", ",heat", "dynamics.csv:1 as its columns must be step,stratum"],
  ["dynamics.csv", ",0.25\r\n", "\r\n", "dynamics.csv as it must be CSV"],
  ["questions.csv", "validation", "exam", "questions.csv:2 as split must be one of validation"],
  ["questions.csv", ",7,", ",,", "questions.csv:2 as question must be a text"],
  ["histograms.csv", ",64", ",-64", "histograms.csv:3 as count must be a whole number >= 0"],
];

for (const [file, from, to, line] of FAULTS) {
  inFolder(`readStudy() names file and line: ${line}`, async (folder) => {
    const path = `${folder}/a/${file}`;
    await writeCell(`${folder}/a`, storedCell());
    const text = await Deno.readTextFile(path);
    assert(text.includes(from), text);
    await Deno.writeTextFile(path, text.replace(from, to));
    const error = await assertRejects(() => readStudy(folder), Error, line);
    assert(error.message.startsWith(`Cannot read ${folder}/a/`), error.message);
  });
}

inFolder("readCell() counts blank lines where it names one", async (folder) => {
  await writeCell(`${folder}/a`, storedCell());
  const path = `${folder}/a/dynamics.csv`;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace("\r\n2,all", "\r\n\r\n2,none"));
  await assertRejects(() => readCell(`${folder}/a`), SyntaxError, "dynamics.csv:4 as stratum");
});
