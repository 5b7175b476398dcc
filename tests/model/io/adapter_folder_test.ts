// deno-lint-ignore-file no-console -- a skipped oracle is told
import { assertEquals, assertRejects } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import type { Adapter } from "../../../lib/model/adapter.ts";
import { modelConfig } from "../../../lib/model/config.ts";
import { saveAdapter } from "../../../lib/model/io/adapter_folder.ts";
import { loadPolicy, savePolicy } from "../../../lib/model/io/policy_folder.ts";
import { adapterShapes, LORA_TARGETS, withAdapter } from "../../../lib/model/lora.ts";
import { createPolicy, disposePolicy, type Policy } from "../../../lib/model/policy.ts";
import { charTokenizer } from "../../../lib/text/char_tokenizer.ts";
import { assertClose, eachDevice, TINY, wave } from "../../_devices.ts";
import { PYTHON, pythonAdapter, pythonScores } from "./_python.ts";
import { greedyIds, logitsOf } from "./_reading.ts";

if (!PYTHON) console.warn("skipped: RELIFT_PYTHON names no Python with transformers and peft");

const TOKENIZER = charTokenizer("0123456789+=");
const CONFIG = modelConfig({ ...TINY, model_type: "qwen2", vocab_size: TOKENIZER.vocabSize });
const PROMPTS = [[3, 1, 4, 1, 5, 9, 2, 6, 5], [2]];

/** An adapter that has learned something. */
function adapterFor(base: string, targets: readonly string[]): Adapter {
  const config = { r: 3, lora_alpha: 6, target_modules: targets };
  const entries = Object.entries(adapterShapes(CONFIG, config)).map(([name, shape], i) => [
    name,
    tf.tidy(() => tf.variable(wave(shape, i, 0.2))),
  ]);
  return { config, base, weights: Object.fromEntries(entries) };
}

/** Runs a test with a policy saved in `base` and an adapter for it in `adapter`. */
async function withFolders(
  targets: readonly string[],
  body: (folders: { root: string; base: string; adapter: string }, policy: Policy) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  const folders = { root, base: `${root}/base`, adapter: `${root}/adapter` };
  const policy = createPolicy(CONFIG, TOKENIZER, 1);
  await savePolicy(policy, folders.base);
  const adapted = withAdapter(policy, adapterFor(folders.base, targets));
  await saveAdapter(adapted.adapter!, folders.adapter);
  try {
    await body(folders, adapted);
  } finally {
    disposePolicy(adapted);
    await Deno.remove(root, { recursive: true });
  }
}

eachDevice(
  "loadPolicy() loads an adapter with the policy it was made for",
  () =>
    withFolders(["q_proj", "o_proj", "up_proj"], async ({ base, adapter }, policy) => {
      const loaded = await loadPolicy(adapter);
      assertEquals(loaded.adapter!.config, policy.adapter!.config);
      assertEquals(loaded.adapter!.base, base);
      assertEquals(Object.values(loaded.weights).some(({ trainable }) => trainable), false);
      for (const prompt of PROMPTS) {
        assertClose(await logitsOf(loaded, prompt), await logitsOf(policy, prompt), 0);
      }
      disposePolicy(loaded);
    }),
  { devices: ["cpu", "wasm"] },
);

eachDevice(
  "savePolicy() merges an adapter into the weights",
  () =>
    withFolders(LORA_TARGETS, async ({ root }, policy) => {
      await savePolicy(policy, `${root}/merged`);
      const merged = await loadPolicy(`${root}/merged`);
      assertEquals(merged.adapter, undefined);
      for (const prompt of PROMPTS) {
        assertClose(await logitsOf(merged, prompt), await logitsOf(policy, prompt), 1e-5);
      }
      disposePolicy(merged);
    }),
  { devices: ["cpu", "wasm"] },
);

