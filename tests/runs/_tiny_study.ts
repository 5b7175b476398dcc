/**
 * A study whose cells take a second: a policy of one layer, eight questions, a few steps.
 *
 * @module
 */
import { binaryReward, type Dataset } from "../../lib/data/question.ts";
import { datasetFingerprint } from "../../lib/evaluation/evaluate.ts";
import { relift } from "../../lib/methods/relift.ts";
import { modelConfig } from "../../lib/model/config.ts";
import { policyFingerprint, savePolicy } from "../../lib/model/io/policy_folder.ts";
import { createPolicy, disposePolicy } from "../../lib/model/policy.ts";
import type { CellPlan, Grid, GridEntry } from "../../lib/runs/grid.ts";
import { cellsOf, planCell } from "../../lib/runs/grid.ts";
import { openPolicy } from "../../lib/runs/run.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";

const LETTERS = "abcd";

/** Eight questions of a split: an untrained policy answers half of them at times, the rest never. */
export function tinyQuestions(split: string): Dataset {
  return {
    name: `tiny-${split}`,
    size: 8,
    question: (index) => {
      const answer = `${LETTERS[index % 4]}${index % 2 === 0 ? "" : "ab"}`;
      const prompt = `${LETTERS[index % 4]}${split[0]}${LETTERS[Math.floor(index / 4)]}=`;
      return { id: `${split}${index}`, prompt, answer, demonstration: answer };
    },
    reward: ({ answer }, completion) =>
      binaryReward(completion === answer || answer.length === 1 && completion.startsWith(answer)),
  };
}

/** Saves a policy that knows nothing yet. */
export async function saveTinyPolicy(folder: string, seed = 1): Promise<void> {
  const tokenizer = charTokenizer("abcdtvo=#"); // t, v, o: the splits' first letters
  const shape = modelConfig({
    vocab_size: tokenizer.vocabSize,
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
  });
  const policy = createPolicy(shape, tokenizer, seed);
  await savePolicy(policy, folder);
  disposePolicy(policy);
}

/** ReLIFT in five steps, with its buffer and both of its optimizers in use. */
export function tinyEntry(policy: string, overrides: Partial<GridEntry> = {}): GridEntry {
  const config = {
    ...relift.config,
    steps: 5,
    groupSize: 4,
    questionsPerStep: 4,
    maxNewTokens: 4,
    learningRate: { peak: 0.01, warmupSteps: 1, shape: "constant" as const },
    bufferSize: 3,
  };
  return {
    id: "relift",
    title: "ReLIFT",
    family: "main",
    dataset: "tiny",
    policy,
    settings: { method: "relift", config },
    seeds: [1, 2],
    ...overrides,
  };
}

/** A grid of some entries. */
export function tinyGrid(entries: readonly GridEntry[]): Grid {
  return { name: "tiny", evaluation: { every: 2, samples: 3, finalSamples: 4 }, entries };
}

/** The plan of the first cell of a grid. */
export async function tinyPlan(grid: Grid): Promise<CellPlan> {
  const cell = cellsOf(grid)[0]!;
  const policy = await openPolicy(cell.entry.policy!);
  const fingerprints = {
    datasetFingerprint: datasetFingerprint(tinyQuestions("train")),
    policyFingerprint: await policyFingerprint(policy),
  };
  disposePolicy(policy);
  return planCell(grid, cell, fingerprints);
}
