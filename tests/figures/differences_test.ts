import { assertEquals, assertThrows } from "@std/assert";
import { differenceIntervals } from "../../lib/figures/differences.ts";
import { toSvg } from "../../lib/figures/static.ts";
import { compareEntries, studyEntries } from "../../lib/runs/study_results.ts";
import { ABLATIONS, madeUpStudy, MAIN } from "./_cells.ts";

const recipes = [...MAIN.filter(({ entry }) => entry === "relift"), ...ABLATIONS.slice(0, 3)];
const [reference, ...entries] = studyEntries(madeUpStudy({ recipes, seeds: 2, steps: 4 }));

Deno.test("differenceIntervals() draws what compareEntries() finds, largest difference first", () => {
  const figure = differenceIntervals(entries, reference!, { title: "Ablations" });
  const found = compareEntries(entries, reference!)
    .toSorted((a, b) => b.difference.mean - a.difference.mean);
  const [intervals, means, hardestIntervals, hardestMeans] = figure.data as unknown as {
    x: number[];
  }[];
  assertEquals(means!.x, found.map(({ difference }) => 100 * difference.mean));
  assertEquals(
    intervals!.x,
    found.flatMap(({ difference: { low, high } }) => [100 * low, 100 * high, null as never]),
  );
  assertEquals([hardestIntervals!.x.length, hardestMeans!.x.length], [9, 3]);
  const titles = (figure.layout as unknown as { yaxis: { ticktext: string[] } }).yaxis.ticktext;
  assertEquals(titles, found.map(({ title }) => title));
});

Deno.test("differenceIntervals() says how many comparisons p is corrected for", async () => {
  const svg = await toSvg(differenceIntervals(entries, reference!));
  for (const words of ["accuracy minus that of ReLIFT", "Holm-corrected for 3", "2 seeds each"]) {
    assertEquals(svg.includes(words), true, words);
  }
  assertEquals(svg.match(/>p = [\d.]+</g)!.length, 6);
});

Deno.test("differenceIntervals() refuses to compare nothing", () => {
  assertThrows(() => differenceIntervals([], reference!), RangeError, "current value is none");
});
