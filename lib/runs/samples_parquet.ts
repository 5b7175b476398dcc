/**
 * The completions that were kept of a run, for tools that read Parquet.
 *
 * @module
 */
import { paperColumns } from "../data/paper_layout.ts";
import { writeParquet } from "../data/parquet.ts";
import type { RunSample } from "./read_runs.ts";

/**
 * Writes samples of a run in the paper's layout, the completion as the `target`, so that whatever
 * reads questions reads them as demonstrations. Further columns say where each came from and what
 * it earned: `step`, `question` (its id), `tokens`, `finish_reason`, `reward`, `correct` and `parts`
 * (as JSON).
 *
 * @param run The run's name, which becomes `data_source`.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { openParquet } from "../data/parquet.ts";
 * import { samplesToParquet } from "./samples_parquet.ts";
 *
 * const path = await Deno.makeTempFile({ suffix: ".parquet" });
 * await samplesToParquet("relift-1", [{
 *   step: 3, question: "7", prompt: "2+2=", answer: "4", completion: "2+2=4#4", tokens: 8,
 *   finishReason: "stop", reward: 1, parts: { correct: 1 }, right: true,
 * }], path);
 * const [row] = await Array.fromAsync((await openParquet(path)).rows());
 * const { target, step, correct } = row!.fields as Record<string, unknown>;
 * assertEquals(target, [{ content: "2+2=4#4", role: "assistant" }]);
 * assertEquals([step, correct], [3, true]);
 * await Deno.remove(path);
 * ```
 */
export async function samplesToParquet(
  run: string,
  samples: readonly RunSample[],
  path: string,
): Promise<void> {
  const rows = samples.map(({ prompt, answer, completion }, index) => ({
    source: run,
    prompt,
    target: completion,
    ability: "math",
    answer,
    style: "rule",
    index,
    split: "samples",
  }));
  await writeParquet(path, [
    ...paperColumns(rows),
    { name: "step", type: "whole", values: samples.map(({ step }) => step) },
    { name: "question", type: "text", values: samples.map(({ question }) => question) },
    { name: "tokens", type: "whole", values: samples.map(({ tokens }) => tokens) },
    { name: "finish_reason", type: "text", values: samples.map((sample) => sample.finishReason) },
    { name: "reward", type: "number", values: samples.map(({ reward }) => reward) },
    { name: "correct", type: "boolean", values: samples.map(({ right }) => right) },
    { name: "parts", type: "text", values: samples.map(({ parts }) => JSON.stringify(parts)) },
  ]);
}
