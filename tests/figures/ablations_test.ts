import { assert, assertEquals } from "@std/assert";
import { ablationBars } from "../../lib/figures/ablations.ts";
import { entryAccuracy } from "../../lib/runs/study_results.ts";
import { ABLATIONS, MAIN } from "./_cells.ts";
import { madeUpEntries, tracesOf } from "./_entries.ts";

const entries = madeUpEntries({ recipes: [MAIN[6]!, MAIN[0]!, ...ABLATIONS.slice(0, 2)] });

Deno.test("ablationBars() begin at 0, the best first, with their intervals", () => {
  const figure = ablationBars(entries);
  const [bars, intervals] = tracesOf(figure, "x");
  const accuracies = entries.map(({ cells }) => entryAccuracy(cells)!)
    .sort((a, b) => b.mean - a.mean);
  assertEquals(bars!.x, accuracies.map(({ mean }) => 100 * mean));
  assertEquals(
    intervals!.x,
    accuracies.flatMap(({ low, high }) => [100 * low, 100 * high, null]),
  );
  assertEquals((figure.layout.xaxis!.range as number[])[0], 0);
});

Deno.test("ablationBars() mark the first entry, and colour its variants alike", () => {
  const figure = ablationBars(entries);
  const names = figure.layout.yaxis!.ticktext as string[];
  const colors = tracesOf(figure, "x")[0]!.marker!.color as string[];
  const colorOf = (name: string) => colors[names.indexOf(name)];
  assertEquals(colorOf("<b>ReLIFT</b>"), "#D55E00");
  assertEquals(colorOf("SFT after every step"), colorOf("SFT every 8 steps"));
  assert(colorOf("RL") !== colorOf("SFT every 8 steps"));
  const line = tracesOf(figure, "x").at(-1)!.x as number[];
  assertEquals(line[0], 100 * entryAccuracy(entries[0]!.cells)!.mean);
});

Deno.test("ablationBars() show the demonstrations taught, and the paper's ablations apart", () => {
  const figure = ablationBars(entries, { published: true });
  assertEquals(tracesOf(figure, "x3")[0]!.x!.length, 4);
  assertEquals(tracesOf(figure, "x4")[0]!.x, [52.6, 49.1, 45.5, 23.8]);
});
