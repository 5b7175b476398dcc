/**
 * `deno task reproduce` as a person would run it, in a folder of its own.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { openDevice, readStudy } from "../../mod.ts";
import { linesOf } from "../../tasks/_bench/process.ts";
import { openBoard } from "../../tasks/_reproduce/board.ts";
import { duration, expectedSeconds, secondsLeft } from "../../tasks/_reproduce/estimate.ts";
import { planCells, readGrid } from "../../tasks/_reproduce/plan.ts";
import { WORKER } from "../../tasks/_reproduce/schedule.ts";
import { saveTinyPolicy } from "../runs/_tiny_study.ts";

const ROOT = new URL("../../", import.meta.url);
const pathOf = (name: string) => fileURLToPath(new URL(name, ROOT));

/** A grid of two methods with two seeds each. */
const GRID = (
  { steps = 4, title = "RL", samples = 2, method = "sft", perStep = 4 } = {},
): string => `
import { rl, sft } from ${JSON.stringify(new URL("mod.ts", ROOT).href)};
const common = { steps: ${steps}, questionsPerStep: ${perStep}, maxNewTokens: 4 };
const entry = { family: "main", dataset: "questions.csv", policy: "policy", seeds: [1, 2] };
export default {
  name: "tiny",
  evaluation: { every: 2, samples: ${samples}, finalSamples: 3 },
  entries: [
    { ...entry, id: "rl", title: ${JSON.stringify(title)}, settings: {
      method: "rl", config: { ...rl.config, ...common, groupSize: 2 } } },
    { ...entry, id: "sft", title: "SFT", settings: {
      method: ${JSON.stringify(method)}, config: { ...sft.config, ...common } } },
  ],
};
`;

/** A method that fails where there is a file \`broken\`, and comes to no end where one is \`stay\`. */
const METHOD = `
import { exists, method, sft } from ${JSON.stringify(new URL("mod.ts", ROOT).href)};
export default method({ ...sft, id: "mine", async step(training) {
  console.log("a method may print what it likes");
  if (training.step === 1 && await exists("broken")) throw new RangeError("Cannot step as told");
  if (training.step === 3 && await exists("stay")) await new Promise(() => {});
  return await sft.step(training);
} });
`;

/** Runs the command to its end. */
async function reproduce(
  folder: string,
  ...flags: string[]
): Promise<{ code: number; told: string; errors: string }> {
  const { code, stdout, stderr } = await command(folder, flags).output();
  const [told, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, told: told!, errors: errors! };
}

