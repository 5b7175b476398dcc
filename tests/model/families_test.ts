/**
 * The families of published models against transformers: every feature of a family at once.
 */
import * as tf from "@tensorflow/tfjs";
import { packedSequences } from "../../lib/compute/ops/attention.ts";
import { tokenLogProbs } from "../../lib/compute/ops/token_log_probs.ts";
import { modelConfig } from "../../lib/model/config.ts";
import { disposeCache, kvCache, readNext, readPrompts } from "../../lib/model/kv_cache.ts";
import { forward, logits, type Model, outputMatrix } from "../../lib/model/transformer.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { assertClose, eachDevice, take, TINY, wave } from "../_devices.ts";
import { waveWeights } from "./_wave_weights.ts";

const SMALL = { ...TINY, vocab_size: 11, rope_theta: 100 };
const TOKENS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8];
const NEXT = [...TOKENS.slice(1), 9];

// deno-fmt-ignore
const GOLDEN = [
  {
    name: "Llama with Llama 3's rotation and all biases",
    config: modelConfig({
      ...SMALL, model_type: "llama", attention_bias: true, mlp_bias: true,
      rope_scaling: {
        rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4,
        original_max_position_embeddings: 16,
      },
    }),
    logits: [
      0.34583, -0.1078, -0.24313, 0.33942, -0.08021, -0.26301, 0.33076, -0.05209, -0.28114, 0.31991,
      -0.02362,
    ],
    slopes: [
      -0.00276, 0.00609, 0.2605, -0.02235, -0.01767, -0.02997, -0.00468, -0.13469, 0.09498, -0.49993,
      0.00095, 0.00088, -0.00079, 0.09126, 0.00435, -0.01772, -0.45189, 0.00791, 0.01487, -0.00775,
      0.00966, -0.00933, -0.21079, 0.01362, -0.08252, -0.27306, 0.00064, -0.02918, 0.00838, 0.01264,
      -0.01031, -0.00354, -0.28159, -0.02443, 0.71146,
    ],
  },
  {
    name: "Qwen2 with tied embeddings and yarn",
    config: modelConfig({
      ...SMALL, model_type: "qwen2", tie_word_embeddings: true,
      rope_scaling: { rope_type: "yarn", factor: 4, original_max_position_embeddings: 32 },
    }),
    logits: [
      -0.46863, -0.39532, 0.84522, -0.40987, -0.45476, 0.8431, -0.3484, -0.5112, 0.83539, -0.28462,
      -0.56424,
    ],
    slopes: [
      1.82121, -0.01059, -0.5522, -7e-05, -0.24955, -0.09739, 0.05363, 0.35613, -0.31608, 0.01298,
      0.20918, -0.06694, -0.2245, -0.04664, 0.04618, 0.05666, -0.02248, -0.02909, 0.48729, -0.3784,
      0.10822, 0.0053, 0.02144, 0.0549, 0.04235, 0.12427,
    ],
  },
  {
    name: "Qwen3 with norms of heads, heads of their own width and a linear stretch",
    config: modelConfig({
      ...SMALL, model_type: "qwen3", tie_word_embeddings: true, head_dim: 8,
      rope_scaling: { rope_type: "linear", factor: 2 },
    }),
    logits: [
      -0.50595, -0.23925, 0.73387, -0.45986, -0.29579, 0.74164, -0.41072, -0.35037, 0.7445, -0.35886,
      -0.40263,
    ],
    slopes: [
      1.6646, -0.02413, 0.44304, -0.09842, -0.14727, 0.37096, 0.0584, 0.04829, 0.00625, -0.04099,
      -0.1161, 0.02286, 0.00436, 0.0534, -0.0662, 0.30715, 0.23387, -0.01452, -0.0055, 0.00099,
      0.02151, 0.00905, 0.01383, 0.06459,
    ],
  },
];

/** Hidden states of the tokens. */
function read(model: Model): tf.Tensor2D {
  return forward(model, tf.tensor1d(TOKENS, "int32"), packedSequences([TOKENS.length]));
}

