import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { SankeyData } from "plotly.js";
import { strataMovesHeatmap, strataMovesSankey } from "../../lib/figures/strata_moves.ts";
import type { QuestionRow } from "../../lib/runs/study.ts";
import { MAIN } from "./_cells.ts";
import { madeUpEntries, tracesOf, wordsOn } from "./_entries.ts";

const [made] = madeUpEntries({ recipes: MAIN.slice(0, 1) });
const question = (
  name: string,
  stratum: QuestionRow["stratum"],
  baseRight: number,
  right: number,
): QuestionRow => ({
  split: "validation",
  question: name,
  stratum,
  baseRight,
  baseSamples: 8,
  right,
  samples: 8,
  tokens: 9,
});
const questions = [
  question("q1", "easy", 8, 8),
  question("q2", "hardest", 0, 4), // to medium
  question("q3", "hardest", 1, 0), // the base drawn again: to hard
];
const entry = { ...made!, cells: made!.cells.map((cell) => ({ ...cell, questions })) };

Deno.test("strataMovesHeatmap() counts moves, the base drawn again first", () => {
  const figure = strataMovesHeatmap([entry]);
  assertEquals(wordsOn(figure).slice(1), ["Base, drawn again", "After RL"]);
  const [base, after] = ["x", "x2"].map((axis) => tracesOf(figure, axis)[1]!.text as string[]);
  const row = (texts: string[] | undefined, i: number) => texts!.slice(4 * i, 4 * i + 4);
  assertEquals(row(base, 3), ["0", "0", "1", "1"]);
  assertEquals(row(after, 3), ["0", "1", "0", "1"]);
  assertEquals(row(after, 0), ["1", "0", "0", "0"]);
  const shares = tracesOf(figure, "x2")[0]!.z as number[][];
  assertEquals(shares[3], [0, 50, 0, 50]);
  assertEquals(shares[1], [0, 0, 0, 0]); // no question was medium
});

Deno.test("strataMovesSankey() has the same flows, and bars as high as their questions", () => {
  const [, after] = strataMovesSankey([entry]).data as Partial<SankeyData>[];
  const { source, target, value } = after!.link!;
  const flows = source!.map((from, i) => [from, target![i]! - 4, value![i]]);
  assertEquals(flows, [[0, 0, 1], [3, 1, 1], [3, 3, 1]]);
  const { y } = after!.node!;
  assert(y!.slice(0, 4).every((at, i, all) => i === 0 || at > all[i - 1]!));
  // hardest: 2 of 3 questions, the last in its column, so its middle is a third of the scale up
  const scale = 1 - 3 * 16 / 244; // three gaps of 16 in 244 pixels
  assertAlmostEquals(y![3]!, 1 - scale / 3, 0.02);
});

Deno.test("strataMovesSankey() tells what was forgotten", () => {
  assert(wordsOn(strataMovesSankey([entry])).some((words) => words.includes("forgotten: 0.0 %")));
});
