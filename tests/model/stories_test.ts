/**
 * The oracle of the whole model: karpathy/tinyllamas stories260K, a trained Llama, and the text
 * that greedy decoding gave with its author's own program.
 */
// deno-lint-ignore-file no-console -- a skipped oracle is told
import { assertEquals } from "@std/assert";
import { type NamedTensor, variablesOf } from "../../lib/model/io/tensors.ts";
import { modelConfig } from "../../lib/model/config.ts";
import { disposePolicy, type Policy } from "../../lib/model/policy.ts";
import { weightShapes } from "../../lib/model/transformer.ts";
import { rollout } from "../../lib/rollout/rollout.ts";
import type { Tokenizer } from "../../lib/text/tokenizer.ts";
import { eachDevice } from "../_devices.ts";
import { sharedPath } from "../_shared.ts";

const FOLDER = sharedPath("models/stories260K");
if (!FOLDER) console.warn("skipped: the stories260K model is not beside this checkout");

/**
 * Reads llama2.c's version-0 file: seven int32, then float32 tensors. Its rotary pairs are
 * neighbours (2i, 2i + 1); ours are halves apart (i, i + headDim / 2), so rows of the query and key
 * projections change places.
 */
function readStories(bytes: Uint8Array): Policy["weights"] {
  const view = new DataView(bytes.buffer);
  const [dim, hidden, layers, heads, kvHeads, vocab, context] = Array.from(
    { length: 7 },
    (_, i) => view.getInt32(4 * i, true),
  ) as [number, number, number, number, number, number, number];
  assertEquals([dim, hidden, layers, heads, kvHeads, vocab, context], [64, 172, 5, 8, 4, 512, 512]);
  const headDim = dim / heads;
  let at = 28;
  const next = (...shape: number[]): NamedTensor => {
    const size = shape.reduce((product, side) => product * side, 1);
    const values = new Float32Array(bytes.buffer.slice(at, at += 4 * size));
    return { shape, values };
  };
  const halves = ({ shape, values }: NamedTensor): NamedTensor => {
    const [out, width] = shape as [number, number];
    const moved = new Float32Array(values.length);
    for (let row = 0; row < out; row++) {
      const [head, i] = [Math.floor(row / headDim), row % headDim];
      const target = head * headDim + (i % 2) * headDim / 2 + Math.floor(i / 2);
      moved.set(values.subarray(row * width, (row + 1) * width), target * width);
    }
    return { shape, values: moved };
  };
  const tensors: Record<string, NamedTensor> = { "model.embed_tokens.weight": next(vocab, dim) };
  const perLayer = (name: string, shape: number[], change = (x: NamedTensor) => x) => {
    for (let layer = 0; layer < layers; layer++) {
      tensors[`model.layers.${layer}.${name}.weight`] = change(next(...shape));
    }
  };
  perLayer("input_layernorm", [dim]);
  perLayer("self_attn.q_proj", [dim, dim], halves);
  perLayer("self_attn.k_proj", [kvHeads * headDim, dim], halves);
  perLayer("self_attn.v_proj", [kvHeads * headDim, dim]);
  perLayer("self_attn.o_proj", [dim, dim]);
  perLayer("post_attention_layernorm", [dim]);
  perLayer("mlp.gate_proj", [hidden, dim]);
  perLayer("mlp.down_proj", [dim, hidden]);
  perLayer("mlp.up_proj", [hidden, dim]);
  tensors["model.norm.weight"] = next(dim);
  return variablesOf(tensors, weightShapes(CONFIG), "stories260K");
}

const CONFIG = modelConfig({
  vocab_size: 512,
  hidden_size: 64,
  intermediate_size: 172,
  num_hidden_layers: 5,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
});

/** Token 1 for any prompt, and llama2.c's pieces for the answer. */
function storiesTokenizer(bytes: Uint8Array): Tokenizer {
  const view = new DataView(bytes.buffer);
  const pieces: string[] = [];
  for (let at = 4; at < bytes.length;) { // a score and a length before each piece
    const length = view.getInt32(at + 4, true);
    pieces.push(new TextDecoder().decode(bytes.subarray(at + 8, at + 8 + length)));
    at += 8 + length;
  }
  const bytePiece = (piece: string) => {
    const hex = /^<0x([0-9A-F]{2})>$/.exec(piece)?.[1];
    return hex ? String.fromCharCode(parseInt(hex, 16)) : piece;
  };
  return {
    vocabSize: 512,
    eosTokenId: 2, // never sampled in these 200 tokens
    stopTokenIds: [2],
    padTokenId: 0,
    encode: () => [1],
    encodePrompt: () => [1],
    decode: (ids) => ids.map((id) => bytePiece(pieces[id]!)).join("").replace(/^ /, ""),
    files: () => ({}),
  };
}

if (FOLDER) {
  const [model, vocabulary, expected] = await Promise.all(
    ["stories260K.bin", "tok512.bin", "expected_greedy_200.txt"].map((name) =>
      Deno.readFile(`${FOLDER}/${name}`)
    ),
  );
  eachDevice("forward() reproduces stories260K's greedy text byte for byte", async () => {
    const tokenizer = storiesTokenizer(vocabulary!);
    const policy: Policy = { config: CONFIG, tokenizer, weights: readStories(model!) };
    const question = { id: "story", prompt: "once", answer: "" };
    const [{ completions }] = await rollout(policy, [question], {
      groupSize: 1,
      maxNewTokens: 200,
      temperature: 0,
      topP: 1,
      topK: 0,
      random: () => [0, 0],
    }) as [Awaited<ReturnType<typeof rollout>>[number]];
    disposePolicy(policy);
    assertEquals(completions[0]!.text, new TextDecoder().decode(expected));
  });
}