eachDevice(
  "loadPolicy() reads what PEFT writes where an adapter is for all linear layers",
  () =>
    withFolders(LORA_TARGETS, async ({ adapter }, policy) => {
      const path = `${adapter}/adapter_config.json`;
      const written = JSON.parse(await Deno.readTextFile(path));
      const layers = ["model.layers.0.self_attn.", "layers.1.mlp."]; // a path for each of them
      const paths = layers.flatMap((layer) => LORA_TARGETS.map((name) => layer + name));
      for (const target_modules of ["all-linear", paths]) {
        await Deno.writeTextFile(path, JSON.stringify({ ...written, target_modules }));
        const loaded = await loadPolicy(adapter);
        assertEquals(loaded.adapter!.config, policy.adapter!.config);
        disposePolicy(loaded);
      }
    }),
  { devices: ["cpu"] },
);

eachDevice(
  "loadPolicy() tells what is wrong with an adapter's folder",
  () =>
    withFolders(["q_proj"], async ({ root, base, adapter }) => {
      const path = `${adapter}/adapter_config.json`;
      const written = JSON.parse(await Deno.readTextFile(path));
      const reject = async (
        changed: Record<string, unknown>,
        // deno-lint-ignore no-explicit-any -- as assertRejects has it
        kind: new (...args: any[]) => Error,
        message: string,
      ) => {
        await Deno.writeTextFile(path, JSON.stringify({ ...written, ...changed }));
        await assertRejects(() => loadPolicy(adapter), kind, message);
      };
      await reject(
        { use_rslora: true },
        TypeError,
        "use_rslora must be false: current value is true",
      );
      await reject({ rank_pattern: { q_proj: 2 } }, TypeError, "rank_pattern must be {}");
      await reject(
        { init_lora_weights: "pissa" },
        TypeError,
        `init_lora_weights must be true: current value is "pissa"`,
      );
      await reject({ alora_invocation_tokens: [1] }, TypeError, "alora_invocation_tokens must be");
      await reject({ target_modules: ".*_proj" }, TypeError, "target_modules is wrong");
      await reject({ target_modules: "all-linear" }, TypeError, "lora_A.weight must be [3,16]");
      await reject({ target_modules: ["lm_head"] }, RangeError, "current value is lm_head");
      await reject({ peft_type: "IA3" }, TypeError, "peft_type is wrong");
      await reject({ r: 4 }, TypeError, "q_proj.lora_A.weight must be [4,16]");
      await reject({ base_model_name_or_path: "owner/name" }, Deno.errors.NotFound, "owner/name");
      await reject({ base_model_name_or_path: adapter }, TypeError, "is an adapter itself");
      const elsewhere = await loadPolicy(adapter, { base });
      disposePolicy(elsewhere);
      await Deno.remove(`${root}/adapter/adapter_model.safetensors`);
      await assertRejects(
        () => loadPolicy(adapter, { base }),
        Deno.errors.NotFound,
        "no such file",
      );
    }),
  { devices: ["cpu"] },
);

if (PYTHON) {
  eachDevice(
    "saveAdapter() writes what PEFT loads",
    () =>
      withFolders(LORA_TARGETS, async ({ adapter }, policy) => {
        const { problems, answers } = await pythonScores(adapter, PROMPTS, 32);
        assertEquals(problems, []);
        for (const [i, prompt] of PROMPTS.entries()) {
          const logits = await logitsOf(policy, prompt);
          assertClose(logits.slice(-CONFIG.vocab_size), answers[i]!.logits, 1e-4);
        }
        assertEquals(
          await greedyIds(policy, PROMPTS, 32),
          answers.map(({ greedy }) => greedy),
        );
      }),
    { devices: ["wasm"] },
  );

  eachDevice(
    "loadPolicy() loads what PEFT saved",
    () =>
      withFolders(["q_proj"], async ({ root, base }) => {
        const made = `${root}/peft`;
        for (const targets of [["k_proj", "v_proj", "down_proj"], "all-linear"]) {
          await pythonAdapter(made, { base, r: 4, alpha: 6, targets });
          const { answers } = await pythonScores(made, PROMPTS, 32);
          const policy = await loadPolicy(made);
          for (const [i, prompt] of PROMPTS.entries()) {
            const logits = await logitsOf(policy, prompt);
            assertClose(logits.slice(-CONFIG.vocab_size), answers[i]!.logits, 1e-4);
          }
          disposePolicy(policy);
        }
      }),
    { devices: ["wasm"] },
  );
}
