import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { packedSequences } from "../../lib/compute/ops/attention.ts";
import { tokenLogProbs } from "../../lib/compute/ops/token_log_probs.ts";
import { type ModelConfig, modelConfig } from "../../lib/model/config.ts";
import {
  forward,
  initialWeights,
  logits,
  outputMatrix,
  type Weights,
  weightShapes,
} from "../../lib/model/transformer.ts";
import { assertClose, eachDevice, take, TINY, wave } from "../_devices.ts";
import { waveWeights } from "./_wave_weights.ts";

const VOCAB = 11;
const LLAMA = modelConfig({ ...TINY, vocab_size: VOCAB, rope_theta: 100 }); // embeddings are tied
const QWEN2 = modelConfig({
  ...TINY,
  model_type: "qwen2", // which adds biases to queries, keys and values, and ties nothing
  vocab_size: VOCAB,
  rope_theta: 100,
});

/** Logits of every position of rows that are read side by side, `[rows][seq][vocab]`. */
async function scores(
  weights: Weights,
  config: ModelConfig,
  rows: number[][],
): Promise<number[][][]> {
  const all = tf.tidy(() => {
    const sequences = packedSequences(rows.map((row) => row.length));
    const hidden = forward({ weights, config }, tf.tensor1d(rows.flat(), "int32"), sequences);
    return logits({ weights, config }, hidden);
  });
  const values = [...await take(all)];
  return rows.map((row) => row.map(() => values.splice(0, VOCAB)));
}

const DIGITS = [3, 1, 4, 1, 5];
const NEXT = [1, 4, 1, 5, 9];

/** Mean cross entropy of `NEXT` after `DIGITS`. */
function loss(weights: Weights, config: ModelConfig): tf.Scalar {
  const tokens = tf.tensor1d(DIGITS, "int32");
  const hidden = forward({ weights, config }, tokens, packedSequences([DIGITS.length]));
  const targets = tf.tensor1d(NEXT, "int32");
  const { logProbs } = tokenLogProbs(hidden, outputMatrix({ weights, config }), targets);
  return tf.neg(tf.mean(logProbs));
}

/** The gradient of {@linkcode loss} along `wave` for every weight, in the order of the weights. */
async function slopes(weights: Weights, config: ModelConfig): Promise<Float32Array> {
  return await take(tf.tidy(() => {
    const { grads } = tf.variableGrads(() => loss(weights, config), Object.values(weights));
    return tf.stack(
      Object.values(weights).map(({ name, shape }) => tf.sum(tf.mul(grads[name]!, wave(shape)))),
    );
  }));
}

// deno-fmt-ignore
const GOLDEN = [
  {
    name: "Llama with tied embeddings",
    config: LLAMA,
    logits: [
      0.01946, -0.47262, 0.43078, 0.06224, -0.49007, 0.40462, 0.10462, -0.50428, 0.37578, 0.1463,
      -0.51515,
    ],
    slopes: [
      -0.36302, -0.01304, 0.65499, -0.18185, -0.30733, 0.44764, 7e-05, -0.001, -0.00094, 0.00063,
      0.00272, -0.00048, 0.00026, 0.03791, 0.0252, -0.00022, -0.00039, 0.00122, 0.00081, 0.01679,
    ],
  },
  {
    name: "Qwen2 with biases and a head of its own",
    config: QWEN2,
    logits: [
      -1.19353, 0.31537, 0.8931, -1.16616, 0.21783, 0.95865, -1.13108, 0.11885, 1.01785, -1.0885,
      0.01909,
    ],
    slopes: [
      0.56713, 0.0029, -0.21578, 0.0055, -0.07429, -0.03587, 0.07121, 0.35007, -0.58748, -0.00618,
      0.27205, -0.02465, -0.38079, 0.05731, 0.10392, 0.02232, -0.08626, -0.05085, 0.58094,
      -0.37431, 0.05839, 0.00225, 0.04239, 0.06579, 0.06412, -0.10735, 0.67063,
    ],
  },
];

