import { assert, assertEquals } from "@std/assert";
import { bufferTurnover } from "../../lib/figures/buffer_turnover.ts";
import { tracesOf } from "./_entries.ts";

const cells = [[4, 0], [2, 8]].map((lengths) => ({
  metrics: lengths.map((length, step) => ({
    step,
    "buffer/length": length,
    "buffer/age": 1,
    "buffer/added": 2,
    "demonstrations/used": 32 * step,
  })),
}));
const figure = bufferTurnover([{ entry: "relift", title: "ReLIFT", cells }]);

Deno.test("bufferTurnover() shows length, age, entries and what was taught", () => {
  const means = ["x", "x2", "x3", "x4"].map((axis) => tracesOf(figure, axis).at(-1)!.y);
  assertEquals(means, [[3, 4], [1, 1], [2, 2], [0, 32]]);
});

Deno.test("bufferTurnover() never shows fewer than no questions", () => {
  const band = tracesOf(figure, "x")[0]!.y as (number | null)[];
  assert(band.every((value) => value === null || value >= 0)); // 4 - 5.7 at the second step
});
