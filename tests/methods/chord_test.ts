import { assertEquals, assertThrows } from "@std/assert";
import { chord, chordMixture, muAt, undecidedLikelihood } from "../../lib/methods/chord.ts";
import { rl } from "../../lib/methods/rl.ts";
import { likelihood } from "../../lib/objectives/objective.ts";
import { assertClose, eachDevice } from "../_devices.ts";
import { evaluateObjective } from "../objectives/_objective.ts";
import { assertSameUpdate, finish, groupOf, letters, SMALL, trainingOf } from "./_hybrids.ts";

const config = { ...chord.config, ...SMALL };
const never = { peak: 0, valley: 0, warmupSteps: 0, decaySteps: 0 };

eachDevice(
  "undecidedLikelihood() spares tokens that are sure and tokens that are foreign",
  async () => {
    const token = await evaluateObjective(undecidedLikelihood, [
      { logProbs: [0.5, 0.9, 0.1].map(Math.log), advantage: 1 },
    ]);
    // φ = p (1 - p) = 0.25, 0.09, 0.09; -φ log p
    assertClose(token.loss, [0.25 * Math.LN2, 0.09 * 0.1053605, 0.09 * 2.3025851], 1e-5);
    assertClose(token.gradient, [-0.25, -0.09, -0.09], 1e-5); // φ is a constant
  },
);

Deno.test("muAt() rises to its peak, falls along a cosine and stays", () => {
  const { mu } = chord.config; // 0.5 after 20 steps, 0.02 after 60
  const steps = [0, 9, 19, 39, 59, 79];
  assertClose(steps.map((step) => muAt(mu, step)), [0.025, 0.25, 0.5, 0.26, 0.02, 0.02], 1e-12);
  const constant = { peak: 0.1, valley: 0.1, warmupSteps: 0, decaySteps: 0 }; // CHORD-φ
  assertEquals([0, 1, 79].map((step) => muAt(constant, step)), [0.1, 0.1, 0.1]);
});

Deno.test("chordMixture() splits the weight between completions and demonstrations", () => {
  const dataset = letters({ demonstrated: [0] });
  const part = [
    groupOf(dataset, 0, { "ab": 1, "b": 0 }),
    groupOf(dataset, 1, { "a": 1, "c": 0 }),
  ];
  const { terms, demonstrations } = chordMixture(trainingOf(config, dataset), part, 0.25);
  const [own, taught] = terms;
  const weights = [own!, taught!].map(({ rows }) => rows.map(({ weight }) => weight as number));
  assertClose(weights[0]!, [0.15, 0.15, 0.15, 0.15], 1e-12); // 0.75, of five tokens
  assertClose(weights[1]!, [0.05], 1e-12); // 0.25, of five, too
  assertEquals(taught!.objective, undecidedLikelihood);
  assertEquals(demonstrations.map(({ index }) => index), [0]);

  const plain = trainingOf({ ...config, phi: false }, dataset);
  assertEquals(chordMixture(plain, part, 0.25).terms[1]!.objective, likelihood);
  assertEquals(chordMixture(plain, part, 0).demonstrations, []); // of no weight, not taught
});

eachDevice("chord() is GRPO with a token mean while μ is 0", async () => {
  const clip = { low: 0.2, high: 0.2, dual: null };
  const alike = { ...rl.config, ...SMALL, normalizeStd: true, clip };
  const expected = await finish(rl, letters(), alike);
  assertSameUpdate(await finish(chord, letters(), { ...config, mu: never }), expected);
}, { devices: ["wasm"] });

eachDevice("chord() learns where no question has a demonstration", async () => {
  const { state, yielded } = await finish(chord, letters({ demonstrated: [] }), config);
  assertEquals(state.taught, {});
  assertEquals(yielded.map((metrics) => metrics["rl/optimizer_steps"]), [2, 2]);
  assertClose(yielded.map((metrics) => metrics["chord/mu"]!), [0.025, 0.05], 1e-12);
}, { devices: ["cpu"] });

Deno.test("chord() rejects weights that are no shares", () => {
  chord.check(config);
  assertThrows(
    () => chord.check({ ...config, mu: { ...never, peak: 1.5 } }),
    RangeError,
    "Cannot train as mu.peak must be in [0, 1]: current value is 1.5",
  );
});
