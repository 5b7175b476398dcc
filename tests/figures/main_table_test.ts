import { assert, assertEquals } from "@std/assert";
import { mainTable } from "../../lib/figures/main_table.ts";
import { entryAccuracy } from "../../lib/runs/study_results.ts";
import { MAIN } from "./_cells.ts";
import { madeUpEntries, tracesOf } from "./_entries.ts";

const entries = madeUpEntries({ recipes: [MAIN[0]!, MAIN[1]!, MAIN[6]!] });

Deno.test("mainTable() has the best first and the base policy in its place", () => {
  const figure = mainTable(entries);
  const best = entries.toSorted((a, b) =>
    entryAccuracy(b.cells)!.mean - entryAccuracy(a.cells)!.mean
  );
  const names = (figure.layout.yaxis!.ticktext as string[]).map((name) =>
    name.replace(/<\/?b>/g, "")
  );
  assertEquals(names, [...best.map(({ title }) => title), "Base"]);
  const means = tracesOf(figure, "x").at(-1)!.x as number[];
  assertEquals(means.slice(0, 3), best.map(({ cells }) => 100 * entryAccuracy(cells)!.mean));
  assert(means[3]! < means[2]!);
});

Deno.test("mainTable() shows intervals and, over all questions, seeds", () => {
  const [, intervals, seeds] = tracesOf(mainTable(entries), "x");
  const { low, high } = entryAccuracy(entries[2]!.cells)!; // ReLIFT, the first row
  assertEquals(intervals!.x!.slice(0, 3), [100 * low, 100 * high, null]);
  assertEquals(seeds!.x!.length, 3 * 2); // the base policy has no seeds
});

Deno.test("mainTable() leaves out what has no questions, and tells n of the rest", () => {
  const known = entries.map((entry) => ({
    ...entry,
    cells: entry.cells.map((cell) => ({
      ...cell,
      questions: cell.questions.filter(({ split, stratum }) =>
        split === "validation" && stratum === "easy"
      ),
    })),
  }));
  const { layout } = mainTable(known);
  assertEquals(layout.xaxis?.title?.text, "accuracy, %, n = 2");
  assertEquals([layout.xaxis2?.title?.text, layout.xaxis3], ["%, n = 2", undefined]);
});

Deno.test("mainTable() keeps published accuracies in a panel of their own", () => {
  const figure = mainTable(entries, { published: true });
  const panel = tracesOf(figure, "x7");
  const [relift] = panel;
  assertEquals(relift!.name, "ReLIFT paper, arXiv:2506.07527");
  assertEquals(relift!.x, [49, 46.9, 52.6]); // SFT, RL, ReLIFT
  const rows = figure.layout.yaxis7!.ticktext as string[];
  assertEquals((relift!.y as number[]).map((row) => rows[row]), ["SFT", "RL", "<b>ReLIFT</b>"]);
  assertEquals(figure.layout.xaxis7?.title?.text, "%, Qwen2.5-Math-7B");
});
