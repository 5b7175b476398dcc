// deno-lint-ignore-file no-console -- a skipped oracle is told
/**
 * Folders against transformers: what is saved here loads there, and the other way round.
 */
import { assertEquals } from "@std/assert";
import { type ModelConfig, modelConfig } from "../../../lib/model/config.ts";
import { loadPolicy, type SaveOptions, savePolicy } from "../../../lib/model/io/policy_folder.ts";
import { disposePolicy, type Policy } from "../../../lib/model/policy.ts";
import { initialWeights } from "../../../lib/model/transformer.ts";
import { charTokenizer } from "../../../lib/text/char_tokenizer.ts";
import { assertClose, eachDevice, TINY, wave } from "../../_devices.ts";
import * as tf from "@tensorflow/tfjs";
import { PYTHON, pythonModel, pythonScores } from "./_python.ts";
import { greedyIds, logitsOf } from "./_reading.ts";

if (!PYTHON) console.warn("skipped: RELIFT_PYTHON names no Python with transformers");

const TOKENIZER = charTokenizer("0123456789+=");
const VOCAB = TOKENIZER.vocabSize;
const SMALL = { ...TINY, vocab_size: VOCAB, rope_theta: 100 };
const PROMPTS = [[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9], [2], [7, 1, 8, 2, 8]];
const TOKENS = 64;

const MODELS: readonly { name: string; config: ModelConfig; options?: SaveOptions }[] = [
  {
    name: "a Llama with Llama 3's rotation and all biases",
    config: modelConfig({
      ...SMALL,
      model_type: "llama",
      attention_bias: true,
      mlp_bias: true,
      rope_scaling: {
        rope_type: "llama3",
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 16,
      },
    }),
  },
  {
    name: "a Qwen2 with tied embeddings and yarn, in BF16 and shards",
    config: modelConfig({
      ...SMALL,
      model_type: "qwen2",
      tie_word_embeddings: true,
      bos_token_id: 0,
      rope_scaling: { rope_type: "yarn", factor: 4, original_max_position_embeddings: 32 },
    }),
    options: { format: "BF16", shardBytes: 4000 },
  },
  {
    name: "a Qwen3 with heads of their own width and a linear stretch, in F16",
    config: modelConfig({
      ...SMALL,
      model_type: "qwen3",
      head_dim: 8,
      rope_scaling: { rope_type: "linear", factor: 2 },
    }),
    options: { format: "F16" },
  },
];

/** Registers a test with a folder, where there is a Python; reading is tested on one device. */
function folderTest(name: string, body: (folder: string) => Promise<void>): void {
  if (!PYTHON) return;
  eachDevice(name, async () => {
    const parent = await Deno.makeTempDir();
    await body(`${parent}/policy`).finally(() => Deno.remove(parent, { recursive: true }));
  }, { devices: ["wasm"] });
}

/** Fails unless transformers computes with a folder what we do with a policy. */
async function assertSame(folder: string, policy: Policy): Promise<void> {
  const { problems, ends, answers } = await pythonScores(folder, PROMPTS, TOKENS);
  assertEquals(problems, []);
  assertEquals([ends].flat(), [...policy.tokenizer.stopTokenIds]);
  const greedy = await greedyIds(policy, PROMPTS, TOKENS);
  for (const [i, prompt] of PROMPTS.entries()) {
    const logits = await logitsOf(policy, prompt);
    assertClose(logits.slice(-VOCAB), answers[i]!.logits, 1e-4);
    assertClose([logits.reduce((sum, x) => sum + Math.abs(x), 0)], [answers[i]!.all], 1e-4);
    assertEquals(greedy[i], answers[i]!.greedy);
  }
}

/** Random weights of which none is 0 or 1 throughout, as biases and gains are at first. */
function randomPolicy(config: ModelConfig): Policy {
  const weights = initialWeights(config, 1);
  for (const weight of Object.values(weights)) {
    if (weight.rank === 1) tf.tidy(() => weight.assign(tf.add(weight, wave(weight.shape, 1, 0.3))));
  }
  return { config, tokenizer: TOKENIZER, weights };
}

for (const { name, config, options } of MODELS) {
  folderTest(`savePolicy() writes what transformers reads, for ${name}`, async (folder) => {
    const policy = randomPolicy(config);
    await savePolicy(policy, folder, {}, options);
    disposePolicy(policy);
    const loaded = await loadPolicy(folder); // rounded as it was saved
    await assertSame(folder, loaded);
    disposePolicy(loaded);
  });
}

const SIZES = { ...SMALL, rope_theta: undefined };
const MADE = [
  {
    name: "a Llama in float32 with Llama 3's rotation",
    kind: "llama",
    config: {
      ...SIZES,
      rope_parameters: {
        rope_type: "llama3",
        rope_theta: 100,
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 16,
      },
    },
    dtype: "float32",
    shard: "5GB",
  },
  {
    name: "a Qwen2 in bfloat16 and shards",
    kind: "qwen2",
    config: { ...SIZES, rope_parameters: { rope_type: "default", rope_theta: 1000 } },
    dtype: "bfloat16",
    shard: "4KB",
  },
  {
    name: "a Qwen3 in float16 with tied embeddings",
    kind: "qwen3",
    config: {
      ...SIZES,
      head_dim: 8,
      tie_word_embeddings: true,
      rope_parameters: {
        rope_type: "yarn",
        rope_theta: 100,
        factor: 4,
        original_max_position_embeddings: 32,
      },
    },
    dtype: "float16",
    shard: "5GB",
  },
] as const;

for (const { name, ...model } of MADE) {
  folderTest(`loadPolicy() reads what transformers writes, for ${name}`, async (folder) => {
    const config = { ...model.config, eos_token_id: TOKENIZER.eosTokenId };
    await pythonModel(folder, { ...model, config });
    for (const [file, text] of Object.entries(TOKENIZER.files())) {
      await Deno.writeTextFile(`${folder}/${file}`, text);
    }
    const policy = await loadPolicy(folder);
    await assertSame(folder, policy);
    disposePolicy(policy);
  });
}