for (const golden of GOLDEN) {
  eachDevice(`forward() agrees with PyTorch, for ${golden.name}`, async () => {
    const weights = waveWeights(golden.config);
    const [row] = await scores(weights, golden.config, [DIGITS]);
    assertClose(row!.at(-1)!, golden.logits, 2e-5);
    tf.dispose(weights);
  });

  eachDevice(`forward() has PyTorch's gradient by every weight, for ${golden.name}`, async () => {
    const weights = waveWeights(golden.config);
    assertClose(await slopes(weights, golden.config), golden.slopes, 2e-5);
    tf.dispose(weights);
  });
}

eachDevice("forward() has the gradient that finite differences give", async () => {
  const weights = initialWeights(QWEN2, 1);
  const names = Object.keys(weights);
  const analytic = await slopes(weights, QWEN2);
  for (
    const name of [
      "model.embed_tokens.weight",
      "model.layers.0.self_attn.k_proj.weight",
      "model.layers.1.self_attn.q_proj.bias",
      "model.layers.1.mlp.gate_proj.weight",
      "model.norm.weight",
    ]
  ) {
    const variable = weights[name]!;
    const at = variable.clone();
    const difference = [];
    for (const step of [0.01, -0.01]) {
      tf.tidy(() => variable.assign(tf.add(at, wave(variable.shape, 0, step))));
      difference.push((await take(tf.tidy(() => loss(weights, QWEN2))))[0]!);
    }
    variable.assign(at);
    at.dispose();
    const slope = (difference[0]! - difference[1]!) / 0.02;
    // A loss near 2.5 is rounded to 2e-7, hence the slope to 2e-5; the step itself adds 1e-4 or so.
    assertClose([analytic[names.indexOf(name)]!], [slope], 2e-3);
  }
  tf.dispose(weights);
});

eachDevice("forward() never reads a later position", async () => {
  const weights = initialWeights(LLAMA, 1);
  const [before, after] = [
    (await scores(weights, LLAMA, [[3, 1, 4, 1, 5]]))[0]!,
    (await scores(weights, LLAMA, [[3, 1, 4, 9, 2]]))[0]!,
  ];
  assertEquals(after.slice(0, 3), before.slice(0, 3)); // not a bit of it
  assertNotEquals(after[3], before[3]); // and the change did reach its own position
  tf.dispose(weights);
});

eachDevice("forward() reads every earlier position", async () => {
  const weights = initialWeights(LLAMA, 1);
  const last = async (row: number[]) => (await scores(weights, LLAMA, [row]))[0]!.at(-1)!;
  const unchanged = await last([3, 1, 4, 1]);
  for (const row of [[9, 1, 4, 1], [3, 9, 4, 1], [3, 1, 9, 1]]) {
    assertNotEquals(await last(row), unchanged);
  }
  tf.dispose(weights);
});

eachDevice("forward() gives a row the same logits alone and beside others", async () => {
  const weights = initialWeights(LLAMA, 1);
  const rows = [[3, 1, 4], [2, 7, 1, 8, 2, 8, 1], [6], [3, 1, 4]];
  const together = await scores(weights, LLAMA, rows);
  for (const [r, row] of rows.entries()) {
    assertClose(together[r]!.flat(), (await scores(weights, LLAMA, [row])).flat(2), 1e-5);
  }
  tf.dispose(weights);
});

