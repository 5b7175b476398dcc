import { assert, assertEquals } from "@std/assert";
import { costAccuracy } from "../../lib/figures/cost_accuracy.ts";
import { entryAccuracy, meanTotals } from "../../lib/runs/study_results.ts";
import { MAIN, OTHERS } from "./_cells.ts";
import { madeUpEntries, tracesOf } from "./_entries.ts";

const entries = madeUpEntries({ recipes: [...MAIN, ...OTHERS.slice(0, 2)] });
const figure = costAccuracy(entries);

Deno.test("costAccuracy() places entries by cost and accuracy, with intervals", () => {
  const i = entries.findIndex(({ entry }) => entry === "relift");
  const { cells } = entries[i]!;
  const { mean, low, high } = entryAccuracy(cells)!;
  const [trace] = tracesOf(figure, "x2").filter(({ name }) => name === "ReLIFT");
  assertEquals([trace!.x, trace!.y], [[meanTotals(cells).distinctDemonstrations], [100 * mean]]);
  const { array, arrayminus } = trace!.error_y as { array: number[]; arrayminus: number[] };
  assertEquals([array, arrayminus], [[100 * (high - mean)], [100 * (mean - low)]]);
});

Deno.test("costAccuracy() sets points of one cost side by side around it", () => {
  const free = tracesOf(figure, "x2").filter(({ name }) => /^(RL|REINFORCE|RLOO)$/.test(name!));
  const places = free.map(({ x }) => (x as number[])[0]!).sort((a, b) => a - b);
  assertEquals(places.length, 3);
  assertEquals(places[1], 0);
  assert(places[0]! < 0 && places[0] === -places[2]!);
});

Deno.test("costAccuracy() names every entry once in its legend", () => {
  const named = figure.data.filter((trace) => "showlegend" in trace && trace.showlegend);
  assertEquals(named.map(({ name }) => name), entries.map(({ title }) => title));
});

Deno.test("costAccuracy() keeps published costs apart", () => {
  const published = costAccuracy(entries, { published: true });
  const [hours] = tracesOf(published, "x3");
  assertEquals((hours!.text as string[])[0], "SFT");
  assertEquals([hours!.x![0], hours!.y![0]], [8, 49]);
  assertEquals(tracesOf(published, "x5")[0]!.x, [3.63e19, 6.65e19, 8.76e19]);
});
