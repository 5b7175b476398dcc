import { assertEquals } from "@std/assert";
import { readQuestions } from "../../lib/data/files.ts";
import { openParquet } from "../../lib/data/parquet.ts";
import { binaryReward, questionsOf } from "../../lib/data/question.ts";
import { openRuns } from "../../lib/runs/read_runs.ts";
import { samplesToParquet } from "../../lib/runs/samples_parquet.ts";

Deno.test("samplesToParquet() writes what a run kept; what it does not know is null", async () => {
  const runs = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${runs}/relift-1`);
    const sample = {
      step: 4,
      question: "7",
      prompt: "2+2=",
      answer: "4",
      completion: "2+2=5#5",
      tokens: 8,
      finishReason: "stop",
      reward: 0,
      correct: false,
      parts: { format: 1, correct: 0 },
    };
    const { tokens: _, correct: __, ...older } = { ...sample, step: 5, completion: "2+2=4#4" };
    await Deno.writeTextFile(
      `${runs}/relift-1/samples.jsonl`,
      `${JSON.stringify(sample)}\n${JSON.stringify(older)}\n`,
    );
    const { samples } = await openRuns(runs).samples("relift-1");
    const path = `${runs}/samples.parquet`;
    await samplesToParquet("relift-1", samples, path);

    const rows = await Array.fromAsync((await openParquet(path)).rows(), ({ fields }) => fields);
    assertEquals(rows[0], {
      data_source: "relift-1",
      prompt: [{ content: "2+2=", role: "user" }],
      target: [{ content: "2+2=5#5", role: "assistant" }],
      ability: "math",
      reward_model: { ground_truth: "4", style: "rule" },
      extra_info: { index: 0, split: "samples" },
      step: 4,
      question: "7",
      tokens: 8,
      finish_reason: "stop",
      reward: 0,
      correct: false,
      parts: '{"format":1,"correct":0}',
    });
    const { step, tokens, correct } = rows[1] as Record<string, unknown>;
    assertEquals([step, tokens, correct], [5, null, null]);

    const [first] = questionsOf(await readQuestions(path, () => binaryReward(false)));
    assertEquals([first?.id, first?.demonstration], ["relift-1/0", "2+2=5#5"]);
    assertEquals([first?.metadata?.reward, first?.metadata?.correct], ["0", "false"]);
  } finally {
    await Deno.remove(runs, { recursive: true });
  }
});
