/** Every method on every device runs, tells what is documented, repeats itself and leaks nothing. */
import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { binaryReward, type Dataset } from "../../lib/data/question.ts";
import { METRICS } from "../../lib/methods/metrics.ts";
import type { ReliftConfig } from "../../lib/methods/relift.ts";
import { METHODS, type MethodSettings, PRESETS, startMethod } from "../../lib/methods/registry.ts";
import { disposeState, type Metrics, trainingState } from "../../lib/methods/training.ts";
import { type ModelConfig, modelConfig } from "../../lib/model/config.ts";
import { createPolicy, disposePolicy } from "../../lib/model/policy.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { eachDevice, TINY } from "../_devices.ts";

const tokenizer = charTokenizer("abc=");
const shape = modelConfig({ ...TINY, num_hidden_layers: 1, vocab_size: tokenizer.vocabSize });

/** So small that fifty steps take no time. */
const trivial = modelConfig({
  vocab_size: tokenizer.vocabSize,
  hidden_size: 8,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
});

/**
 * Twenty questions. To the even ones no completion is right but the answer, which an untrained
 * policy hardly ever gives, to the odd ones any; all earn a little for each `=`, so that groups have
 * signal.
 */
const dataset: Dataset = {
  name: "twenty",
  size: 20,
  question: (index) => {
    const letters = [index, index / 3, index / 9].map((at) => "abc"[Math.floor(at) % 3]);
    const answer = `${letters[0]}${letters[1]}b`;
    return { id: `q${index}`, prompt: `${letters.join("")}=`, answer, demonstration: answer };
  },
  reward: ({ id, answer }, completion) => {
    const signs = (completion.split("=").length - 1) / 8;
    const correct = completion === answer || Number(id.slice(1)) % 2 === 1;
    return { ...binaryReward(correct, { signs }), total: (correct ? 1 : 0) + signs };
  },
};

/** Sizes for every method; those a method does not have are not read. */
const SMALL = {
  steps: 2,
  maxNewTokens: 4,
  questionsPerStep: 4,
  groupSize: 3,
  bufferSize: 2,
  every: 2,
  sftSteps: 1,
  rlSteps: 1,
};

/** Fifty steps that cost as little as steps can. */
const FIFTY = {
  ...SMALL,
  steps: 50,
  maxNewTokens: 2,
  questionsPerStep: 2,
  groupSize: 2,
  optimizerSteps: 1,
  passes: 1,
};

/** A preset with everything but its rules made small. */
function small(preset: string, sizes: Record<string, number>): MethodSettings {
  const { method, config } = PRESETS[preset]!;
  return { method, config: { ...config, ...sizes } };
}

/** Runs a method to its end; its metrics, the weights it left, and the tensors after each step. */
async function finish(
  settings: MethodSettings,
  model: ModelConfig,
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

/** The first update of these may be on demonstrations alone (hpt), or its report is another (srft). */
const MAY_LACK_SAMPLER_GAP = ["hpt", "srft"];

const withoutTimes = (yielded: readonly Metrics[]): Metrics[] =>
  yielded.map((metrics) =>
    Object.fromEntries(
      Object.entries(metrics).filter(([name]) => !/^(time|throughput)\//.test(name)),
    )
  );

for (const preset of Object.keys(PRESETS)) {
  eachDevice(`${preset} runs, tells finite documented numbers and repeats itself`, async () => {
    const first = await finish(small(preset, SMALL), shape);
    assertEquals(first.yielded.map((metrics) => metrics["step"]), [0, 1]);
    for (const metrics of first.yielded) {
      for (const [name, value] of Object.entries(metrics)) {
        const documented = name in METRICS || ["reward/signs", "reward/correct"].includes(name);
        assert(documented, `${name} is not documented`);
        const mayBeMissing = MAY_BE_MISSING.test(name) ||
          name === "rl/sampler_gap" && MAY_LACK_SAMPLER_GAP.includes(preset);
        const isMissing = mayBeMissing && Number.isNaN(value);
        assert(Number.isFinite(value) || isMissing, `${name} is ${value}`);
      }
    }
    const last = first.yielded.at(-1)!;
    assert(last["budget/optimizer_steps"]! >= 2 && last["budget/flops"]! > 0);
    if (preset.startsWith("relift")) assert(last["sft/events"]! > 0);

    const second = await finish(small(preset, SMALL), shape);
    assertEquals(withoutTimes(second.yielded), withoutTimes(first.yielded));
    assertEquals(second.weights, first.weights);
  });
}

for (const preset of ["sft", "rl", "luffy", "relift"]) {
  eachDevice(`${preset} holds no more tensors after fifty steps than after five`, async () => {
    const { tensors } = await finish(small(preset, FIFTY), trivial);
    assertEquals(tensors[49], tensors[4]);
    // ReLIFT runs the code of RL and SFT: enough where a step takes long.
  }, { devices: ["cpu", "wasm", "wasm with BLAS", ...(preset === "relift" ? ["webgpu"] : [])] });
}

Deno.test("every method tells what it is, and its own settings pass its check", () => {
  for (const [id, { title, paper, about, kind, config, check }] of Object.entries(METHODS)) {
    assertMatch(id, /^[a-z0-9]+(-[a-z0-9]+)*$/);
    assertMatch(paper, /^arXiv:\d{4}\.\d{5}$|\w+ \(\d{4}\)|\w+ \d{4}/, id);
    assertMatch(about, /^\S.{20,140}[^.]$/, id);
    assert(title.trim() !== "" && ["rl", "sft", "sequence", "hybrid"].includes(kind), id);
    check(config, dataset.size < config.questionsPerStep ? undefined : dataset);
  }
  const titles = Object.values(METHODS).map(({ title }) => title);
  assertEquals(new Set(titles).size, titles.length);
});

Deno.test("every preset passes the check of its method", () => {
  for (const { method, config } of Object.values(PRESETS)) METHODS[method]!.check(config);
});

Deno.test("presets differ between versions as the paper and its code do", () => {
  const [one, two] = ["relift-v1", "relift"].map((name) => PRESETS[name]!.config) as ReliftConfig[];
  assertEquals([one!.clip, two!.clip], [null, { low: 0.2, high: 0.28, dual: 3 }]);
  assertEquals([one!.reduction, two!.reduction], ["constant-length", "token-mean"]);
  assertEquals([one!.order, two!.order], ["newest-first", "oldest-first"]);
  assertEquals([one!.entropyCoefficient, two!.entropyCoefficient], [0.001, 0]);
  assertEquals([one!.sft.entropyCoefficient, two!.sft.entropyCoefficient], [0.001, 1e-4]);
  assertEquals([one!.adamw.maxGradNorm, two!.adamw.maxGradNorm], [0.7, 0.5]);
  assertEquals([one!.sft.adamw.maxGradNorm, two!.sft.adamw.maxGradNorm], [1, 0.5]);
  for (const { gate, normalizeStd, recheck, sharedOptimizer } of [one!, two!]) {
    assertEquals([gate, normalizeStd, recheck, sharedOptimizer], [0, false, false, false]);
  }
});
