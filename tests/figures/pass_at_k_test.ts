import { assertAlmostEquals, assertEquals } from "@std/assert";
import { passAtKCurves } from "../../lib/figures/pass_at_k.ts";
import { entryAccuracy } from "../../lib/runs/study_results.ts";
import { MAIN } from "./_cells.ts";
import { madeUpEntries, tracesOf, wordsOn } from "./_entries.ts";

const entries = madeUpEntries({ recipes: [MAIN[0]!, MAIN[6]!] });

Deno.test("passAtKCurves() begin at accuracy, with k = 1, and never fall", () => {
  const lines = tracesOf(passAtKCurves(entries), "x").filter(({ name }) => name !== undefined);
  assertEquals(lines.map(({ name }) => name), ["Base", "RL", "ReLIFT"]);
  const accuracies = [
    entryAccuracy(entries[0]!.cells, { answers: "base" }),
    ...entries.map(({ cells }) => entryAccuracy(cells)),
  ];
  for (const [i, { x, y }] of lines.entries()) {
    assertEquals(x, [1, 2, 4, 8]);
    assertAlmostEquals((y as number[])[0]!, 100 * accuracies[i]!.mean, 1e-9);
    for (let k = 1; k < 4; k++) assertEquals((y as number[])[k]! >= (y as number[])[k - 1]!, true);
  }
});

Deno.test("passAtKCurves() have a panel for each stratum that is asked for", () => {
  const figure = passAtKCurves(entries, { strata: ["all", "easy", "hard"] });
  assertEquals(wordsOn(figure).slice(1), ["All questions (n = 8)", "Easy (n = 2)", "Hard (n = 2)"]);
  assertEquals(figure.layout.xaxis?.ticktext, ["1", "2", "4", "8"]);
});
