/** Every method on every device runs, tells what is documented, repeats itself and leaks nothing. */
import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals } from "@std/assert";
import { binaryReward, type Dataset } from "../../lib/data/question.ts";
import { METRICS } from "../../lib/methods/metrics.ts";
import {
  type MethodSettings,
  type PresetName,
  PRESETS,
  startMethod,
} from "../../lib/methods/presets.ts";
import { disposeState, type Metrics, trainingState } from "../../lib/methods/training.ts";
import { modelConfig } from "../../lib/model/config.ts";
import { createPolicy, disposePolicy } from "../../lib/model/policy.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { eachDevice, TINY } from "../_devices.ts";

const tokenizer = charTokenizer("abc=");
const shape = modelConfig({ ...TINY, vocab_size: tokenizer.vocabSize });

/** So small that fifty steps take no time. */
const trivial = modelConfig({
  vocab_size: tokenizer.vocabSize,
  hidden_size: 8,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
});

/**
 * Three questions that an untrained policy hardly ever solves, so that they are buffered; any other
 * completion earns a little for each `=`, so that groups have signal all the same.
 */
const dataset: Dataset = {
  name: "three",
  size: 3,
  question: (index) => {
    const answer = ["b", "c", "a"][index]!;
    return { id: `q${index}`, prompt: `${"abc"[index]}=`, answer, demonstration: answer };
  },
  reward: ({ answer }, completion) => {
    const share = completion.split("=").length / 8;
    return completion === answer ? binaryReward(true, { signs: share }) : {
      total: share,
      correct: false,
      parts: { signs: share, correct: 0 },
    };
  },
};

/** Sizes for every method; those a method does not have are not read. */
const SMALL = {
  steps: 2,
  maxNewTokens: 4,
  questionsPerStep: 2,
  groupSize: 4,
  bufferSize: 2,
  demonstrationsPerStep: 2,
};

/** Fifty steps that cost as little as steps can. */
const FIFTY = { ...SMALL, steps: 50, maxNewTokens: 2, groupSize: 2, optimizerSteps: 1, passes: 1 };

/** A preset with everything but its rules made small. */
function small(preset: PresetName, sizes: Record<string, number>): MethodSettings {
  const { method, config } = PRESETS[preset];
  return { method, config: { ...config, ...sizes } } as MethodSettings;
}

/** Runs a method to its end; its metrics, the weights it left, and the tensors after each step. */
async function finish(
  settings: MethodSettings,
  model = shape,
): Promise<{ yielded: Metrics[]; weights: number[][]; tensors: number[] }> {
  const [policy, state] = [createPolicy(model, tokenizer, 1), trainingState()];
  const yielded: Metrics[] = [], tensors: number[] = [];
  for await (const metrics of startMethod(settings, policy, dataset, state)) {
    yielded.push(metrics);
    tensors.push(tf.memory().numTensors);
  }
  const weights = await Promise.all(
    Object.values(policy.weights).map(async (weight) => [...await weight.data<"float32">()]),
  );
  disposePolicy(policy);
  disposeState(state);
  return { yielded, weights, tensors };
}

/** Of these a step may have none, by the meaning of the metric. */
const MAY_BE_MISSING =
  /^(completion\/tokens_(right|wrong)|buffer\/age|buffer\/age_max|taught\/solve_rate)$/;

/** Of these a step has none when no group had signal. */
const OF_AN_UPDATE =
  /^rl\/(loss|surrogate|grad_norm|ratio|clip_fraction|approximate_kl|entropy|sampler_gap)$/;

const withoutTimes = (yielded: readonly Metrics[]): Metrics[] =>
  yielded.map((metrics) =>
    Object.fromEntries(
      Object.entries(metrics).filter(([name]) => !/^(time|throughput)\//.test(name)),
    )
  );

for (const preset of Object.keys(PRESETS) as (PresetName)[]) {
  eachDevice(`${preset} runs, tells finite documented numbers and repeats itself`, async () => {
    const first = await finish(small(preset, SMALL));
    assertEquals(first.yielded.map((metrics) => metrics["step"]), [0, 1]);
    for (const metrics of first.yielded) {
      for (const [name, value] of Object.entries(metrics)) {
        const documented = name in METRICS || ["reward/signs", "reward/correct"].includes(name);
        assert(documented, `${name} is not documented`);
        const missing = MAY_BE_MISSING.test(name) ||
          OF_AN_UPDATE.test(name) && metrics["rl/empty_steps"] === 2;
        assert(Number.isFinite(value) || missing && Number.isNaN(value), `${name} is ${value}`);
      }
    }
    if (preset !== "sft") {
      assert(first.yielded.some((metrics) => metrics["rl/optimizer_steps"]! > 0));
    }
    if (preset.startsWith("relift")) assert(first.yielded.at(-1)!["sft/events"]! > 0);

    const second = await finish(small(preset, SMALL));
    assertEquals(withoutTimes(second.yielded), withoutTimes(first.yielded));
    assertEquals(second.weights, first.weights);
  });
}

for (const preset of ["sft", "grpo-v2", "relift-v2"] as const) {
  eachDevice(`${preset} holds no more tensors after fifty steps than after five`, async () => {
    const { tensors } = await finish(small(preset, FIFTY), trivial);
    assertEquals(tensors[49], tensors[4]);
    // ReLIFT runs the code of the other two: enough where a step takes long.
  }, { devices: ["cpu", "wasm", "wasm with BLAS", ...(preset === "relift-v2" ? ["webgpu"] : [])] });
}

Deno.test("presets differ between versions as the paper and its code do", () => {
  const [one, two] = [PRESETS["relift-v1"].config, PRESETS["relift-v2"].config];
  assertEquals([one.clip, two.clip], [null, { low: 0.2, high: 0.28, dual: 3 }]);
  assertEquals([one.reduction, two.reduction], ["constant-length", "token-mean"]);
  assertEquals([one.order, two.order], ["newest-first", "oldest-first"]);
  assertEquals([one.entropyCoefficient, two.entropyCoefficient], [0.001, 0]);
  assertEquals([one.sft.entropyCoefficient, two.sft.entropyCoefficient], [0.001, 1e-4]);
  assertEquals([one.adamw.maxGradNorm, two.adamw.maxGradNorm], [0.7, 0.5]);
  assertEquals([one.sft.adamw.maxGradNorm, two.sft.adamw.maxGradNorm], [1, 0.5]);
  for (const { gate, normalizeStd, recheck, sharedOptimizer } of [one, two]) {
    assertEquals([gate, normalizeStd, recheck, sharedOptimizer], [0, false, false, false]);
  }
});