for (const { name, config, ...golden } of GOLDEN) {
  eachDevice(`forward() agrees with transformers, for ${name}`, async () => {
    const model = { config, weights: waveWeights(config) };
    const values = await take(tf.tidy(() => logits(model, read(model))));
    assertClose(values.slice(-11), golden.logits, 2e-5);
    tf.dispose(model.weights);
  });

  eachDevice(`forward() has transformers' gradient by every weight, for ${name}`, async () => {
    const model = { config, weights: waveWeights(config) };
    const variables = Object.values(model.weights);
    const slopes = await take(tf.tidy(() => {
      const { grads } = tf.variableGrads(() => {
        const targets = tf.tensor1d(NEXT, "int32");
        return tf.neg(tf.mean(tokenLogProbs(read(model), outputMatrix(model), targets).logProbs));
      }, variables);
      return tf.stack(variables.map((variable) => {
        return tf.sum(tf.mul(grads[variable.name]!, wave(variable.shape)));
      }));
    }));
    assertClose(slopes, golden.slopes, 2e-5);
    tf.dispose(model.weights);
  });

  eachDevice(`readNext() goes on as one pass does, for ${name}`, async () => {
    const tokenizer = charTokenizer("012345678"); // and two special tokens
    const model = { config, tokenizer, weights: waveWeights(config) };
    const cache = kvCache(model, {
      promptSlots: 1,
      promptCapacity: 11,
      completionSlots: 1,
      completionCapacity: 2,
    });
    tf.dispose(readPrompts(model, cache, [TOKENS.slice(0, 11)], [0]));
    const scores = tf.tidy(() => {
      const rows = tf.tensor2d([[0], [0], [11], [0]], [4, 1], "int32");
      const [token, position] = [[8], [11]].map((value) => tf.tensor1d(value, "int32"));
      return readNext(model, cache, token!, rows, position!, 0);
    });
    assertClose(await take(scores), golden.logits, 2e-5);
    disposeCache(cache);
    tf.dispose(model.weights);
  });
}

/*
 * What the golden numbers come from, transformers 5.23.0 and PyTorch 2.15.0 in double precision:
 *
 * import math, torch, transformers
 * torch.set_default_dtype(torch.float64)
 *
 * def wave(shape, phase=0.0, scale=1.0):
 *     return scale * torch.sin(1 + phase + 1.7 * torch.arange(math.prod(shape))).view(shape)
 *
 * TINY = dict(vocab_size=11, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
 *             num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-6, attn_implementation="eager")
 * ORDER = ["input_layernorm", "q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm",
 *          "post_attention_layernorm", "gate_proj", "up_proj", "down_proj"]
 *
 * def place(name):  # embeddings, layers in the order above, the last norm, a head of its own
 *     part = name.split(".")
 *     if "layers" not in part:
 *         return (["embed_tokens", "norm", "lm_head"].index(part[-2]) * 1000,)
 *     return (1 + int(part[2]), ORDER.index(part[-2]), part[-1] == "bias")
 *
 * def golden(kind, **changes):
 *     model = transformers.AutoModelForCausalLM.from_config(
 *         transformers.AutoConfig.for_model(kind, **TINY, **changes)).double()
 *     weights = sorted(model.named_parameters(), key=lambda pair: place(pair[0]))
 *     with torch.no_grad():
 *         for index, (name, weight) in enumerate(weights):
 *             weight.copy_(wave(weight.shape, index, 0.3) + (1 if name.endswith("norm.weight") else 0))
 *     logits = model(torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]])).logits[0]
 *     targets = torch.tensor([1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9])
 *     torch.nn.functional.cross_entropy(logits, targets).backward()
 *     print([round(x, 5) for x in logits[-1].tolist()])
 *     print([round((wave(w.shape) * w.grad).sum().item(), 5) for _, w in weights])
 *
 * golden("llama", attention_bias=True, mlp_bias=True, tie_word_embeddings=False, rope_parameters=dict(
 *     rope_type="llama3", rope_theta=100.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
 *     original_max_position_embeddings=16))
 * golden("qwen2", tie_word_embeddings=True, rope_parameters=dict(
 *     rope_type="yarn", rope_theta=100.0, factor=4.0, original_max_position_embeddings=32))
 * golden("qwen3", tie_word_embeddings=True, head_dim=8, rope_parameters=dict(
 *     rope_type="linear", rope_theta=100.0, factor=2.0))
 */
