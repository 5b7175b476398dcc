import { assert, assertEquals } from "@std/assert";
import { parquetMetadata, type SchemaElement } from "hyparquet";
import { listed, readQuestions } from "../../lib/data/files.ts";
import { writeQuestionsParquet } from "../../lib/data/paper_layout.ts";
import { openParquet } from "../../lib/data/parquet.ts";
import { binaryReward, type Dataset, type Question, questionsOf } from "../../lib/data/question.ts";
import { sharedPath, testWith } from "../_shared.ts";

/** Runs `body` with the path of a file that is gone afterwards. */
async function withFile(body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".parquet" });
  try {
    await body(path);
  } finally {
    await Deno.remove(path);
  }
}

async function open(path: string): Promise<Dataset> {
  return await readQuestions(path, () => binaryReward(false));
}

function named(name: string, questions: readonly Question[]): Dataset {
  return listed(name, questions, () => binaryReward(false));
}

/** The types of a file's columns, depth first. */
async function schemaIn(path: string): Promise<SchemaElement[]> {
  return parquetMetadata((await Deno.readFile(path)).buffer).schema.slice(1); // less the root's name
}

Deno.test("writeQuestionsParquet() writes the paper's columns, the system message first", async () => {
  await withFile(async (path) => {
    const question = {
      id: "x",
      prompt: "1+1?",
      answer: "2",
      demonstration: "\\boxed{2}",
      metadata: { system: "Think.", data_source: "aime", index: "41", split: "train", level: "5" },
    };
    await writeQuestionsParquet(named("own", [question]), path);
    const [row] = await Array.fromAsync((await openParquet(path)).rows());
    assertEquals(row?.fields, {
      data_source: "aime",
      prompt: [{ content: "Think.", role: "system" }, { content: "1+1?", role: "user" }],
      target: [{ content: "\\boxed{2}", role: "assistant" }],
      ability: "math",
      reward_model: { ground_truth: "2", style: "rule" },
      extra_info: { index: 41, split: "train" },
    });
    assertEquals(Object.keys(row!.fields as object), [
      "data_source",
      "prompt",
      "target",
      "ability",
      "reward_model",
      "extra_info",
    ]);
  });
});

Deno.test("writeQuestionsParquet() leaves the target out when no question has one", async () => {
  await withFile(async (path) => {
    const bare = { id: "a", prompt: "p", answer: "1" };
    await writeQuestionsParquet(named("own", [bare]), path);
    assert(!(await openParquet(path)).header!.columns.includes("target"));

    await writeQuestionsParquet(named("own", [bare, { ...bare, demonstration: "d" }]), path);
    const back = questionsOf(await open(path));
    assertEquals(back.map(({ id, demonstration }) => [id, demonstration]), [
      ["own/0", undefined],
      ["own/1", "d"],
    ]);
  });
});

testWith("writeQuestionsParquet() writes the paper's file again: the same questions and types", {
  original: sharedPath("data/relift_valid.parquet"),
}, async ({ original }) => {
  await withFile(async (path) => {
    const dataset = await open(original);
    await writeQuestionsParquet(dataset, path);
    assertEquals(questionsOf(await open(path)), questionsOf(dataset));
    assertEquals(await schemaIn(path), await schemaIn(original));
  });
});
