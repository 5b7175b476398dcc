import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { randomSeeded } from "../../lib/random.ts";
import {
  checkSampling,
  PLAIN_SAMPLING,
  sampleToken,
  type SamplingOptions,
} from "../../lib/rollout/sampling.ts";

/** Scores of four tokens with probabilities 1/8, 1/4, 1/2 and 1/8. */
const SCORES = [1, 2, 4, 1].map((weight) => Math.log(weight) + 5);
const LAST = 1 - 2 ** -53; // the largest number a stream gives

const withOptions = (options: Partial<SamplingOptions>) => ({ ...PLAIN_SAMPLING, ...options });

/**
 * The distribution that tokens are drawn from, read off the drawn tokens' log-probabilities; a token
 * that no number of an even sweep draws has 0.
 */
function distribution(scores: readonly number[], options: Partial<SamplingOptions>): number[] {
  const result = scores.map(() => 0);
  for (let i = 0; i <= 1000; i++) {
    const drawn = sampleToken(scores, withOptions(options), () => Math.min(LAST, i / 1000));
    result[drawn.token] = Math.exp(drawn.samplingLogProb);
  }
  return result;
}

function assertDistribution(
  actual: readonly number[],
  weights: readonly number[],
): void {
  const mass = weights.reduce((sum, weight) => sum + weight, 0);
  actual.forEach((p, id) => assertAlmostEquals(p, weights[id]! / mass, 1e-12));
}

Deno.test("sampleToken() walks the tokens in the order of their ids", () => {
  // Borders lie at 1/8, 3/8 and 7/8.
  const drawn = [0, 0.124, 0.126, 0.374, 0.376, 0.874, 0.876, LAST].map((number) =>
    sampleToken(SCORES, PLAIN_SAMPLING, () => number).token
  );
  assertEquals(drawn, [0, 0, 1, 1, 2, 2, 3, 3]);
});

Deno.test("sampleToken() tells the policy's log-probability and entropy", () => {
  const drawn = sampleToken(SCORES, PLAIN_SAMPLING, () => 0.2);
  assertEquals(drawn.token, 1);
  assertAlmostEquals(drawn.logProb, Math.log(1 / 4), 1e-12);
  assertAlmostEquals(drawn.samplingLogProb, Math.log(1 / 4), 1e-12);
  // 1/8 × 3 bits + 1/4 × 2 + 1/2 × 1 + 1/8 × 3 = 1.75 bits
  assertAlmostEquals(drawn.entropy, 1.75 * Math.LN2, 1e-12);
});

Deno.test("sampleToken() divides scores by the temperature", () => {
  assertDistribution(distribution(SCORES, { temperature: 0.5 }), [1, 4, 16, 1]); // squares
  assertDistribution(distribution(SCORES, { temperature: 2 }), [1, Math.SQRT2, 2, 1]); // roots
});

Deno.test("sampleToken() keeps the policy's own log-probability whatever it draws from", () => {
  const options = withOptions({ temperature: 0.5, topK: 2, topP: 0.9 });
  const drawn = sampleToken(SCORES, options, () => 0);
  assertEquals(drawn.token, 1); // 16 : 4 of tokens 2 and 1; 16 / 20 does not reach 0.9
  assertAlmostEquals(drawn.logProb, Math.log(1 / 4), 1e-12);
  assertAlmostEquals(drawn.samplingLogProb, Math.log(4 / 20), 1e-12);
  assertAlmostEquals(drawn.entropy, 1.75 * Math.LN2, 1e-12);
});

Deno.test("sampleToken() keeps the topK most probable tokens, of equals those of lower id", () => {
  assertDistribution(distribution(SCORES, { topK: 1 }), [0, 0, 4, 0]);
  assertDistribution(distribution(SCORES, { topK: 2 }), [0, 2, 4, 0]);
  assertDistribution(distribution(SCORES, { topK: 3 }), [1, 2, 4, 0]); // 0 and 3 tie
  assertDistribution(distribution(SCORES, { topK: 4 }), [1, 2, 4, 1]);
  assertDistribution(distribution(SCORES, { topK: 9 }), [1, 2, 4, 1]); // more than there are
});

Deno.test("sampleToken() keeps the fewest tokens that reach topP", () => {
  assertDistribution(distribution(SCORES, { topP: 0.001 }), [0, 0, 4, 0]); // always one
  assertDistribution(distribution(SCORES, { topP: 0.49 }), [0, 0, 4, 0]);
  assertDistribution(distribution(SCORES, { topP: 0.51 }), [0, 2, 4, 0]);
  assertDistribution(distribution(SCORES, { topP: 0.76 }), [1, 2, 4, 0]); // 0 and 3 tie
  assertDistribution(distribution(SCORES, { topP: 0.88 }), [1, 2, 4, 1]);
});

Deno.test("sampleToken() stops at topP when it is reached exactly", () => {
  // Four equal tokens: two of them are half of the mass, with no rounding anywhere.
  assertDistribution(distribution([0, 0, 0, 0], { topP: 0.5 }), [1, 1, 0, 0]);
});

