import { assert, assertEquals, assertRejects } from "@std/assert";
import { modelConfig } from "../../../lib/model/config.ts";
import { loadPolicy, policyFingerprint, savePolicy } from "../../../lib/model/io/policy_folder.ts";
import { createPolicy, disposePolicy, type Policy } from "../../../lib/model/policy.ts";
import { charTokenizer } from "../../../lib/text/char_tokenizer.ts";
import { eachDevice, TINY } from "../../_devices.ts";

const TOKENIZER = charTokenizer("0123456789+=");
const CONFIG = modelConfig({ ...TINY, vocab_size: TOKENIZER.vocabSize });

/** Registers a test with a policy saved as shards of at most 8,000 bytes. */
function shardTest(
  name: string,
  body: (folder: string, policy: Policy) => Promise<void>,
): void {
  eachDevice(name, async () => {
    const parent = await Deno.makeTempDir();
    const policy = createPolicy(CONFIG, TOKENIZER, 1);
    try {
      await savePolicy(policy, `${parent}/policy`, {}, { shardBytes: 8000 });
      await body(`${parent}/policy`, policy);
    } finally {
      disposePolicy(policy);
      await Deno.remove(parent, { recursive: true });
    }
  }, { devices: ["cpu"] });
}

const weightFiles = (folder: string) =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => /safetensors/.test(name))
    .sort();

shardTest("savePolicy() divides weights beyond a size, and lists where each is", async (
  folder,
  policy,
) => {
  // 16 × 14 + 2 × (2 × 16 + 16 × (16 + 8 + 8 + 16) + 3 × 16 × 24) + 16 = 4,144 numbers
  const files = ["00001", "00002", "00003"].map((i) => `model-${i}-of-00003.safetensors`);
  assertEquals(weightFiles(folder), [...files, "model.safetensors.index.json"]);
  const index = JSON.parse(await Deno.readTextFile(`${folder}/model.safetensors.index.json`));
  assertEquals(index.metadata, { total_size: 4 * 4144 });
  assertEquals(Object.keys(index.weight_map), Object.keys(policy.weights));
  assertEquals([...new Set(Object.values(index.weight_map))], files);
  for (const file of files) assert((await Deno.stat(`${folder}/${file}`)).size < 8000 + 2000);
});

shardTest("loadPolicy() reads shards as it reads one file", async (folder, policy) => {
  const loaded = await loadPolicy(folder);
  assertEquals(await policyFingerprint(loaded), await policyFingerprint(policy));
  disposePolicy(loaded);
});

shardTest("savePolicy() over shards leaves none of them", async (folder, policy) => {
  await savePolicy(policy, folder);
  assertEquals(weightFiles(folder), ["model.safetensors"]);
});

shardTest("loadPolicy() names the shard that is missing or garbled", async (folder) => {
  const path = `${folder}/model-00002-of-00003.safetensors`;
  await Deno.truncate(path, 3000);
  await assertRejects(() => loadPolicy(folder), SyntaxError, path);
  await Deno.remove(path);
  await assertRejects(() => loadPolicy(folder), Deno.errors.NotFound, path);
});

shardTest("loadPolicy() rejects an index that does not describe its files", async (folder) => {
  const path = `${folder}/model.safetensors.index.json`;
  const index = JSON.parse(await Deno.readTextFile(path));
  const first = "model-00001-of-00003.safetensors";
  for (
    const weight_map of [
      { ...index.weight_map, "model.norm.weight": first }, // it is in the last
      { ...index.weight_map, "model.norm.weight": "../model.safetensors" },
      { ...index.weight_map, "model.norm.weight": undefined },
      undefined,
    ]
  ) {
    await Deno.writeTextFile(path, JSON.stringify({ ...index, weight_map }));
    await assertRejects(() => loadPolicy(folder), TypeError, "model.safetensors.index.json");
  }
  await Deno.writeTextFile(path, "{");
  await assertRejects(() => loadPolicy(folder), SyntaxError, path);
});
