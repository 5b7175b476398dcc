import { assertEquals } from "@std/assert";
import type { TrainingRow } from "../../lib/objectives/batch.ts";
import {
  constantLength,
  scaled,
  sequenceMean,
  sequenceSum,
  tokenMean,
  type Weigh,
} from "../../lib/objectives/weigh.ts";
import { assertClose } from "../_devices.ts";

/** Rows of 3, 1 and 4 tokens; the second learns nothing. */
const ROWS: TrainingRow[] = [[3, 0.5], [1, 0], [4, -0.5]].map(([length, advantage]) => ({
  prompt: [1, 2],
  completion: Array.from({ length: length! }, () => 5),
  advantage: advantage!,
}));

/** The weight of a token of each row. */
const weights = (weigh: Weigh) => weigh(ROWS).map(({ weight }) => weight as number);

/** The weights of all tokens together. */
const total = (weigh: Weigh) =>
  weigh(ROWS).reduce((sum, row) => sum + (row.weight as number) * row.completion.length, 0);

Deno.test("tokenMean() gives every token the same, dead rows' among them", () => {
  assertEquals(weights(tokenMean), [1 / 8, 1 / 8, 1 / 8]); // 3 + 1 + 4 tokens
  assertClose([total(tokenMean)], [1], 1e-12);
});

Deno.test("sequenceMean() gives every row the same", () => {
  assertEquals(weights(sequenceMean), [1 / 9, 1 / 3, 1 / 12]); // 1 / (3 rows × tokens)
  assertClose([total(sequenceMean)], [1], 1e-12);
});

Deno.test("sequenceSum() gives every row its length", () => {
  assertEquals(weights(sequenceSum), [1 / 3, 1 / 3, 1 / 3]);
  assertClose([total(sequenceSum)], [8 / 3], 1e-12); // the mean length
});

Deno.test("constantLength() divides sums by a number that no row's length enters", () => {
  assertEquals(weights(constantLength(64)), [1 / 192, 1 / 192, 1 / 192]); // 3 rows × 64
  assertClose([total(constantLength(4))], [(3 + 1 + 4) / 12], 1e-12);
});

Deno.test("scaled() multiplies the weights of any of them", () => {
  assertEquals(weights(scaled(tokenMean, 0.5)), [1 / 16, 1 / 16, 1 / 16]);
  assertEquals(weights(scaled(sequenceMean, 3)), [1 / 3, 1, 1 / 4]);
  assertEquals(weights(scaled(tokenMean, 0)), [0, 0, 0]);
});

Deno.test("tokenMean() and its like change nothing but weights, and work on no rows", () => {
  for (const weigh of [tokenMean, sequenceMean, sequenceSum, constantLength(8)]) {
    assertEquals(weigh(ROWS).map(({ weight: _, ...row }) => row), ROWS);
    assertEquals(weigh([]), []);
  }
});
