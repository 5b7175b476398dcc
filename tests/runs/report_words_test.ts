import { assertEquals } from "@std/assert";
import {
  chance,
  count,
  differenceInWords,
  duration,
  spread,
  tally,
} from "../../lib/runs/report_words.ts";

Deno.test("differenceInWords() gives every number its sign, and 0 none", () => {
  const difference = { mean: 0.031, low: -0.0004, high: 0.0649 };
  assertEquals(differenceInWords(difference), "+3.1 [0.0, +6.5]");
  assertEquals(
    differenceInWords(difference, (value) => value.toFixed(3)),
    "+0.031 [0.000, +0.065]",
  );
});

Deno.test("chance() shows two digits that matter", () => {
  assertEquals([2 / 3432, 2 / 252, 0.05, 0.099, 0.31, 1].map(chance), [
    ...["0.00058", "0.0079", "0.050", "0.099", "0.31", "1.00"],
  ]);
});

Deno.test("spread() tells the deviation where there are several values", () => {
  assertEquals([[], [0.5], [0.5, 0.7]].map((values) => spread(values)), [
    ...["-", "50.0", "60.0 ± 14.1"], // 20 / √2
  ]);
});

Deno.test("count() and duration() drop what is too fine to matter", () => {
  assertEquals([0, 999.6, 30720].map(count), ["0", "1,000", "30,720"]);
  assertEquals([0, 119, 3600, 11_100].map(duration), ["0 s", "119 s", "60 min", "3 h 5 min"]);
});

Deno.test("tally() counts texts where they differ", () => {
  assertEquals(tally(["a", "a"], "cells"), "a");
  assertEquals(tally(["b", "a", "b"], "cells"), "a: 1 cells; b: 2 cells");
  assertEquals(tally([], "cells"), "-");
});
