import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { modelConfig } from "../../lib/model/config.ts";
import { loadPolicy, policyFingerprint, savePolicy } from "../../lib/model/io/policy_folder.ts";
import { decodeSafetensors, encodeSafetensors } from "../../lib/model/io/safetensors.ts";
import type { NamedTensor } from "../../lib/model/io/tensors.ts";
import {
  createPolicy,
  disposePolicy,
  parameterCount,
  type Policy,
} from "../../lib/model/policy.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { eachDevice, TINY } from "../_devices.ts";

const TOKENIZER = charTokenizer("0123456789+=");
const CONFIG = modelConfig({ ...TINY, vocab_size: TOKENIZER.vocabSize });

/** Registers a test with a saved policy in a folder of its own. */
function folderTest(
  name: string,
  body: (folder: string, policy: Policy) => Promise<void>,
  devices = ["cpu"],
): void {
  eachDevice(name, async () => {
    const parent = await Deno.makeTempDir();
    const policy = createPolicy(CONFIG, TOKENIZER, 1);
    try {
      await savePolicy(policy, `${parent}/policy`);
      await body(`${parent}/policy`, policy);
    } finally {
      disposePolicy(policy);
      await Deno.remove(parent, { recursive: true });
    }
  }, { devices });
}

/** The bits of every weight, by name. */
async function bits({ weights }: Policy): Promise<Record<string, Uint32Array>> {
  const entries = Object.entries(weights).map(async ([name, weight]) =>
    [name, new Uint32Array((await weight.data()).slice().buffer)] as const
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** Every file of a folder, by name. */
async function contents(folder: string): Promise<Record<string, Uint8Array>> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  const entries = names.map(async (name) =>
    [name, await Deno.readFile(`${folder}/${name}`)] as const
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** Changes fields of a JSON file; a field set to undefined is left out. */
async function edit(path: string, fields: Record<string, unknown>): Promise<void> {
  const value = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, JSON.stringify({ ...value, ...fields }));
}

/** Fails unless the error is one line that names `where`. */
function assertOneLine(error: Error, where: string): void {
  assert(error.message.includes(where), `"${error.message}" does not name ${where}`);
  assert(!error.message.includes("\n"), `"${error.message}" is more than one line`);
}

/** Fails unless loading the folder fails with one line that names one of its files. */
async function assertLoadFails(
  folder: string,
  type: new (message?: string) => Error,
  file: string,
  ...parts: string[]
): Promise<void> {
  const error = await assertRejects(() => loadPolicy(folder), type);
  assertOneLine(error, `${folder}/${file}`);
  for (const part of parts) assertOneLine(error, part);
}

folderTest("loadPolicy() gives back every bit and the config that were saved", async (
  folder,
  policy,
) => {
  const loaded = await loadPolicy(folder);
  assertEquals(loaded.config, policy.config);
  assertEquals(Object.keys(loaded.weights), Object.keys(policy.weights));
  assertEquals(await bits(loaded), await bits(policy));
  assertEquals(loaded.tokenizer.encode("1+2="), policy.tokenizer.encode("1+2="));
  assertEquals(parameterCount(loaded), parameterCount(policy));
  disposePolicy(loaded);
}, ["cpu", "wasm", "webgpu"]);

folderTest(
  "savePolicy() writes the same files for a policy that it wrote before",
  async (folder) => {
    const loaded = await loadPolicy(folder);
    await savePolicy(loaded, `${folder}-again`);
    assertEquals(await contents(`${folder}-again`), await contents(folder));
    disposePolicy(loaded);
  },
);

folderTest("savePolicy() keeps values that are negative zero, tiny, huge or not numbers", async (
  folder,
  policy,
) => {
  const gain = policy.weights["model.norm.weight"]!;
  const odd = [-0, 1e-45, -1e-40, 3.4028235e38, Infinity, -Infinity, NaN, 1 / 3];
  tf.tidy(() => gain.assign(tf.tensor1d([...odd, ...odd])));
  await savePolicy(policy, folder);
  const loaded = await loadPolicy(folder);
  assertEquals(await bits(loaded), await bits(policy));
  disposePolicy(loaded);
});

eachDevice("savePolicy() keeps a head of its own and Qwen2's biases", async () => {
  const config = modelConfig({ ...TINY, model_type: "qwen2", vocab_size: TOKENIZER.vocabSize });
  assertEquals([config.attention_bias, config.tie_word_embeddings], [true, false]);
  const parent = await Deno.makeTempDir();
  const policy = createPolicy(config, TOKENIZER, 1);
  await savePolicy(policy, `${parent}/policy`, { "README.md": "a card" });
  const loaded = await loadPolicy(`${parent}/policy`);
  assertEquals(loaded.config, config);
  assertEquals(await bits(loaded), await bits(policy));
  assertEquals(await Deno.readTextFile(`${parent}/policy/README.md`), "a card");
  disposePolicy(policy), disposePolicy(loaded);
  await Deno.remove(parent, { recursive: true });
}, { devices: ["cpu"] });

folderTest("savePolicy() describes the policy as Hugging Face does", async (folder) => {
  const config = JSON.parse(await Deno.readTextFile(`${folder}/config.json`));
  assertEquals(config, {
    architectures: ["LlamaForCausalLM"],
    ...CONFIG,
    torch_dtype: "float32",
    eos_token_id: 12,
    pad_token_id: 13,
  });
});

folderTest("savePolicy() says in config.json in which numbers it wrote", async (folder, policy) => {
  for (const [format, torch_dtype] of [["BF16", "bfloat16"], ["F16", "float16"]] as const) {
    await savePolicy(policy, folder, {}, { format });
    const config = JSON.parse(await Deno.readTextFile(`${folder}/config.json`));
    assertEquals(config.torch_dtype, torch_dtype);
    const loaded = await loadPolicy(folder);
    assertEquals(loaded.config, policy.config);
    for (const [name, weight] of Object.entries(loaded.weights)) {
      const [rounded, own] = [await weight.data(), await policy.weights[name]!.data()];
      const close = rounded.every((x, i) => Math.abs(x - own[i]!) <= Math.abs(own[i]!) / 256);
      assert(close, `${name} is not what was saved as ${format}`);
    }
    disposePolicy(loaded);
  }
});

folderTest("savePolicy() tells what ends a completion, one or several", async (folder, policy) => {
  const written = async (name: string) => JSON.parse(await Deno.readTextFile(`${folder}/${name}`));
  assertEquals(await written("generation_config.json"), { eos_token_id: 12, pad_token_id: 13 });
  const tokenizer = { ...policy.tokenizer, stopTokenIds: [12, 3] };
  const config = { ...policy.config, bos_token_id: 5 };
  await savePolicy({ ...policy, config, tokenizer }, folder);
  const tokens = { bos_token_id: 5, eos_token_id: [12, 3], pad_token_id: 13 };
  assertEquals(await written("generation_config.json"), tokens);
  const { bos_token_id, eos_token_id, pad_token_id } = await written("config.json");
  assertEquals({ bos_token_id, eos_token_id, pad_token_id }, tokens);
});

folderTest("savePolicy() keeps how a published model is sampled", async (folder, policy) => {
  const published = { eos_token_id: 12, top_p: 0.8, repetition_penalty: 1.05 };
  const files = () => ({
    ...policy.tokenizer.files(),
    "generation_config.json": JSON.stringify(published),
  });
  const tokenizer = { ...policy.tokenizer, stopTokenIds: [12, 3], files }; // 3 ends a turn
  await savePolicy({ ...policy, tokenizer }, folder);
  const written = JSON.parse(await Deno.readTextFile(`${folder}/generation_config.json`));
  assertEquals(written, { ...published, eos_token_id: [12, 3], pad_token_id: 13 });
});

folderTest("savePolicy() leaves the old folder unchanged when a file cannot be written", async (
  folder,
  policy,
) => {
  const before = await contents(folder);
  tf.tidy(() => policy.weights["model.norm.weight"]!.assign(tf.zeros([16])));
  await assertRejects(() => savePolicy(policy, folder, { "no/such/folder.md": "" }));
  assertEquals(await contents(folder), before);
  assertEquals([...Deno.readDirSync(`${folder}/..`)].map(({ name }) => name), ["policy"]);
});

folderTest("savePolicy() leaves the old folder unchanged when a weight cannot be read", async (
  folder,
  policy,
) => {
  const before = await contents(folder);
  const gone = tf.tidy(() => tf.variable(tf.zeros([16])));
  gone.dispose();
  const broken = { ...policy, weights: { ...policy.weights, "model.norm.weight": gone } };
  await assertRejects(() => savePolicy(broken, folder));
  assertEquals(await contents(folder), before);
  assertEquals([...Deno.readDirSync(`${folder}/..`)].map(({ name }) => name), ["policy"]);
});

folderTest("loadPolicy() names the file that is missing", async (folder) => {
  for (const file of ["config.json", "tokenizer.json", "model.safetensors"]) {
    await Deno.rename(`${folder}/${file}`, `${folder}/away`);
    await assertLoadFails(folder, Deno.errors.NotFound, file);
    await Deno.rename(`${folder}/away`, `${folder}/${file}`);
  }
  await assertLoadFails(`${folder}/nowhere`, Deno.errors.NotFound, "config.json");
});

folderTest("loadPolicy() rejects each file when it is cut off", async (folder) => {
  for (const file of ["config.json", "tokenizer.json", "model.safetensors"]) {
    const whole = await Deno.readFile(`${folder}/${file}`);
    for (const kept of [0, 1, 7, 8, 9, Math.floor(whole.length / 2), whole.length - 2]) {
      await Deno.writeFile(`${folder}/${file}`, whole.subarray(0, kept));
      await assertLoadFails(folder, SyntaxError, file);
    }
    await Deno.writeFile(`${folder}/${file}`, whole);
  }
  disposePolicy(await loadPolicy(folder)); // whole again, it loads
});

folderTest("decodeSafetensors() rejects a file cut off anywhere", async (folder) => {
  const whole = await Deno.readFile(`${folder}/model.safetensors`);
  const header = 8 + Number(new DataView(whole.buffer).getBigUint64(0, true));
  for (let kept = 0; kept < whole.length; kept += kept < header ? 1 : 97) {
    const error = assertThrows(
      () => decodeSafetensors(whole.subarray(0, kept), "here.safetensors"),
      SyntaxError,
    );
    assertOneLine(error, "here.safetensors");
  }
  assertThrows(() => decodeSafetensors(whole.subarray(0, -1), "here"), SyntaxError);
});

/** A safetensors file with this header and eight bytes of data. */
function safetensors(header: string): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

Deno.test("decodeSafetensors() rejects headers that do not describe the file", () => {
  const entry = (fields: object) =>
    JSON.stringify({ a: { dtype: "F32", shape: [2], data_offsets: [0, 8], ...fields } });
  assertEquals(decodeSafetensors(safetensors(entry({})), "x").a!.shape, [2]); // this one is right
  for (
    const header of [
      "",
      "{",
      "null",
      "[]",
      `"a"`,
      `{"a":null}`,
      `{"a":[]}`,
      entry({}).slice(0, -1),
      entry({ dtype: undefined }),
      entry({ dtype: 7 }),
      entry({ shape: undefined }),
      entry({ shape: [3] }), // needs 12 bytes
      entry({ shape: [1] }),
      entry({ shape: [-2] }),
      entry({ shape: [0.5, 4] }),
      entry({ shape: ["2"] }),
      entry({ data_offsets: undefined }),
      entry({ data_offsets: [0] }),
      entry({ data_offsets: [8, 0] }),
      entry({ data_offsets: [-8, 0] }),
      entry({ data_offsets: [4, 12] }), // ends after the file
      entry({ data_offsets: [2 ** 40, 2 ** 40 + 8] }),
    ]
  ) {
    const error = assertThrows(
      () => decodeSafetensors(safetensors(header), "here.safetensors"),
      SyntaxError,
    );
    assertOneLine(error, "here.safetensors");
  }
});

Deno.test("decodeSafetensors() rejects a tensor described by texts alone, as metadata are", () => {
  const bytes = safetensors(`{"a":{"dtype":"F32","shape":"2","data_offsets":"08"}}`);
  const error = assertThrows(() => decodeSafetensors(bytes, "here.safetensors"), SyntaxError);
  assertOneLine(error, "here.safetensors");
});

Deno.test("decodeSafetensors() rejects a header length that no file can have", () => {
  for (const length of [2n ** 64n - 1n, 2n ** 63n, 2n ** 53n, 9n]) {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    assertOneLine(assertThrows(() => decodeSafetensors(bytes, "here"), SyntaxError), "here");
  }
});

Deno.test("decodeSafetensors() rejects numbers that are no floats and names the tensor", () => {
  for (const dtype of ["F64", "F8_E4M3", "I64", "f32", "toString"]) {
    const entry = { dtype, shape: [2], data_offsets: [0, 8] };
    const bytes = safetensors(JSON.stringify({ "a.weight": entry }));
    const error = assertThrows(() => decodeSafetensors(bytes, "here"), TypeError, dtype);
    assertOneLine(error, "a.weight");
  }
});

Deno.test("encodeSafetensors() lays a tensor out byte by byte", () => {
  const header = `{"__metadata__":{},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`;
  assertEquals(header.length, 72); // a multiple of 8 as it is: no spaces follow
  const expected = new Uint8Array(8 + 72 + 8);
  expected[0] = 72;
  expected.set(new TextEncoder().encode(header), 8);
  expected.set([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0], 80); // 1 and -2, little-endian
  const values = new Float32Array([9, 1, -2]).subarray(1); // a window into a larger buffer
  assertEquals(encodeSafetensors({ a: { shape: [2], values } }, {}), expected);
});

Deno.test("encodeSafetensors() starts the data at a multiple of 8 bytes, whatever the names", () => {
  for (const name of ["a", "ab", "abc", "é", "重み", "gewichte.0"]) {
    const tensors = { [name]: { shape: [1], values: new Float32Array([0.5]) } };
    const bytes = encodeSafetensors(tensors, { note: name });
    assertEquals(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8, 0);
    assertEquals(decodeSafetensors(bytes, "here"), tensors);
  }
});

Deno.test("encodeSafetensors() and back keeps shapes without sides and without elements", () => {
  const tensors = {
    none: { shape: [0, 3], values: new Float32Array(0) },
    scalar: { shape: [], values: new Float32Array([7]) },
  };
  assertEquals(decodeSafetensors(encodeSafetensors(tensors), "here"), tensors);
});

/** Rewrites the weights of a saved policy. */
async function editTensors(
  folder: string,
  change: (tensors: Record<string, NamedTensor>) => Record<string, NamedTensor>,
): Promise<void> {
  const path = `${folder}/model.safetensors`;
  const tensors = change(decodeSafetensors(await Deno.readFile(path), path));
  await Deno.writeFile(path, encodeSafetensors(tensors));
}

folderTest("loadPolicy() rejects a tensor of another shape, also of as many elements", async (
  folder,
) => {
  const name = "model.layers.1.mlp.down_proj.weight";
  await editTensors(folder, (tensors) => ({
    ...tensors,
    [name]: { ...tensors[name]!, shape: [24, 16] },
  }));
  await assertLoadFails(folder, TypeError, "model.safetensors", name, "[16,24]", "[24,16]");
});

folderTest("loadPolicy() rejects a file that lacks a tensor", async (folder) => {
  await editTensors(folder, ({ "model.norm.weight": _, ...rest }) => rest);
  await assertLoadFails(folder, TypeError, "model.safetensors", "model.norm.weight", "missing");
});

folderTest("loadPolicy() rejects a file with a tensor too many", async (folder) => {
  const extra = { shape: [1], values: new Float32Array(1) };
  await editTensors(folder, (tensors) => ({ ...tensors, "lm_head.weight": extra }));
  await assertLoadFails(folder, TypeError, "model.safetensors", "lm_head.weight");
});

folderTest("loadPolicy() leaves out what old checkpoints keep twice", async (folder, policy) => {
  const buffer = { shape: [2], values: new Float32Array(2) };
  await editTensors(folder, (tensors) => ({
    ...tensors,
    "lm_head.weight": tensors["model.embed_tokens.weight"]!,
    "model.layers.1.self_attn.rotary_emb.inv_freq": buffer,
  }));
  const loaded = await loadPolicy(folder);
  assertEquals(await bits(loaded), await bits(policy));
  disposePolicy(loaded);
});

folderTest("loadPolicy() rejects a head that is not the embeddings where they are tied", async (
  folder,
) => {
  await editTensors(folder, (tensors) => {
    const { shape, values } = tensors["model.embed_tokens.weight"]!;
    const head = { shape, values: values.with(7, 0.5) };
    return { ...tensors, "lm_head.weight": head };
  });
  await assertLoadFails(folder, TypeError, "model.safetensors", "lm_head.weight", "tie_word");
});

folderTest("loadPolicy() changes the base of the rotation and the context where asked", async (
  folder,
  policy,
) => {
  const loaded = await loadPolicy(folder, { ropeTheta: 40_000, contextLength: 16_384 });
  assertEquals(loaded.config, {
    ...policy.config,
    rope_theta: 40_000,
    max_position_embeddings: 16_384,
  });
  disposePolicy(loaded);
  for (
    const [options, part] of [
      [{ ropeTheta: 0 }, "ropeTheta must be > 0: current value is 0"],
      [{ ropeTheta: NaN }, "ropeTheta"],
      [{ contextLength: 1.5 }, "contextLength must be a whole number > 0: current value is 1.5"],
      [{ contextLength: 0 }, "contextLength"],
    ] as const
  ) {
    await assertRejects(() => loadPolicy(folder, options), RangeError, part);
  }
});

folderTest("loadPolicy() rejects settings it does not support and names them", async (folder) => {
  const path = `${folder}/config.json`;
  const whole = await Deno.readTextFile(path);
  for (
    const [field, bad] of [
      ["model_type", "mamba"],
      ["vocab_size", "14"],
      ["vocab_size", undefined],
      ["hidden_size", 0],
      ["hidden_size", undefined],
      ["intermediate_size", -24],
      ["num_hidden_layers", 1.5],
      ["num_attention_heads", null],
      ["num_key_value_heads", 3], // does not divide 4
      ["head_dim", 3], // odd: dimensions cannot be paired
      ["rms_norm_eps", 0],
      ["rope_theta", -1],
      ["rope_scaling", { rope_type: "llama3", factor: 8 }],
      ["hidden_act", "gelu"],
      ["tie_word_embeddings", "yes"],
    ] as const
  ) {
    await edit(path, { [field]: bad });
    await assertLoadFails(folder, TypeError, "config.json", field);
    await Deno.writeTextFile(path, whole);
  }
  for (const text of ["null", "[]", "7", `"config"`, "{}"]) {
    await Deno.writeTextFile(path, text);
    await assertLoadFails(folder, TypeError, "config.json");
  }
});

folderTest("loadPolicy() rejects a vocabulary smaller than the tokenizer's", async (folder) => {
  await edit(`${folder}/config.json`, { vocab_size: 13 });
  const error = await assertRejects(() => loadPolicy(folder), TypeError, "vocab_size");
  assertOneLine(error, folder);
});

folderTest("loadPolicy() rejects weights for another vocabulary", async (folder) => {
  await edit(`${folder}/config.json`, { vocab_size: 16 });
  await assertLoadFails(folder, TypeError, "model.safetensors", "model.embed_tokens.weight");
});

folderTest("loadPolicy() rejects a tokenizer it cannot read", async (folder) => {
  await Deno.writeTextFile(`${folder}/tokenizer.json`, `{"model":{"type":"BPE","vocab":{}}}`);
  await assertLoadFails(folder, TypeError, "tokenizer.json");
});

folderTest("loadPolicy() leaves no tensors when it fails", async (folder) => {
  const before = tf.memory().numTensors;
  await Deno.truncate(`${folder}/model.safetensors`, 5000);
  await assertRejects(() => loadPolicy(folder), SyntaxError);
  assertEquals(tf.memory().numTensors, before);
});

folderTest("policyFingerprint() changes with a single weight and not by saving", async (
  folder,
  policy,
) => {
  const fingerprint = await policyFingerprint(policy);
  assert(/^[0-9a-f]{12}$/.test(fingerprint));
  const loaded = await loadPolicy(folder);
  assertEquals(await policyFingerprint(loaded), fingerprint);
  const gain = loaded.weights["model.norm.weight"]!;
  tf.tidy(() => gain.assign(tf.add(gain, tf.oneHot(tf.scalar(3, "int32"), 16).mul(1e-6))));
  assertNotEquals(await policyFingerprint(loaded), fingerprint);
  disposePolicy(loaded);
});

Deno.test("createPolicy() rejects a vocabulary that is not the tokenizer's", () => {
  const config = modelConfig({ ...CONFIG, vocab_size: 15 });
  assertThrows(() => createPolicy(config, TOKENIZER, 1), RangeError, "current value is 15");
});

Deno.test("modelConfig() completes what Hugging Face's files may leave out", () => {
  const given = { model_type: "qwen2", vocab_size: 9, ...TINY, num_key_value_heads: undefined };
  const { num_key_value_heads: _, ...rest } = given;
  const config = modelConfig(rest);
  assertEquals(config.num_key_value_heads, 4); // as many as attention heads
  assertEquals(config.head_dim, 4); // 16 / 4
  assertEquals([config.attention_bias, config.tie_word_embeddings], [true, false]);
});
