import { assertEquals, assertThrows } from "@std/assert";
import { modelConfig } from "../../lib/model/config.ts";
import { weightShapes } from "../../lib/model/transformer.ts";

/** What every published file states. */
const SIZES = {
  vocab_size: 9,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 1,
  num_attention_heads: 4,
};

// The fields of LlamaConfig, Qwen2Config and Qwen3Config of transformers 5.23.0
Deno.test("modelConfig() completes a file as transformers does for its model type", () => {
  const shared = {
    ...SIZES,
    num_key_value_heads: 4,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    hidden_act: "silu",
    tie_word_embeddings: false,
    attention_bias: false,
    mlp_bias: false,
  } as const;
  assertEquals(modelConfig({ ...SIZES, model_type: "llama" }), {
    ...shared,
    model_type: "llama",
    head_dim: 4,
    max_position_embeddings: 2048,
  });
  assertEquals(modelConfig({ ...SIZES, model_type: "qwen2" }), {
    ...shared,
    model_type: "qwen2",
    head_dim: 4,
    max_position_embeddings: 32_768,
    attention_bias: true, // Qwen2 always has it, and has no field for it
  });
  assertEquals(modelConfig({ ...SIZES, model_type: "qwen3" }), {
    ...shared,
    model_type: "qwen3",
    head_dim: 128,
    max_position_embeddings: 32_768,
  });
});

Deno.test("modelConfig() takes null for what is not set", () => {
  const nulls = { num_key_value_heads: null, head_dim: null, bos_token_id: null };
  const given = { ...SIZES, model_type: "llama" };
  assertEquals(modelConfig({ ...given, ...nulls }), modelConfig(given));
});

Deno.test("modelConfig() reads the settings of Qwen2.5 that change nothing", () => {
  const given = { ...SIZES, model_type: "qwen2" };
  const spare = {
    use_sliding_window: false,
    sliding_window: 4096,
    max_window_layers: 28,
    layer_types: ["full_attention"],
    attention_dropout: 0,
    use_mrope: false,
  };
  assertEquals(modelConfig({ ...given, ...spare }), modelConfig(given));
});

Deno.test("modelConfig() rejects what would change the computation, and names it", () => {
  const scaled = (rope_scaling: unknown) => ({ rope_scaling });
  for (
    const [model_type, bad, part] of [
      ["qwen2", { use_sliding_window: true }, "use_sliding_window is not supported"],
      ["qwen2", { use_mrope: true }, "use_mrope is not supported"],
      ["qwen2", { is_causal: false }, "is_causal is not supported"],
      ["qwen3", { layer_types: ["sliding_attention"] }, "layer_types"],
      ["llama", { partial_rotary_factor: 0.5 }, "partial_rotary_factor"],
      ["llama", { rope_parameters: { partial_rotary_factor: 0.5 } }, "partial_rotary_factor"],
      ["llama", { final_logit_softcapping: 30 }, "final_logit_softcapping"],
      ["llama", { num_local_experts: 8 }, "current value is 8"],
      ["llama", { quantization_config: { quant_method: "awq" } }, `{"quant_method":"awq"}`],
      ["llama", { hidden_act: "relu" }, "hidden_act"],
      ["llama", scaled({ rope_type: "longrope", factor: 2 }), "rope_scaling.rope_type"],
      ["llama", scaled({ rope_type: "dynamic", factor: 2 }), `current value is "dynamic"`],
      ["llama", scaled({ rope_type: "linear" }), "rope_scaling.factor"],
      ["llama", scaled({ rope_type: "linear", factor: -1 }), "current value is -1"],
      ["llama", scaled({ rope_type: "llama3", factor: 8 }), "rope_scaling.low_freq_factor"],
      ["llama", scaled("linear"), "rope_scaling"],
      ["qwen2", scaled({ type: "mrope", mrope_section: [2, 3] }), `current value is "mrope"`],
      ["qwen2", scaled({ rope_type: "default", mrope_section: [2, 3] }), "rope_scaling"],
      ["llama", { rope_parameters: { full_attention: { rope_theta: 1 } } }, "rope_scaling"],
      ["qwen2_moe", {}, "model_type"],
      ["qwen3_moe", {}, `current value is "qwen3_moe"`],
    ] as const
  ) {
    const error = assertThrows(
      () => modelConfig({ ...SIZES, model_type, ...bad }, "here/config.json"),
      TypeError,
      part,
    );
    assertEquals(error.message.includes("\n"), false);
    assertEquals(error.message.startsWith("Cannot read here/config.json as "), true);
  }
});

Deno.test("weightShapes() has each family's biases and norms", () => {
  const parts = (given: object) =>
    Object.keys(weightShapes(modelConfig({ ...SIZES, tie_word_embeddings: true, ...given })))
      .filter((name) => /\.(bias|[qk]_norm\.weight)$/.test(name))
      .map((name) => name.split(".").slice(-2).join("."));
  assertEquals(parts({ model_type: "llama" }), []);
  assertEquals(parts({ model_type: "qwen2", mlp_bias: true }), [
    "q_proj.bias",
    "k_proj.bias",
    "v_proj.bias",
  ]);
  assertEquals(parts({ model_type: "qwen3" }), ["q_norm.weight", "k_norm.weight"]);
  assertEquals(parts({ model_type: "llama", attention_bias: true, mlp_bias: true }), [
    "q_proj.bias",
    "k_proj.bias",
    "v_proj.bias",
    "o_proj.bias",
    "gate_proj.bias",
    "up_proj.bias",
    "down_proj.bias",
  ]);
});
