import { assertEquals, assertRejects } from "@std/assert";
import { type ModelConfig, modelConfig } from "../../../lib/model/config.ts";
import { openGguf } from "../../../lib/model/io/gguf.ts";
import { loadPolicy } from "../../../lib/model/io/policy_folder.ts";
import { rotation } from "../../../lib/model/rope.ts";
import { weightShapes } from "../../../lib/model/transformer.ts";
import { TINY } from "../../_devices.ts";
import { ggufFile, type GgufTensor } from "./_gguf_file.ts";

const SMALL = { ...TINY, vocab_size: 11, rope_theta: 50_000, rms_norm_eps: 1e-5 };
const LLAMA = modelConfig({ ...SMALL, model_type: "llama", tie_word_embeddings: true });
const QWEN2 = modelConfig({ ...SMALL, model_type: "qwen2" });
const QWEN3 = modelConfig({ ...SMALL, model_type: "qwen3", head_dim: 8 });

// llama.cpp's names, by the ends of Hugging Face's (gguf-py, TENSOR_NAMES and tensor_mapping.py)
const NAMES: Readonly<Record<string, string>> = {
  embed_tokens: "token_embd",
  norm: "output_norm",
  lm_head: "output",
  input_layernorm: "attn_norm",
  q_proj: "attn_q",
  k_proj: "attn_k",
  v_proj: "attn_v",
  o_proj: "attn_output",
  q_norm: "attn_q_norm",
  k_norm: "attn_k_norm",
  post_attention_layernorm: "ffn_norm",
  gate_proj: "ffn_gate",
  up_proj: "ffn_up",
  down_proj: "ffn_down",
};

/** What llama.cpp writes of a model whose every tensor counts up from its own number. */
function fileOf(config: ModelConfig, changes: Record<string, string | number> = {}): {
  metadata: Record<string, string | number>;
  tensors: Record<string, GgufTensor>;
} {
  const family = config.model_type;
  const metadata = {
    "general.architecture": family,
    [`${family}.embedding_length`]: config.hidden_size,
    [`${family}.feed_forward_length`]: config.intermediate_size,
    [`${family}.block_count`]: config.num_hidden_layers,
    [`${family}.attention.head_count`]: config.num_attention_heads,
    [`${family}.attention.head_count_kv`]: config.num_key_value_heads,
    [`${family}.attention.key_length`]: config.head_dim,
    [`${family}.attention.layer_norm_rms_epsilon`]: config.rms_norm_eps,
    [`${family}.context_length`]: config.max_position_embeddings,
    [`${family}.rope.freq_base`]: config.rope_theta,
    [`${family}.rope.dimension_count`]: config.head_dim,
    ...changes,
  };
  const tensors = Object.entries(weightShapes(config)).map(([name, shape], index) => {
    const parts = name.split(".");
    const layer = parts[1] === "layers" ? `blk.${parts[2]}.` : "";
    const values = counted(shape, index);
    const paired = family === "llama" && /\.[qk]_proj\./.test(name);
    const ordered = paired ? neighbours(values, shape, config.head_dim) : values;
    return [`${layer}${NAMES[parts.at(-2)!]}.${parts.at(-1)}`, {
      type: 0,
      sides: shape.toReversed(),
      bytes: new Uint8Array(ordered.buffer),
    }] as const;
  });
  return { metadata, tensors: Object.fromEntries(tensors) };
}

function counted(shape: readonly number[], index: number): Float32Array {
  const size = shape.reduce((product, side) => product * side, 1);
  return Float32Array.from({ length: size }, (_, i) => 1000 * index + i);
}

/** Rows as llama.cpp's `convert_hf_to_gguf.py` permutes them: (half, pair) becomes (pair, half). */
function neighbours(values: Float32Array, shape: readonly number[], headDim: number): Float32Array {
  const width = values.length / shape[0]!, half = headDim / 2;
  const result = new Float32Array(values.length);
  for (let head = 0; head < shape[0]! / headDim; head++) {
    for (const which of [0, 1]) {
      for (let pair = 0; pair < half; pair++) {
        const from = (head * headDim + which * half + pair) * width;
        const to = (head * headDim + 2 * pair + which) * width;
        result.set(values.subarray(from, from + width), to);
      }
    }
  }
  return result;
}

/** Runs a test with a GGUF file. */
async function withFile(bytes: Uint8Array, body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".gguf" });
  try {
    await Deno.writeFile(path, bytes);
    await body(path);
  } finally {
    await Deno.remove(path);
  }
}

for (const config of [LLAMA, QWEN2, QWEN3]) {
  Deno.test(`openGguf() gives Hugging Face's config, names and layouts of a ${config.model_type}`, async () => {
    const { metadata, tensors } = fileOf(config);
    await withFile(ggufFile(metadata, tensors), async (path) => {
      const { config: actual, source } = await openGguf(path);
      assertEquals(actual, config);
      assertEquals(source.shapes, weightShapes(config));
      for (const [index, [name, shape]] of Object.entries(source.shapes).entries()) {
        assertEquals(await source.read(name), counted(shape, index));
      }
    });
  });
}

Deno.test("openGguf() reads blocks", async () => {
  const config = modelConfig({ ...SMALL, hidden_size: 32, head_dim: 8, tie_word_embeddings: true });
  const { metadata, tensors } = fileOf(config);
  const bytes = new Uint8Array(11 * 34).fill(3); // Q8_0: scale 0x0303, then 3 again and again
  const embeddings = { type: 8, sides: [32, 11], bytes };
  await withFile(
    ggufFile(metadata, { ...tensors, "token_embd.weight": embeddings }),
    async (path) => {
      const { source } = await openGguf(path);
      const values = await source.read("model.embed_tokens.weight");
      const scale = 0x303 * 2 ** -24; // below 2^-14 a half counts in steps of 2^-24
      assertEquals([values.length, values[0], values.at(-1)], [352, 3 * scale, 3 * scale]);
    },
  );
});

