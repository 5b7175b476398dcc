import { assert, assertEquals, assertMatch } from "@std/assert";
import { PROTOCOLS } from "../../datasets/protocols.ts";
import { PUBLISHED_DATASETS, publishedDataset } from "../../datasets/published.ts";
import { SCHEMAS } from "../../lib/data/schemas.ts";
import { sharedPath, testWith } from "../_shared.ts";

Deno.test("PUBLISHED_DATASETS have names of their own, and every other set they name", () => {
  const names = PUBLISHED_DATASETS.map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
  for (const { name, elsewhere = {}, files } of PUBLISHED_DATASETS) {
    for (const other of Object.values(elsewhere)) {
      const splits = publishedDataset(other)?.files.map(({ split }) => split);
      assert(splits?.includes("validation"), `${name} names ${other}`);
    }
    assertEquals(new Set(files.map(({ split }) => split)).size, files.length);
    assertEquals(files.filter(({ split }) => elsewhere[split] !== undefined), []);
  }
});

Deno.test("PUBLISHED_DATASETS say where each file is, in one way", () => {
  for (const { name, files, source, schema } of PUBLISHED_DATASETS) {
    assert(schema in SCHEMAS, name);
    for (const { url, hub, path, rows, sha256 } of files) {
      assert((url === undefined) !== (hub === undefined), name);
      assertMatch(path, /^[\w-]+\.(jsonl|json|csv|parquet)$/);
      assert(Number.isInteger(rows) && rows > 0);
      if (sha256 !== undefined) assertMatch(sha256, /^[0-9a-f]{64}$/);
      const [repository, commit] = source.split("@") as [string, string];
      if (url) assert(url.startsWith(`https://raw.githubusercontent.com/${repository}/${commit}/`));
      if (hub) assertEquals([hub.repo, hub.revision], [repository, commit]);
    }
  }
});

Deno.test("PROTOCOLS are the paper's: 32 samples of the small sets, temperature 0.6, 8,192 tokens", () => {
  assertEquals(PROTOCOLS.map(({ dataset, samples }) => [dataset, samples]), [
    ["aime24", 32],
    ["aime25", 32],
    ["amc", 32],
    ["math-500", 8],
    ["olympiadbench", 8],
    ["mmlu-pro", 1],
  ]);
  for (const { dataset, temperature, maxNewTokens } of PROTOCOLS) {
    assert(publishedDataset(dataset));
    assertEquals([temperature, maxNewTokens], [0.6, 8192]);
  }
});

/** Where published files lie among the shared ones. */
const COPIES: Readonly<Record<string, readonly string[]>> = {
  gsm8k: ["gsm8k_train.jsonl", "gsm8k_test.jsonl"],
  "math-500": ["math500.jsonl"],
  aime24: ["aime24.jsonl"],
  amc23: ["amc23.jsonl"],
  minerva: ["minerva_math.jsonl"],
  olympiadbench: ["olympiadbench.jsonl"],
  "aime-1983-2023": ["aime_1983_2023.json"],
  "relift-valid": ["relift_valid.parquet"],
};

for (const [name, files] of Object.entries(COPIES)) {
  for (const [i, file] of files.entries()) {
    testWith(
      `${name} has the size and hash of ${file}`,
      { copy: sharedPath(`data/${file}`) },
      async ({ copy }) => {
        const bytes = await Deno.readFile(copy);
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
        const listed = publishedDataset(name)?.files[i];
        assertEquals([listed?.bytes, listed?.sha256], [bytes.length, digest.toHex()]);
      },
    );
  }
}
