import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { fillBlocks, studyReport } from "../../lib/runs/report.ts";
import { leastP } from "../../lib/runs/report_tables.ts";
import { studyEntries } from "../../lib/runs/study_results.ts";
import type { StoredCell } from "../../lib/runs/study.ts";
import { smallCell, smallCells, smallGrid } from "./_small_study.ts";

/** RL with two seeds; ReLIFT with two of three, one of which it found out; SFT not run. */
const GRID = smallGrid(
  { id: "rl", title: "RL" },
  { id: "relift", title: "ReLIFT", seeds: [1, 2, 3] },
  { id: "sft", title: "SFT, 3 epochs" },
);
const TAUGHT = { demonstrations: 1200, distinctDemonstrations: 300, demonstrationShare: 0.25 };
const STUDY: readonly StoredCell[] = [
  smallCell({ entry: "relift", title: "ReLIFT", seed: 1, right: [8, 8, 8, 8], totals: TAUGHT }),
  smallCell({
    ...{ entry: "relift", title: "ReLIFT", seed: 2, right: [8, 8, 8, 4], tokens: 12 },
    totals: { ...TAUGHT, demonstrations: 1300, flops: 3e9 },
  }),
  ...smallCells(2, { entry: "rl", title: "RL", right: [8, 8, 4, 0] }),
];