Deno.test("openGguf() reads how the rotation is stretched", async () => {
  const stretched = async (changes: Record<string, string | number>) => {
    const { metadata, tensors } = fileOf(QWEN2, changes);
    let config: ModelConfig | undefined;
    await withFile(ggufFile(metadata, tensors), async (path) => {
      config = (await openGguf(path)).config;
    });
    return config!.rope_scaling;
  };
  const scaling = "qwen2.rope.scaling";
  assertEquals(await stretched({ [`${scaling}.type`]: "none" }), undefined);
  assertEquals(await stretched({ [`${scaling}.type`]: "linear", [`${scaling}.factor`]: 2.5 }), {
    rope_type: "linear",
    factor: 2.5,
  });
  assertEquals(
    await stretched({
      [`${scaling}.type`]: "yarn",
      [`${scaling}.factor`]: 4,
      [`${scaling}.original_context_length`]: 64,
    }),
    { rope_type: "yarn", factor: 4, original_max_position_embeddings: 64 },
  );
});

Deno.test("openGguf() finds Llama 3's scaling in its factors", async () => {
  const rope_scaling = {
    rope_type: "llama3",
    factor: 32,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  } as const;
  const config = modelConfig({ ...LLAMA, head_dim: 64, rope_theta: 500_000, rope_scaling });
  const { metadata, tensors } = fileOf(config);
  const plain = rotation({ head_dim: 64, rope_theta: 500_000 }).periods;
  const factors = Float32Array.from(rotation(config).periods, (period, i) => period / plain[i]!);
  const file = (factors: Float32Array) => {
    const bytes = new Uint8Array(factors.buffer);
    return ggufFile(metadata, { ...tensors, "rope_freqs.weight": { type: 0, sides: [32], bytes } });
  };
  await withFile(file(factors), async (path) => {
    const { config: actual, source } = await openGguf(path);
    assertEquals(actual, config);
    assertEquals("rope_freqs.weight" in source.shapes, false);
  });
  factors[17]! *= 1.01; // of another model
  await withFile(file(factors), async (path) => {
    await assertRejects(() => openGguf(path), TypeError, "rope_freqs.weight");
  });
});

Deno.test("openGguf() rejects a file that is cut off anywhere", async () => {
  const { metadata, tensors } = fileOf(QWEN3);
  const whole = ggufFile(metadata, tensors);
  for (const kept of [0, 3, 7, 20, 300, 2000, whole.length - 64]) {
    await withFile(whole.subarray(0, kept), async (path) => {
      const error = await assertRejects(() => openGguf(path), SyntaxError, path);
      assertEquals(error.message.includes("\n"), false);
    });
  }
});

Deno.test("openGguf() rejects models and numbers it cannot read, and names them", async () => {
  const { tensors } = fileOf(LLAMA);
  const blocks = { type: 2, sides: [16, 11], bytes: new Uint8Array(200) }; // rows of half a block
  const unknown = { type: 21, sides: [256, 11], bytes: new Uint8Array(2000) };
  for (
    const [changes, more, type, part] of [
      [{ "general.architecture": "gemma" }, {}, TypeError, "gemma"],
      [{ "llama.attention.head_count": "four" }, {}, TypeError, "num_attention_heads"],
      [{ "llama.rope.dimension_count": 2 }, {}, TypeError, "llama.rope.dimension_count"],
      [{ "llama.attention.value_length": 6 }, {}, TypeError, "must be the width of a head, 4"],
      [{ "llama.expert_count": 8 }, {}, TypeError, "num_experts"],
      [{ "llama.attention.sliding_window": 512 }, {}, TypeError, "use_sliding_window"],
      [{ "llama.rope.scaling.type": "longrope" }, {}, TypeError, "longrope"],
      [
        { "llama.rope.scaling.type": "yarn", "llama.rope.scaling.attn_factor": 1.5 },
        {},
        TypeError,
        "llama.rope.scaling.attn_factor",
      ],
      [{ "split.count": 2 }, {}, TypeError, "one whole file"],
      [{}, { "token_embd.weight": unknown }, TypeError, "number 21"],
      [{}, { "token_embd.weight": blocks }, SyntaxError, "whole blocks"],
    ] as const
  ) {
    const file = ggufFile(fileOf(LLAMA, changes).metadata, { ...tensors, ...more });
    await withFile(file, async (path) => {
      const error = await assertRejects(() => openGguf(path), type, part);
      assertEquals([error.message.includes(path), error.message.includes("\n")], [true, false]);
    });
  }
});

Deno.test("loadPolicy() rejects a folder with several GGUF files, and a file that is not there", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of ["a.gguf", "b.gguf"]) await Deno.writeTextFile(`${folder}/${name}`, "GGUF");
  await assertRejects(() => loadPolicy(folder), TypeError, "a.gguf, b.gguf");
  await Deno.remove(`${folder}/a.gguf`);
  await assertRejects(() => loadPolicy(folder), SyntaxError, `${folder}/b.gguf`);
  await assertRejects(() => loadPolicy(`${folder}/a.gguf`), Deno.errors.NotFound, "a.gguf");
  await Deno.remove(folder, { recursive: true });
});