eachDevice(
  "forward() groups queries as if each had its head's copy of keys and values",
  async () => {
    const repeated = modelConfig({ ...QWEN2, num_key_value_heads: 4 });
    const weights = initialWeights(QWEN2, 3);
    for (const layer of [0, 1]) { // biases start at 0, where nothing would show
      const bias = weights[`model.layers.${layer}.self_attn.k_proj.bias`]!;
      tf.tidy(() => bias.assign(wave(bias.shape)));
    }
    const copies = Object.fromEntries(
      Object.entries(weights).map(([name, weight]) => {
        if (!/\.[kv]_proj\./.test(name)) return [name, weight] as const;
        const copy = tf.tidy(() => { // heads 0, 1 of [2 * 4, ...] become heads 0, 0, 1, 1
          const rows = [0, 0, 1, 1].flatMap((head) => [0, 1, 2, 3].map((row) => 4 * head + row));
          return tf.variable(tf.gather(weight as tf.Tensor, tf.tensor1d(rows, "int32")));
        });
        return [name, copy] as const;
      }),
    );
    assertClose(
      (await scores(copies, repeated, [DIGITS])).flat(2),
      (await scores(weights, QWEN2, [DIGITS])).flat(2),
      1e-5,
    );
    tf.dispose([weights, copies]);
  },
);

eachDevice("forward() adds each of Qwen2's biases", async () => {
  const weights = initialWeights(QWEN2, 1);
  const before = await scores(weights, QWEN2, [DIGITS]);
  for (const name of ["q", "k", "v"].map((p) => `model.layers.1.self_attn.${p}_proj.bias`)) {
    const bias = weights[name]!;
    tf.tidy(() => bias.assign(wave(bias.shape)));
    assertNotEquals(await scores(weights, QWEN2, [DIGITS]), before, name);
    tf.tidy(() => bias.assign(tf.zeros(bias.shape)));
  }
  assertEquals(await scores(weights, QWEN2, [DIGITS]), before);
  tf.dispose(weights);
});

eachDevice("logits() read the head of its own where embeddings are not tied", async () => {
  const weights = initialWeights(QWEN2, 1);
  const head = weights["lm_head.weight"]!;
  const before = (await scores(weights, QWEN2, [DIGITS])).flat(2);
  tf.tidy(() => head.assign(tf.mul(head, 2)));
  assertClose((await scores(weights, QWEN2, [DIGITS])).flat(2), before.map((x) => 2 * x), 1e-6);
  tf.dispose(weights);
}, { devices: ["cpu", "wasm with BLAS"] });

eachDevice("forward() names the tensor that is not there", async () => {
  assertThrows(
    () =>
      tf.tidy(() =>
        forward({ weights: {}, config: LLAMA }, tf.tensor1d([1], "int32"), packedSequences([1]))
      ),
    TypeError,
    "no tensor model.embed_tokens.weight",
  );
  await Promise.resolve();
}, { devices: ["cpu"] });

Deno.test("weightShapes() lists Hugging Face's names and [out, in] layouts", () => {
  const shapes = weightShapes(
    modelConfig({ ...QWEN2, num_hidden_layers: 1, head_dim: 8 }), // 4 × 8 is not hidden_size
  );
  assertEquals(shapes, {
    "model.embed_tokens.weight": [11, 16],
    "model.layers.0.input_layernorm.weight": [16],
    "model.layers.0.self_attn.q_proj.weight": [32, 16],
    "model.layers.0.self_attn.q_proj.bias": [32],
    "model.layers.0.self_attn.k_proj.weight": [16, 16],
    "model.layers.0.self_attn.k_proj.bias": [16],
    "model.layers.0.self_attn.v_proj.weight": [16, 16],
    "model.layers.0.self_attn.v_proj.bias": [16],
    "model.layers.0.self_attn.o_proj.weight": [16, 32],
    "model.layers.0.post_attention_layernorm.weight": [16],
    "model.layers.0.mlp.gate_proj.weight": [24, 16],
    "model.layers.0.mlp.up_proj.weight": [24, 16],
    "model.layers.0.mlp.down_proj.weight": [16, 24],
    "model.norm.weight": [16],
    "lm_head.weight": [11, 16],
  });
});

