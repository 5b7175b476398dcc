import { assertEquals, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { packedSequences } from "../../lib/compute/ops/attention.ts";
import type { Adapter } from "../../lib/model/adapter.ts";
import { modelConfig } from "../../lib/model/config.ts";
import {
  adapterShapes,
  basePolicy,
  checkLora,
  createAdapter,
  LORA_TARGETS,
  mergedWeights,
  withAdapter,
} from "../../lib/model/lora.ts";
import {
  createPolicy,
  disposePolicy,
  learnedWeights,
  type Policy,
} from "../../lib/model/policy.ts";
import { forward, initialWeights, logits, type Model } from "../../lib/model/transformer.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { assertClose, eachDevice, take, TINY, wave } from "../_devices.ts";

const TOKENIZER = charTokenizer("01234567");
const CONFIG = modelConfig({ ...TINY, model_type: "qwen2", vocab_size: 10 });
const LORA = { r: 3, lora_alpha: 6, target_modules: LORA_TARGETS };
const TOKENS = [3, 1, 4, 1, 5, 2, 6];

/** An adapter that has learned something: no matrix is 0. */
function learned(lora = LORA): Adapter {
  const entries = Object.entries(adapterShapes(CONFIG, lora)).map(([name, shape], i) => [
    name,
    tf.tidy(() => tf.variable(wave(shape, i, 0.2))),
  ]);
  return { config: lora, base: "base", weights: Object.fromEntries(entries) };
}

function adapted(lora = LORA): Policy {
  return withAdapter(createPolicy(CONFIG, TOKENIZER, 1), learned(lora));
}

function scores(model: Model): tf.Tensor2D {
  return tf.tidy(() => {
    const tokens = tf.tensor1d(TOKENS, "int32");
    return logits(model, forward(model, tokens, packedSequences([4, 3])));
  });
}

eachDevice("createAdapter() changes nothing before it has learned", async () => {
  const policy = withAdapter(
    createPolicy(CONFIG, TOKENIZER, 1),
    createAdapter(CONFIG, LORA, { base: "base", seed: 1 }),
  );
  const bound = 1 / Math.sqrt(CONFIG.hidden_size);
  const a = await policy.adapter!.weights["model.layers.1.self_attn.q_proj.lora_A.weight"]!.data();
  assertEquals(a.every((x) => Math.abs(x) <= bound) && Math.max(...a) > 0.8 * bound, true);
  assertClose(await take(scores(policy)), await take(scores(basePolicy(policy))), 0);
  disposePolicy(policy);
});

eachDevice("adaptedLinear() computes what merged weights compute", async () => {
  for (const target_modules of [LORA_TARGETS, ["q_proj", "v_proj"], ["o_proj", "down_proj"]]) {
    const policy = adapted({ ...LORA, target_modules });
    const weights = mergedWeights(policy);
    const merged = await take(scores({ config: CONFIG, weights }));
    assertClose(await take(scores(policy)), merged, 1e-5);
    const base = await take(scores(basePolicy(policy)));
    assertEquals(merged.some((x, i) => Math.abs(x - base[i]!) > 0.01), true);
    tf.dispose(weights);
    disposePolicy(policy);
  }
});

eachDevice("mergedWeights() is W + (α / r) B A", async () => {
  const policy = adapted();
  const merged = mergedWeights(policy);
  const name = "model.layers.0.mlp.down_proj"; // 24 -> 16
  const [w, a, b] = await Promise.all([
    policy.weights[`${name}.weight`]!.data(),
    policy.adapter!.weights[`${name}.lora_A.weight`]!.data(),
    policy.adapter!.weights[`${name}.lora_B.weight`]!.data(),
  ]);
  const [out, width] = [5, 7]; // one entry by hand
  let sum = 0;
  for (let i = 0; i < 3; i++) sum += b[out * 3 + i]! * a[i * 24 + width]!;
  const entry = (await merged[`${name}.weight`]!.data())[out * 24 + width]!;
  assertClose([entry], [w[out * 24 + width]! + 6 / 3 * sum], 1e-6);
  tf.dispose(merged);
  disposePolicy(policy);
});

eachDevice("an adapter has the gradient that finite differences give", async () => {
  const policy = adapted();
  const learnt = learnedWeights(policy);
  const lossOf = () => tf.sum(tf.mul(scores(policy), wave([TOKENS.length, 10], 2))) as tf.Scalar;
  const { value, grads } = tf.tidy(() => tf.variableGrads(lossOf, Object.values(learnt)));
  value.dispose();
  const lacking = Object.keys(learnt).filter((name) => !grads[learnt[name]!.name]);
  assertEquals(lacking, []);
  for (const [name, variable] of Object.entries(learnt)) {
    if (!/layers\.1\.(self_attn\.[kvo]|mlp\.(up|down))/.test(name)) continue;
    const values = await variable.data();
    const at = values.length - 2;
    const [up, down] = await Promise.all([0.01, -0.01].map(async (change) => {
      const moved = values.map((x, i) => i === at ? x + change : x);
      tf.tidy(() => variable.assign(tf.tensor(moved, variable.shape)));
      const loss = await take(tf.tidy(lossOf));
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
      return loss[0]!;
    }));
    const gradient = (await grads[variable.name]!.data())[at]!;
    assertClose([gradient], [(up! - down!) / 0.02], 0.01);
  }
  tf.dispose(grads);
  disposePolicy(policy);
});

Deno.test("withAdapter() freezes the weights, and an optimizer gets the adapter's alone", async () => {
  await tf.setBackend("cpu");
  const policy = adapted();
  assertEquals(Object.values(policy.weights).some(({ trainable }) => trainable), false);
  assertEquals(Object.keys(learnedWeights(policy)), Object.keys(adapterShapes(CONFIG, LORA)));
  disposePolicy(policy);
});

Deno.test("adapterShapes() names projections as PEFT does, less its prefix", () => {
  const shapes = adapterShapes(CONFIG, { ...LORA, target_modules: ["k_proj", "down_proj"] });
  assertEquals(Object.fromEntries(Object.entries(shapes).slice(0, 4)), {
    "model.layers.0.self_attn.k_proj.lora_A.weight": [3, 16],
    "model.layers.0.self_attn.k_proj.lora_B.weight": [8, 3],
    "model.layers.0.mlp.down_proj.lora_A.weight": [3, 24],
    "model.layers.0.mlp.down_proj.lora_B.weight": [16, 3],
  });
});

Deno.test("checkLora() and basePolicy() refuse what makes no sense", async () => {
  await tf.setBackend("cpu");
  assertThrows(() => checkLora({ ...LORA, r: 0 }), RangeError, "rank must be a whole number > 0");
  assertThrows(() => checkLora({ ...LORA, lora_alpha: NaN }), RangeError, "alpha must be > 0");
  assertThrows(() => checkLora({ ...LORA, target_modules: ["lm_head"] }), RangeError, "lm_head");
  assertThrows(() => checkLora({ ...LORA, target_modules: [] }), RangeError, "none");
  const weights = initialWeights(CONFIG, 1);
  const policy = { config: CONFIG, tokenizer: TOKENIZER, weights };
  assertThrows(() => basePolicy(policy), TypeError, "it has none");
  disposePolicy(policy);
});