/** A heading's part of a page, without the padding of tables. */
function partOf(page: string, heading: string): string {
  const [, part] = page.split(`# ${heading}\n`);
  assert(part !== undefined, heading);
  return part.split(/\n#+ /)[0]!.replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---");
}

const { page, blocks } = studyReport(STUDY, GRID, "deno task reproduce --grid small.ts");

Deno.test("studyReport() tells how the cells were made", () => {
  const part = partOf(page, "The study `small`");
  for (
    const row of [
      "by `deno task reproduce --grid small.ts --report`",
      "| cells | 4 of 7 |",
      "| seeds | main 2 |",
      "| commits | 0123456 |",
      "| devices | wasm, wasm, 1 thread |",
      "| versions | relift 1.0.0, Deno 2.9.6, TensorFlow.js 4.22.0 |",
      "| policies | base (9f2c) |",
      "| time | 6 min of training and 4 min of evaluation, cells added up |", // 4 x 90 s, 4 x 60 s
    ]
  ) assertStringIncludes(part.replaceAll("\n", " "), row);
});

Deno.test("studyReport() tells accuracies, and what was not run", () => {
  const part = partOf(page, "Accuracy");
  const row = (title: string) => {
    const line = part.split("\n").find((line) => line.startsWith(`| ${title} |`))!;
    return line.split("|").slice(2, -1).map((cell) => cell.trim());
  };
  assertEquals(row("method"), [
    ...["seeds", "all", "Easy", "Medium", "Hard", "Hardest"],
    ...["out of distribution", "forgotten", "pass@8", "tokens"],
  ]);
  // (6 + 4 + 2 + 0) / 32 = 37.5 %
  const base = row("base policy");
  assertStringIncludes(base[1]!, "37.5 [");
  // solvable are three of four strata; forgotten is nothing, as 4 of 8 is still Medium
  assertEquals(base.with(1, ""), [
    ...["-", "", "75.0", "50.0", "25.0", "0.0", "50.0", "0.0", "75.0", "10.0"],
  ]);
  const relift = row("ReLIFT");
  assertStringIncludes(relift[1]!, "93.8 ["); // mean of 100 and 87.5 %
  // Hardest 100 and 50: deviation 50 / √2; tokens 10 and 12: 2 / √2
  assertEquals(relift.with(1, ""), [
    ...["2 of 3", "", "100.0 ± 0.0", "100.0 ± 0.0", "100.0 ± 0.0", "75.0 ± 35.4"],
    ...["100.0 ± 0.0", "0.0", "100.0 ± 0.0", "11.0 ± 1.4"],
  ]);
  assertEquals(row("SFT, 3 epochs"), ["0 of 2", "not run", ..."--------"]);
});

Deno.test("studyReport() tells costs beside RL's", () => {
  const part = partOf(page, "Cost");
  const rest = "| 4 | 100 | 8 |";
  assertStringIncludes(part, `${rest} 2.00e9 | 1.00 | all | 0 | 0 (0.0 %) |`);
  assertStringIncludes(part, `${rest} 2.50e9 | 1.25 | rollouts, steps | 1,250 | 300 (25.0 %) |`);
});

Deno.test("studyReport() compares with RL, and says when there are too few runs for it", () => {
  const part = partOf(page, "Compared with RL").replaceAll("\n", " ");
  assertStringIncludes(part, "corrected by Holm over 1 comparison.");
  assertStringIncludes(part, "With so few runs none can come out below 0.05."); // 2 / C(4, 2)
  // 93.75 - 62.5; all of ReLIFT's runs are better than all of RL's
  assert(/\| ReLIFT \| 2 of 3 \| [^|]+ \| \+31\.3 \[[^|]+\] \| 0\.33 \| 0\.33 \|/.test(part), part);
});

Deno.test("studyReport() tells of entries that the grid has no more, and of other settings", () => {
  const [first] = smallCells(1, { entry: "old", title: "Old", right: [8, 8, 8, 8] });
  const grid = smallGrid({ id: "rl", title: "RL", seeds: [1] });
  const rl = smallCell({ entry: "rl", title: "RL", seed: 1, right: [8, 8, 8, 8] });
  const other = { ...rl, evaluation: { ...rl.evaluation, finalSamples: 9 } };
  const { page } = studyReport([first!, other], grid, "it");
  const part = partOf(page, "The study `small`");
  assertStringIncludes(part, "| cells | 1 of 1, and 1 that the grid has no more |");
  assertStringIncludes(part, "| with other settings than the grid's now | rl-sums-1 |");
  assertStringIncludes(partOf(page, "Accuracy"), "| Old | 1 | 100.0 [100.0, 100.0] |");
});

Deno.test("studyReport() tells of a study of which nothing was run", () => {
  const { page, blocks } = studyReport([], GRID, "it");
  assertStringIncludes(page, "4 of 7".replace("4", "0"));
  assertEquals(blocks.main.match(/not run/g)?.length, 3);
  assert(blocks.claims.includes("not run") && !blocks.claims.includes("holds here |"));
});

Deno.test("studyReport() compares ablations with ReLIFT, groups of them together", () => {
  const cells = (entry: string, hardest: number, family = "ablation") =>
    smallCells(3, { entry, title: entry, family, right: [8, 8, 8, hardest] });
  const entry = (id: string, family = "ablation") => ({ id, family, seeds: [1, 2, 3] });
  const study = [
    ...[...cells("rl", 0, "main"), ...cells("relift", 8, "main")],
    ...[...cells("relift-random", 4), ...cells("relift-alpha-0", 8), ...cells("relift-n16", 6)],
  ];
  const grid = smallGrid(
    ...[entry("rl", "main"), entry("relift", "main"), entry("relift-random")],
    ...[entry("relift-always"), entry("relift-alpha-0"), entry("relift-n16")],
  );
  const { page, blocks } = studyReport(study, grid, "it");
  const part = partOf(page, "Ablations of ReLIFT").replaceAll("\n", " ");
  assertStringIncludes(part, "its group: when and what (1), entropy (1), buffer and batch (1)");
  assertStringIncludes(part, "| relift-random | 3 | 87.5 ["); // 100, 100, 100, 50
  assertStringIncludes(part, "| 0.10 | 0.10 | when and what |"); // 2 / C(6, 3), one of its group
  assertStringIncludes(part, "| relift-always | 0 of 3 | not run | - |");
  assertStringIncludes(part, "| 0.0 [0.0, 0.0] | 1.00 | 1.00 | entropy |");
  assertStringIncludes(blocks.ablations, "| relift-n16 ");
});

Deno.test("studyReport() draws M x Q, and rates below what they are rates of", () => {
  const sizes = [8, 16].flatMap((bufferSize) =>
    [0, 0.125].map((gate) => ({ bufferSize, gate, id: `m${bufferSize}q${gate}` }))
  );
  const grid = smallGrid(
    ...sizes.map(({ id, ...config }) => ({
      ...{ id, family: "m-q" },
      settings: { method: "relift", config: config as never },
    })),
    { id: "relift" },
    { id: "relift-rate-1", family: "rates" },
  );
  const study = [
    ...smallCells(2, { entry: "m8q0", family: "m-q", right: [4, 4, 4, 4], totals: TAUGHT }),
    ...smallCells(2, { entry: "m16q0.125", family: "m-q", right: [8, 8, 8, 8] }),
    ...smallCells(2, { entry: "relift", right: [8, 8, 8, 8] }),
    ...smallCells(2, { entry: "relift-rate-1", family: "rates", right: [4, 4, 4, 4] }),
  ];
  const { page } = studyReport(study, grid, "it");
  const part = partOf(page, "Size of the buffer and gate");
  assertStringIncludes(part, "| 0/8 | 50.0 [50.0, 50.0] | not run |");
  assertStringIncludes(part, "| 1/8 | not run | 100.0 [100.0, 100.0] |");
  assertStringIncludes(part, "| 0/8 | 1,200, 300 (25.0 %) | not run |");
  const rates = partOf(page, "Other learning rates").split("\n").slice(-4);
  assertStringIncludes(rates[1]!, "| relift | 2 | 100.0 [100.0, 100.0] |");
  assertStringIncludes(rates[2]!, "| relift-rate-1 | 2 | 50.0 [50.0, 50.0] |");
  assertStringIncludes(rates[2]!, "| -50.0 [-50.0, -50.0] | 0.33 | 0.33 |");
});

Deno.test("studyReport() is as deno fmt leaves it", async () => {
  const text = [page, ...Object.values(blocks).map((block) => `${block}\n`)].join("\n");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--line-width=100", "--ext=md", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { stdout } = await child.output();
  assertEquals(new TextDecoder().decode(stdout), text);
});

Deno.test("leastP() counts relabelings, and tests", () => {
  const entries = (...seeds: number[]) =>
    studyEntries(
      seeds.flatMap((count, i) => smallCells(count, { entry: `${i}`, right: [8, 8, 8, 8] })),
    );
  const [three, other, seven] = entries(3, 3, 7);
  assertEquals(leastP([three!], other!), 2 / 20);
  assertEquals(leastP([three!], seven!).toFixed(9), (1 / 120).toFixed(9));
  assertEquals(leastP([three!, other!], seven!).toFixed(9), (2 / 120).toFixed(9));
});

Deno.test("fillBlocks() replaces what is between markers whole, and nothing else", () => {
  const text = "# A\n\n<!-- study:main -->\nold | table\n\n<!-- /study -->\n\nB\n\n" +
    "<!-- study:claims --><!-- /study -->\n<!-- other -->\n";
  const filled = fillBlocks(text, { main: "new $& one", claims: "two", ablations: "three" });
  assertEquals(
    filled,
    "# A\n\n<!-- study:main -->\n\nnew $& one\n\n<!-- /study -->\n\nB\n\n" +
      "<!-- study:claims -->\n\ntwo\n\n<!-- /study -->\n<!-- other -->\n",
  );
  assertEquals(fillBlocks(filled, { main: "new $& one", claims: "two" }), filled);
  assertEquals(fillBlocks("no markers", blocks), "no markers");
});

Deno.test("fillBlocks() refuses markers without an end or of another name", () => {
  const line = "Cannot fill a block as it must be named one of main and end with <!-- /study -->: ";
  for (const text of ["<!-- study:main -->\nx", "<!-- study:mian --><!-- /study -->"]) {
    const current = `current value is ${text.split("\n")[0]}`;
    assertThrows(() => fillBlocks(text, { main: "" }), SyntaxError, line + current);
  }
  const twice = "<!-- study:main -->\n<!-- study:main -->\n<!-- /study -->";
  assertThrows(() => fillBlocks(twice, { main: "" }), SyntaxError, "Cannot fill a block");
});