eachDevice("initialWeights() have the deviations they are said to have", async () => {
  const config = modelConfig({ ...TINY, hidden_size: 64, vocab_size: 100 });
  const weights = initialWeights(config, 1);
  const deviation = async (name: string): Promise<number> => {
    const values = await weights[name]!.data<"float32">();
    return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
  };
  // sqrt(1 / 64) = 0.125; the two that write also divide by sqrt(2 × 2 layers) = 2.
  assertClose(
    [
      await deviation("model.embed_tokens.weight"),
      await deviation("model.layers.1.self_attn.q_proj.weight"),
      await deviation("model.layers.1.self_attn.o_proj.weight"),
      await deviation("model.layers.1.mlp.down_proj.weight"), // sqrt(1 / 24) / 2
      await deviation("model.norm.weight"),
    ],
    [0.125, 0.125, 0.0625, 0.102, 1],
    0.006,
  );
  tf.dispose(weights);
}, { devices: ["cpu"] });

/*
 * What the golden numbers come from, PyTorch 1.13 in double precision:
 *
 * import math, torch
 * torch.set_default_dtype(torch.float64)
 * def wave(*shape, phase=0.0, scale=1.0):
 *     return scale * torch.sin(1 + phase + 1.7 * torch.arange(math.prod(shape))).view(shape)
 * def norm(x, gain):
 *     return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * gain
 * def model(ids, bias, tied, vocab=11, hidden=16, inner=24, heads=4, kv=2, dim=4, theta=100.0):
 *     w, T = {}, len(ids)
 *     def add(name, *shape):
 *         w[name] = wave(*shape, phase=len(w), scale=0.3) + (1 if name.endswith("norm") else 0)
 *         w[name].requires_grad_()
 *     add("embed", vocab, hidden)
 *     for l in range(2):
 *         add(f"{l}norm", hidden)
 *         for p, out in ("q", heads * dim), ("k", kv * dim), ("v", kv * dim):
 *             add(f"{l}{p}", out, hidden)
 *             if bias: add(f"{l}{p}bias", out)
 *         add(f"{l}o", hidden, heads * dim), add(f"{l}mlpnorm", hidden)
 *         add(f"{l}gate", inner, hidden), add(f"{l}up", inner, hidden), add(f"{l}down", hidden, inner)
 *     add("norm", hidden)
 *     if not tied: add("head", vocab, hidden)
 *     angle = torch.outer(torch.arange(T), theta ** (-torch.arange(0, dim, 2) / dim)).repeat(1, 2)
 *     turn = lambda z: torch.cat([-z[..., dim // 2:], z[..., :dim // 2]], -1)
 *     rope = lambda z: z * angle.cos() + turn(z) * angle.sin()
 *     x = w["embed"][ids]
 *     for l in range(2):
 *         z = norm(x, w[f"{l}norm"])
 *         split = lambda p: (z @ w[f"{l}{p}"].T + w.get(f"{l}{p}bias", 0)).view(T, -1, dim)
 *         q, k, v = (split(p).transpose(0, 1) for p in "qkv")
 *         k, v = (y.repeat_interleave(heads // kv, 0) for y in (rope(k), v))
 *         s = rope(q) @ k.transpose(1, 2) / math.sqrt(dim) + torch.full((T, T), -math.inf).triu(1)
 *         x = x + (s.softmax(-1) @ v).transpose(0, 1).reshape(T, -1) @ w[f"{l}o"].T
 *         z = norm(x, w[f"{l}mlpnorm"])
 *         inner = torch.nn.functional.silu(z @ w[f"{l}gate"].T) * (z @ w[f"{l}up"].T)
 *         x = x + inner @ w[f"{l}down"].T
 *     return w, norm(x, w["norm"]) @ w["embed" if tied else "head"].T
 * for bias, tied in (False, True), (True, False):
 *     w, logits = model([3, 1, 4, 1, 5], bias, tied)
 *     torch.nn.functional.cross_entropy(logits, torch.tensor([1, 4, 1, 5, 9])).backward()
 *     print([round(x, 5) for x in logits[-1].tolist()])
 *     print([round((wave(*p.shape) * p.grad).sum().item(), 5) for p in w.values()])
 */
