// deno-lint-ignore-file no-console -- a skipped oracle is told
/**
 * The oracle of published models: SmolLM2-135M-Instruct as its GGUF file has it (Q4_1), against
 * transformers on the same numbers.
 */
import { assert, assertEquals } from "@std/assert";
import type { Policy } from "../../../lib/model/policy.ts";
import { loadPolicy, policyFingerprint, savePolicy } from "../../../lib/model/io/policy_folder.ts";
import { disposePolicy, parameterCount } from "../../../lib/model/policy.ts";
import { eachDevice } from "../../_devices.ts";
import { modelPath } from "../../_shared.ts";
import { PYTHON, pythonScores } from "./_python.ts";
import { greedyIds, logitsOf } from "./_reading.ts";

const PATH = modelPath("smollm2-135m-instruct");
if (!PATH) console.warn("skipped: the model smollm2-135m-instruct has not been fetched");

/*
 * What the golden values come from, transformers 5.23.0, PyTorch 2.15.0, gguf 0.19.0:
 *
 * model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32).eval()
 * ids = tokenizer.apply_chat_template([{"role": "user", "content": question}],
 *                                     add_generation_prompt=True)
 * logits = model(torch.tensor([ids])).logits[0, -1]  # of these, the first six
 * for _ in range(64):  # the likeliest id, again and again, with the cache of keys and values
 */
// deno-fmt-ignore
const GOLDEN = [
  {
    question: "What is 12 times 7?",
    asked: [1780, 314, 216, 33, 34, 1711, 216, 39, 47],
    logits: [17.1275, 16.4402, 19.0126, 14.0843, 13.1618, 14.4727],
    sum: 729264.61,
    greedy: [
      33, 34, 1711, 216, 39, 314, 253, 8170, 1732, 338, 3445, 17385, 284, 7573, 30, 533, 6530, 28,
      645, 346, 457, 253, 17385, 282, 216, 33, 34, 411, 2581, 365, 33, 34, 643, 346, 416, 1510, 282,
      357, 347, 26147, 216, 33, 34, 411, 2581, 28, 527, 314, 216, 33, 34, 30, 1644, 28, 216, 33, 34,
      1711, 216, 39, 314, 216, 39, 34,
    ],
  },
  {
    question: "Name three colours of the rainbow.",
    asked: [5820, 1296, 14797, 282, 260, 24594, 30],
    logits: [14.6567, 17.7234, 19.4151, 14.439, 13.6451, 14.1516],
    sum: 551858.98,
    greedy: [
      504, 24594, 314, 253, 3953, 6968, 28, 564, 357, 506, 441, 915, 563, 260, 4683, 282, 260,
      24594, 30, 1385, 359, 2390, 1296, 3003, 14797, 42, 2382, 28, 4461, 28, 284, 5724, 30, 1216,
      1296, 14797, 359, 260, 5706, 282, 260, 24594, 506, 26619, 28, 284, 502, 2316, 597, 260, 1296,
      3003, 14797, 804, 281, 260, 4599, 282, 260, 24594, 30, 2, 198, 2,
    ],
  },
  {
    question: "Write one sentence about the sea.",
    asked: [19161, 582, 6330, 563, 260, 3426, 30],
    logits: [13.7485, 14.7999, 15.4073, 13.1023, 12.3837, 11.8054],
    sum: 498722.55,
    greedy: [
      504, 3426, 314, 253, 4749, 284, 11965, 7815, 28, 30055, 351, 1029, 284, 551, 1719, 281, 624,
      1038, 970, 28, 253, 21651, 288, 260, 551, 1719, 6122, 282, 260, 6128, 30, 2, 198, 2, 1, 9690,
      198, 2, 198, 1, 4093, 198, 57, 5248, 3946, 288, 7198, 253, 725, 1406, 28, 253, 5069, 1478,
      3292, 817, 30, 339, 3543, 2221, 2452, 253, 15575, 284,
    ],
  },
];

// The chat template's own system message, and its frame around the question
// deno-fmt-ignore
const BEFORE = [
  1, 9690, 198, 2683, 359, 253, 5356, 5646, 11173, 3365, 3511, 308, 34519, 28, 7018, 411, 407,
  19712, 8182, 2, 198, 1, 4093, 198,
];
const AFTER = [2, 198, 1, 520, 9531, 198];
const PROMPTS = GOLDEN.map(({ asked }) => [...BEFORE, ...asked, ...AFTER]);

/** Registers a test with the policy, where it is here. */
function smolTest(name: string, device: string, body: (policy: Policy) => Promise<void>): void {
  if (!PATH) return;
  eachDevice(name, async () => {
    const policy = await loadPolicy(PATH);
    await body(policy).finally(() => disposePolicy(policy));
  }, { devices: [device] });
}

smolTest("loadPolicy() reads SmolLM2's GGUF file as transformers does", "wasm", async (policy) => {
  assertEquals(parameterCount(policy), 134_515_008);
  assertEquals(GOLDEN.map(({ question }) => policy.tokenizer.encodePrompt(question)), PROMPTS);
  for (const [i, { logits, sum }] of GOLDEN.entries()) {
    const last = (await logitsOf(policy, PROMPTS[i]!)).slice(-policy.config.vocab_size);
    const gap = Math.max(...logits.map((golden, id) => Math.abs(golden - last[id]!)));
    assert(gap < 1e-3, `logits differ by ${gap}`);
    const own = last.reduce((sum, x) => sum + Math.abs(x), 0);
    assert(Math.abs(own / sum - 1) < 1e-5, `logits sum to ${own}, not ${sum}`);
  }
  assertEquals(await greedyIds(policy, PROMPTS, 64), GOLDEN.map(({ greedy }) => greedy));
});

if (PYTHON) {
  smolTest("savePolicy() writes a SmolLM2 that transformers reads", "wasm", async (policy) => {
    const parent = await Deno.makeTempDir();
    try {
      await savePolicy(policy, `${parent}/policy`);
      const { problems, answers } = await pythonScores(`${parent}/policy`, PROMPTS, 64);
      assertEquals(problems, []);
      for (const [i, { logits, greedy }] of answers.entries()) {
        const last = (await logitsOf(policy, PROMPTS[i]!)).slice(-policy.config.vocab_size);
        assert(last.every((own, id) => Math.abs(own - logits[id]!) < 1e-3));
        assertEquals(greedy, GOLDEN[i]!.greedy);
      }
      const loaded = await loadPolicy(`${parent}/policy`);
      assertEquals(loaded.config, policy.config);
      assertEquals(loaded.tokenizer.encodePrompt("a  b?"), policy.tokenizer.encodePrompt("a  b?"));
      assertEquals(await policyFingerprint(loaded), await policyFingerprint(policy));
      disposePolicy(loaded);
    } finally {
      await Deno.remove(parent, { recursive: true });
    }
  });
}
