import { assertEquals } from "@std/assert";
import { comparisonTable, type Outcome } from "../../lib/runs/compare.ts";
import { smallCell } from "./_small_study.ts";

/** A finished run that is right at this share of all questions, and Easy ones alone. */
const outcome = (seed: number, mean: number): Outcome => {
  const strata = (accuracy: number | null) => ({ questions: 2, accuracy });
  const summary = (mean: number): Outcome["after"] =>
    ({
      average: { mean, standardError: null },
      tokens: { all: 10 + seed, right: null, wrong: null },
      strata: {
        byStratum: {
          easy: strata(mean),
          medium: strata(null),
          hard: strata(null),
          hardest: strata(null),
        },
        forgetting: { known: 2, lost: 1, share: 0.5, accuracyDrop: 0 },
      },
    }) as unknown as Outcome["after"];
  return {
    config: smallCell({ entry: "relift", seed, right: [8, 8, 8, 8] }).run,
    before: summary(0.25),
    after: summary(mean),
    demonstrationShare: 0.1,
    demonstrations: 30 * seed,
  };
};

Deno.test("comparisonTable() has a row for the base policy and for runs that differ in seed", () => {
  // mean of 50 and 70, deviation 20 / √2; 30 and 60 demonstrations; 11 and 12 tokens
  assertEquals(comparisonTable([outcome(1, 0.5), outcome(2, 0.7)]).split("\n").slice(2), [
    "| base | sums | 0 | - | 25.0 | - | - | - | 25.0 | 50.0 | 11.0 | 0 | 0.0 |",
    "| relift | sums | 4 | 1, 2 | 60.0 ± 14.1 | - | - | - | 60.0 ± 14.1 | 50.0 ± 0.0 | 11.5 | 45 " +
    "| 10.0 ± 0.0 |",
  ]);
});