function command(folder: string, flags: readonly string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `--config=${pathOf("deno.json")}`, pathOf("tasks/reproduce.ts"), ...flags],
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Registers a test that has a folder of its own with a policy, questions and a grid. */
function inFolder(name: string, test: (folder: string) => Promise<void>): void {
  Deno.test({ name, sanitizeOps: false, sanitizeResources: false, fn }); // a device stays open
  async function fn(): Promise<void> {
    const folder = await Deno.makeTempDir();
    try {
      await openDevice({ prefer: "cpu" });
      await saveTinyPolicy(`${folder}/policy`);
      const rows = Array.from("abcdabcd", (letter, i) => `${letter}${"tv"[i >> 2]}=,${letter}`);
      const csv = rows.map((row) => `${row},#${row.at(-1)}\n`).join("");
      await Deno.writeTextFile(`${folder}/questions.csv`, "question,answer,demonstration\n" + csv);
      await Deno.writeTextFile(`${folder}/grid.ts`, GRID());
      await test(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
}

/** The files of all stored cells, without the times. */
async function resultsOf(folder: string): Promise<Record<string, string>> {
  const cells = [...Deno.readDirSync(`${folder}/results/tiny`)]
    .filter(({ isDirectory }) => isDirectory).map(({ name }) => name).sort();
  const files: Record<string, string> = {};
  for (const cell of cells) {
    for (const { name } of Deno.readDirSync(`${folder}/results/tiny/${cell}`)) {
      const text = await Deno.readTextFile(`${folder}/results/tiny/${cell}/${name}`);
      files[`${cell}/${name}`] = text.replaceAll(/"(s|evaluationS)econds": [\d.e-]+/g, "");
    }
  }
  return files;
}

const CELLS = ["rl-questions-1", "rl-questions-2", "sft-questions-1", "sft-questions-2"];

inFolder("reproduce runs a grid, and after being killed gives the same bytes", async (folder) => {
  await Deno.writeTextFile(`${folder}/mine.ts`, METHOD);
  await Deno.writeTextFile(`${folder}/grid.ts`, GRID({ method: "mine.ts" }));
  const listed = await reproduce(folder, "--grid", "grid.ts", "--list");
  assertEquals([listed.code, listed.errors], [0, ""]);
  assertMatch(
    listed.told,
    /^rl-questions-1 +to do\nsft-questions-1 +to do\nrl-questions-2 +to do\n/,
  );
  assertMatch(listed.told, /0 of 4 cells done, how long the others take is not known/);

  const { code, told, errors } = await reproduce(folder, "--grid", "grid.ts", "--jobs", "2");
  assertEquals(code, 0, errors);
  assertEquals(errors.trimEnd().split("\n").length, 4);
  assertMatch(
    errors,
    /^(rl|sft)-questions-1 finished, \d+s in all; 1 of 4 cells done, \d+s so far/,
  );
  assertMatch(told, /^4 of 4 cells done, the last 4 in \d+s\nresults in results\/tiny\n$/);
  const cells = await readStudy(`${folder}/results/tiny`);
  assertEquals(
    cells.map(({ entry, run }) => `${entry}-questions-${run.settings.config.seed}`),
    CELLS,
  );
  for (const { run, totals, dynamics } of cells) {
    assertMatch(run.device.description, /^wasm .*1 thread$/);
    assertEquals([totals.steps, dynamics.at(-1)!.step], [4, 4]);
  }
  const whole = await resultsOf(folder);

  // The same in another folder: one process dies, then the command and all it started.
  const other = `${folder}/other`;
  await Deno.mkdir(other);
  await Deno.writeTextFile(`${other}/stay`, "");
  for (const name of ["grid.ts", "questions.csv", "mine.ts"]) {
    await Deno.copyFile(`${folder}/${name}`, `${other}/${name}`);
  }
  await Deno.symlink("../policy", `${other}/policy`);
  await killWorker(other);
  const begun = await reproduce(other, "--grid", "grid.ts", "--list");
  assertMatch(begun.told, /^rl-questions-1 +to do\nsft-questions-1 +begun\n/);
  await interrupt(other);
  await Deno.remove(`${other}/stay`);
  const rest = await reproduce(other, "--grid", "grid.ts");
  assertEquals(rest.code, 0, rest.errors);
  assertEquals(await resultsOf(other), whole);
});

/** Starts the second cell of the grid, which no other process may run, and kills it in a step. */
async function killWorker(folder: string): Promise<void> {
  const home = Deno.cwd();
  Deno.chdir(folder);
  const [, cell] = await planCells(await readGrid("grid.ts"));
  Deno.chdir(home);
  const child = new Deno.Command(Deno.execPath(), {
    args: [...WORKER, JSON.stringify(cell!.plan)],
    cwd: folder,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  for await (const line of linesOf(child.stdout)) {
    if (!/"kind":"step","step":3/.test(line)) continue;
    const second = await reproduce(folder, "--grid", "grid.ts", "--only", "sft", "--seeds", "1");
    assertEquals(second.code, 1);
    assertStringIncludes(second.errors, "another process is running it");
    child.kill("SIGKILL");
    break;
  }
  assertEquals((await child.status).signal, "SIGKILL");
  await child.stdin.close().catch(() => {});
}

/** Starts the command, and stops it as Ctrl-C does when its first cell is done and another runs. */
async function interrupt(folder: string): Promise<void> {
  const child = command(folder, ["--grid", "grid.ts", "--jobs", "1"]).spawn();
  const told = new Response(child.stdout).text();
  for await (const line of linesOf(child.stderr)) {
    assertMatch(line, /^rl-questions-1 finished/); // the next comes to no end
    child.kill("SIGINT");
  }
  assertEquals((await child.status).code, 130);
  assertMatch(
    await told,
    /^1 of 4 cells done.*\nstopped; .*: deno task reproduce --grid grid.ts --jobs 1\n$/,
  );
}

inFolder("reproduce passes over what is done, and asks before it replaces it", async (folder) => {
  const run = (...flags: string[]) => reproduce(folder, "--grid", "grid.ts", ...flags);
  const first = await run("--only", "rl", "--seeds", "1");
  assertMatch(first.told, /^1 of 1 cells done, the last 1 in/);

  await Deno.writeTextFile(`${folder}/grid.ts`, GRID({ title: "Reinforced" }));
  const before = await resultsOf(folder);
  const second = await run("--only", "rl", "--seeds", "1");
  assertEquals([second.code, second.errors], [0, ""]);
  assertMatch(second.told, /^1 of 1 cells done, the last 0 in/);
  const after = await resultsOf(folder);
  const path = "rl-questions-1/cell.json";
  assertEquals(after, { ...before, [path]: before[path]!.replace("RL", "Reinforced") });

  await Deno.writeTextFile(`${folder}/grid.ts`, GRID({ steps: 3 }));
  const refused = await run("--only", "rl", "--seeds", "1");
  assertEquals(refused.code, 1);
  assertEquals(
    refused.errors,
    "error: Cannot go on as finished cells must be what the grid asks for (rl-questions-1: " +
      "settings.config.steps was 4 and is now 3): run them again with --force, or give their " +
      "entry another id\n",
  );
  assertEquals(await resultsOf(folder), after);
  const listed = await run("--only", "rl", "--seeds", "1", "--list");
  assertStringIncludes(listed.told, "rl-questions-1  stale (settings.config.steps was 4");

  const forced = await run("--only", "rl", "--seeds", "1", "--force");
  assertEquals(forced.code, 0, forced.errors);
  const [cell] = await readStudy(`${folder}/results/tiny`);
  assertEquals(cell!.totals.steps, 3);
});

inFolder("reproduce tells what the cells say, and again with --report", async (folder) => {
  await Deno.mkdir(`${folder}/tasks/grids`, { recursive: true });
  await Deno.writeTextFile(`${folder}/tasks/grids/full.ts`, GRID());
  const run = await reproduce(folder, "--only", "rl", "--seeds", "1");
  assertEquals(run.code, 0, run.errors);
  const path = `${folder}/results/tiny/README.md`;
  const page = await Deno.readTextFile(path);
  assertMatch(page, /^# The study `tiny`\n\nMade by `deno task reproduce`/);
  assertMatch(page, /\| SFT +\| 0 of 2 \| +not run \|/);

  await Deno.remove(path);
  const markers = (name: string) => `<!-- study:${name} -->\nold\n<!-- /study -->\n`;
  await Deno.writeTextFile(`${folder}/README.md`, `Before\n${markers("main")}After\n`);
  const again = await reproduce(folder, "--report");
  assertEquals([again.code, again.errors], [0, ""]);
  assertEquals(again.told, "results in results/tiny\ntables in README.md\n");
  assertEquals(await Deno.readTextFile(path), page);
  const readme = await Deno.readTextFile(`${folder}/README.md`);
  assertMatch(readme, /^Before\n<!-- study:main -->\n\n[^]+\n\n<!-- \/study -->\nAfter\n$/);
  assertMatch(readme, /\| RL +\| 1 of 2 \|/);
  assertEquals((await reproduce(folder, "--report")).told, "results in results/tiny\n");

  const both = await reproduce(folder, "--report", "--only", "rl");
  assertEquals(both.code, 2);
  assertStringIncludes(both.errors, "leave out --only");
  const none = await reproduce(folder, "--report", "--grid", "grid.ts");
  assertEquals(none.code, 0, none.errors); // of the same name, so the same cells
  assertEquals(await Deno.readTextFile(`${folder}/README.md`), readme);
});

inFolder("reproduce tells which cells failed, and finishes the others", async (folder) => {
  await Deno.writeTextFile(`${folder}/mine.ts`, METHOD);
  await Deno.writeTextFile(`${folder}/grid.ts`, GRID({ method: "mine.ts" }));
  await Deno.writeTextFile(`${folder}/broken`, "");
  const run = () => reproduce(folder, "--grid", "grid.ts", "--seeds", "1");
  const failed = await run();
  assertEquals(failed.code, 1);
  assertMatch(failed.errors, /sft-questions-1 failed: RangeError: Cannot step as told; /);
  const log = "runs/study/tiny/sft-questions-1.log";
  assertStringIncludes(failed.errors, `\n  its log is ${log}; the same command tries it again\n`);
  assertStringIncludes(await Deno.readTextFile(`${folder}/${log}`), "mine.ts"); // with its stack
  assertMatch(failed.told, /^1 of 2 cells done, .*\nresults in results\/tiny\n$/);

  await Deno.remove(`${folder}/broken`);
  const repaired = await run();
  assertEquals(repaired.code, 0, repaired.errors);
  assertMatch(repaired.told, /^2 of 2 cells done, the last 1 in/);
  assertEquals([...Deno.readDirSync(`${folder}/runs/study/tiny`)].map(({ name }) => name).sort(), [
    "rl-questions-1",
    "sft-questions-1", // no log, as there was nothing to complain about, and no lock
  ]);
});

inFolder("reproduce refuses a grid in one line before anything is run", async (folder) => {
  const cases: [flags: string[], grid: string, code: number, line: string][] = [
    [["--grid", "none.ts"], GRID(), 1, "Cannot run none.ts: there is no such file"],
    [["--grid", "grid.ts", "--quick"], GRID(), 2, "--quick names a grid of its own"],
    [["--grid", "grid.ts", "--only", "dpo"], GRID(), 2, "--only must be part of one of rl, sft:"],
    [["--grid", "grid.ts"], "export default", 1, "Cannot run grid.ts as it must be a module: "],
    [["--grid", "grid.ts"], "", 1, "Cannot run grid.ts as its default export must be an object"],
    [
      ["--grid", "grid.ts"],
      GRID({ samples: 0 }),
      1,
      "evaluation.samples of its default export must be a whole number >= 1: current value is 0",
    ],
    [
      ["--grid", "grid.ts"],
      GRID({ perStep: 3 }),
      1,
      "Cannot run grid.ts as the settings of entry rl are wrong: Cannot split a step as",
    ],
    [
      ["--grid", "grid.ts"],
      GRID({ perStep: 10 }),
      1,
      "Cannot run entry rl as it could not begin: Cannot train on questions as",
    ],
  ];
  await Promise.all(cases.map(async ([flags, grid, code, line], i) => {
    const file = `${folder}/grid-${i}.ts`;
    await Deno.writeTextFile(file, grid);
    const path = flags[1] === "grid.ts" ? `grid-${i}.ts` : flags[1]!;
    const run = await reproduce(folder, flags[0]!, path, ...flags.slice(2));
    const errors = run.errors.replaceAll(`grid-${i}.ts`, "grid.ts");
    assertEquals([run.code, run.told], [code, ""], errors);
    assertStringIncludes(errors, line);
    assertEquals(errors.trimEnd().split("\n").length, 1, errors);
  }));
  assertEquals([...Deno.readDirSync(folder)].some(({ name }) => /runs|results/.test(name)), false);
});

/** A cell by the parts of its plan that are looked at here. */
const cellOf = (entry: string, method = "rl", steps = 10) =>
  ({ entry, name: `${entry}-1`, run: { settings: { method, config: { steps } } } }) as unknown as
    & Parameters<
      typeof expectedSeconds
    >[0]
    & { name: string };

Deno.test("expectedSeconds() goes by the pace of the likest cells", () => {
  const known = [
    { cell: cellOf("a"), seconds: 10 },
    { cell: cellOf("a"), seconds: 20 },
    { cell: cellOf("b"), seconds: 60 },
    { cell: cellOf("c", "sft", 5), seconds: 1 },
  ];
  assertEquals(expectedSeconds(cellOf("a"), known), 15);
  assertEquals(expectedSeconds(cellOf("d"), known), 30); // 10 (1 + 2 + 6) / 3
  assertEquals(expectedSeconds(cellOf("d", "rl", 20), known), 60);
  const unlike = expectedSeconds(cellOf("d", "other", 4), known)!; // 4 (1 + 2 + 6 + 0.2) / 4
  assertEquals(unlike.toFixed(9), "9.200000000");
  assertEquals(expectedSeconds(cellOf("a"), []), undefined);
});

Deno.test("secondsLeft() shares what is left among processes", () => {
  const known = [{ cell: cellOf("a"), seconds: 10 }];
  const open = (...elapsed: number[]) =>
    elapsed.map((seconds) => ({ cell: cellOf("a"), elapsed: seconds }));
  assertEquals(secondsLeft(open(4, 0, 0), known, 2), 13); // (6 + 10 + 10) / 2
  assertEquals(secondsLeft(open(4), known, 2), 6); // one process has nothing to do
  assertEquals(secondsLeft(open(40), known, 2), 0);
  assertEquals(secondsLeft(open(0), [], 2), undefined);
});

Deno.test("duration() drops what is too fine to matter", () => {
  assertEquals([0, 42.4, 60, 200, 3600, 3900, 90_000].map(duration), [
    ...["0s", "42s", "1m", "3m 20s", "1h", "1h 5m", "25h"],
  ]);
});

/** Runs two cells in a view whose clock is set by hand; returns what it wrote. */
function boardOf(isTerminal: boolean): string {
  let [text, now] = ["", 0];
  const write = (part: string) => void (text += part);
  const [a, b, c] = ["a", "b", "c"].map((name) => cellOf(name)) as [never, never, never];
  const plans = [a, b, c];
  {
    using board = openBoard({ plans, finished: [], jobs: 2, isTerminal, write, now: () => now });
    board.started(a);
    board.started(b);
    board.told(a, { kind: "step", step: 3, steps: 8 });
    now = 65_000;
    board.ended(a, { kind: "finished", seconds: 60 });
    board.started(c);
    board.told(b, { kind: "evaluating" });
    now = 70_000;
    board.ended(b, { kind: "failed", why: "RangeError: Cannot", log: "b.log" });
    assertEquals(board.done, 1);
    assertEquals(board.failures, [{ name: "b-1", why: "RangeError: Cannot", log: "b.log" }]);
  }
  return text;
}

Deno.test("openBoard() writes a line whenever a cell ends, into a file", () => {
  assertEquals(
    boardOf(false),
    // b has run for more than the minute that a took, c not at all: 60 s for one of two processes
    "a-1 finished, 1m in all; 1 of 3 cells done, 1m 5s so far, about 30s left\n" +
      "b-1 failed: RangeError: Cannot; 1 of 3 cells done, 1 failed, 1m 10s so far, about 55s left\n",
  );
});

Deno.test("openBoard() leaves its last lines on a terminal, and nothing it changed", () => {
  const text = boardOf(true);
  assertStringIncludes(text, "1 of 3 cells done, 1 failed, 1m 10s so far, about 55s left");
  assertStringIncludes(text, "  c-1: starting, 5s");
  assert(!text.includes("\x1b[?7l"), "line wrapping is left alone");
});
