/**
 * The question sets that a name on the command line can stand for.
 *
 * @module
 */
import { normalizedText } from "../lib/data/duplicates.ts";
import { listed, readQuestions } from "../lib/data/files.ts";
import { type Dataset, questionsOf, type Split } from "../lib/data/question.ts";
import {
  checkDataset,
  type CheckedDataset,
  type CheckOptions,
} from "../lib/grading/check_dataset.ts";
import { gradedReward } from "../lib/grading/graded_reward.ts";
import { addition } from "./addition.ts";
import { countdown } from "./countdown.ts";
import { multiplication } from "./multiplication.ts";
import { operators, operatorsChecked } from "./operators.ts";
import {
  PUBLISHED_DATASETS,
  type PublishedDataset,
  publishedDataset,
  type PublishedFile,
} from "./published.ts";

/** Built-in families by name; each makes any split. */
export const DATASETS = {
  operators,
  "operators-checked": operatorsChecked,
  countdown,
  addition,
  multiplication,
} as const;

/** The name of a built-in family. */
export type DatasetName = keyof typeof DATASETS;

/** Questions that a training set is judged on when it is large: enough for a standard error of 2 %. */
const VALIDATION_SIZE = 240;

/** Where published sets lie, each in a folder of its name. */
const DOWNLOADS = "downloads/data";

/** How a question set is opened. */
export interface OpenOptions {
  /** The folder that published sets lie in; `downloads/data` unless given. */
  readonly downloads?: string;
}

/**
 * Opens a question set by its name or as a file of one's own.
 *
 * A built-in family has its strict verifier. A published set and a file are graded by
 * {@linkcode gradedReward}. A file has no splits: every split of it is the file itself.
 *
 * @param nameOrFile `operators`, ..., `gsm8k`, ... or a path that ends in `.csv`, `.jsonl`,
 * `.ndjson`, `.json` or `.parquet`.
 * @throws {RangeError} When it is neither a name nor a readable file, a published set has no such
 * split, or its file is not there: the error says how it is fetched.
 */
export async function openDataset(
  nameOrFile: string,
  split: Split = "train",
  options: OpenOptions = {},
): Promise<Dataset> {
  if (Object.hasOwn(DATASETS, nameOrFile)) {
    const make = DATASETS[nameOrFile as DatasetName];
    return split === "train" ? make({ split }) : make({ split, size: VALIDATION_SIZE });
  }
  const published = publishedDataset(nameOrFile);
  if (published) return await openPublished(published, split, options.downloads ?? DOWNLOADS);
  if (!/[./\\]/.test(nameOrFile)) {
    const names = [...Object.keys(DATASETS), ...PUBLISHED_DATASETS.map(({ name }) => name)];
    throw new RangeError(
      `Cannot open a dataset as its name must be ${names.join(", ")} or a file: ` +
        `current value is ${nameOrFile}`,
    );
  }
  return await readQuestions(nameOrFile, gradedReward);
}

/**
 * Opens a question set and checks what was not made here: every answer and every demonstration is
 * graded, see {@linkcode checkDataset}. A built-in family is right by construction.
 *
 * @throws {RangeError} As {@linkcode openDataset}, and when no question is left.
 */
export async function openCheckedDataset(
  nameOrFile: string,
  split: Split = "train",
  options: OpenOptions & CheckOptions = {},
): Promise<CheckedDataset> {
  const dataset = await openDataset(nameOrFile, split, options);
  return Object.hasOwn(DATASETS, nameOrFile)
    ? { dataset, dropped: [], report: [] }
    : await checkDataset(dataset, options);
}

async function openPublished(
  set: PublishedDataset,
  split: Split,
  downloads: string,
): Promise<Dataset> {
  const elsewhere = set.elsewhere?.[split];
  if (elsewhere !== undefined) {
    return await openPublished(publishedDataset(elsewhere)!, "validation", downloads);
  }
  const file = set.files.find((each) => each.split === split);
  if (!file) {
    const splits = [...set.files.map((each) => each.split), ...Object.keys(set.elsewhere ?? {})];
    throw new RangeError(
      `Cannot open ${set.name} as its split must be ${
        splits.join(" or ")
      }: current value is ${split}`,
    );
  }
  const path = `${downloads}/${set.name}/${file.path}`;
  await checkThere(set, file, path);
  const all = await readQuestions(path, gradedReward, { schema: set.schema });
  return only(all, `${set.name}-${split}`, set.only);
}

async function checkThere(
  { name, source }: PublishedDataset,
  file: PublishedFile,
  path: string,
): Promise<void> {
  try {
    await Deno.stat(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new RangeError(
      `Cannot open ${name} as ${path} must be there: current value is no file; ` +
        `deno task fetch data ${name} brings it, or place ${
          file.hub?.path ?? new URL(file.url!).pathname.split("/").slice(4).join("/")
        } of ${source} there`,
      { cause },
    );
  }
}

/** All questions under another name; with a `source`, those of it alone, each once. */
function only(dataset: Dataset, name: string, source?: string): Dataset {
  const seen = new Set<string>();
  const questions = questionsOf(dataset).filter(({ prompt, metadata }) => {
    if (source === undefined) return true;
    const text = normalizedText(prompt);
    return metadata?.data_source === source && !seen.has(text) && seen.add(text);
  });
  return listed(name, questions, dataset.reward);
}
