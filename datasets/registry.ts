/**
 * The question sets that a name on the command line can stand for.
 *
 * @module
 */
import { readQuestions } from "../lib/data/files.ts";
import type { Dataset, Split } from "../lib/data/question.ts";
import { addition } from "./addition.ts";
import { countdown } from "./countdown.ts";
import { multiplication } from "./multiplication.ts";
import { operators, operatorsChecked } from "./operators.ts";

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

/**
 * Opens a question set by its built-in name or as a file of one's own.
 *
 * A file has no splits: every split of it is the file itself.
 *
 * @param nameOrFile `operators`, ... or a path that ends in `.csv` or `.jsonl`.
 * @throws {RangeError} When it is neither a name nor a readable file.
 */
export async function openDataset(nameOrFile: string, split: Split = "train"): Promise<Dataset> {
  if (nameOrFile in DATASETS) {
    const make = DATASETS[nameOrFile as DatasetName];
    return split === "train" ? make({ split }) : make({ split, size: VALIDATION_SIZE });
  }
  if (!/[./\\]/.test(nameOrFile)) {
    throw new RangeError(
      `Cannot open a dataset as its name must be ${Object.keys(DATASETS).join(", ")} or a file: ` +
        `current value is ${nameOrFile}`,
    );
  }
  return await readQuestions(nameOrFile);
}