Deno.test("sampleToken() applies temperature, then topK, then topP to what is left", () => {
  // At T = 2 token 2 has 2 / 5.41 = 0.37 of the mass; at T = 1 it alone would reach 0.45.
  assertDistribution(distribution(SCORES, { temperature: 2, topP: 0.45 }), [0, Math.SQRT2, 2, 0]);
  // Of two tokens, 2 has 4/6 of the mass and reaches 0.6; of all four it has 4/8 and does not.
  assertDistribution(distribution(SCORES, { topK: 2, topP: 0.6 }), [0, 0, 1, 0]);
  assertDistribution(distribution(SCORES, { topP: 0.6 }), [0, 2, 4, 0]);
});

Deno.test("sampleToken() never draws a token that was cut, whatever the rounding", () => {
  const scores = Array.from({ length: 50 }, (_, id) => Math.sin(id) * 3);
  for (const options of [{ topK: 7 }, { topP: 0.5 }, { temperature: 0.7, topK: 20, topP: 0.9 }]) {
    const kept = distribution(scores, options);
    for (const number of [0, 0.5, LAST]) {
      const drawn = sampleToken(scores, withOptions(options), () => number);
      assert(kept[drawn.token]! > 0 && Number.isFinite(drawn.samplingLogProb));
    }
  }
});

Deno.test("sampleToken() draws from probabilities that sum to 1, however they were cut", () => {
  for (
    const options of [{}, { temperature: 0.6 }, { topK: 3 }, { topP: 0.8 }, {
      temperature: 1.5,
      topK: 3,
      topP: 0.7,
    }]
  ) {
    const total = distribution(SCORES, options).reduce((sum, p) => sum + p, 0);
    assertAlmostEquals(total, 1, 1e-12);
  }
});

Deno.test("sampleToken() is greedy at temperature 0 and draws no number", () => {
  const never = () => {
    throw new Error("a number was drawn");
  };
  const drawn = sampleToken(SCORES, withOptions({ temperature: 0 }), never);
  assertEquals(drawn.token, 2);
  assertAlmostEquals(drawn.logProb, Math.log(1 / 2), 1e-12);
  assertEquals(drawn.samplingLogProb, 0);
  assertAlmostEquals(drawn.entropy, 1.75 * Math.LN2, 1e-12);
  assertEquals(sampleToken([1, 3, 3], withOptions({ temperature: 0 }), never).token, 1); // a tie
});

Deno.test("sampleToken() draws one number for a token", () => {
  let numbers = 0;
  sampleToken(SCORES, withOptions({ topK: 2, topP: 0.9 }), () => (numbers++, 0.5));
  assertEquals(numbers, 1);
});

Deno.test("sampleToken() stays finite with scores far apart", () => {
  for (const scores of [[1e4, -1e4, 0], [-1e30, 0, -1e30], [0, -Infinity, -Infinity]]) {
    for (const temperature of [1e-6, 1, 1e6]) {
      const drawn = sampleToken(scores, withOptions({ temperature }), () => 0.4);
      assert([drawn.logProb, drawn.samplingLogProb, drawn.entropy].every(Number.isFinite));
    }
  }
});

Deno.test("sampleToken() draws tokens as often as they are probable", () => {
  const [draws, prng] = [20_000, randomSeeded(1, "frequencies")];
  for (
    const [options, weights] of [
      [{}, [1, 2, 4, 1]],
      [{ temperature: 0.5 }, [1, 4, 16, 1]],
      [{ topK: 2 }, [0, 2, 4, 0]],
      [{ topP: 0.76 }, [1, 2, 4, 0]],
    ] as const
  ) {
    const mass = weights.reduce<number>((sum, weight) => sum + weight, 0);
    const counts = SCORES.map(() => 0);
    for (let i = 0; i < draws; i++) {
      counts[sampleToken(SCORES, withOptions(options), prng).token]!++;
    }
    counts.forEach((count, id) => {
      const p = weights[id]! / mass;
      const deviation = Math.sqrt(draws * p * (1 - p));
      assert(Math.abs(count - draws * p) <= 4 * deviation, `token ${id}: ${count} of ${draws * p}`);
    });
  }
});

Deno.test("checkSampling() accepts the ends of every range and rejects what is outside", () => {
  for (const good of [{}, { temperature: 0 }, { temperature: 9 }, { topP: 1e-9 }, { topK: 1 }]) {
    checkSampling(withOptions(good));
  }
  for (
    const [name, values] of [
      ["temperature", [-0.1, NaN, Infinity]],
      ["topP", [0, -1, 1.01, NaN]],
      ["topK", [-1, 0.5, NaN, Infinity]],
    ] as const
  ) {
    for (const value of values) {
      const error = assertThrows(() => checkSampling(withOptions({ [name]: value })), RangeError);
      assert(error.message.includes(`${name} must`) && error.message.endsWith(String(value)));
    }
  }
});
