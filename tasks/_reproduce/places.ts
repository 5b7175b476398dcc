/**
 * Where a study keeps what.
 *
 * @module
 */
import { type CellPlan, type CellQuestions, datasetFingerprint, openDataset } from "../../mod.ts";

/** Finished cells, a folder for each grid: small, to be committed. */
export const RESULTS = "results";

/** Runs of cells with their checkpoints, a folder for each grid; can be removed at any time. */
export const RUNS = "runs/study";

/** What base policies did, shared by all studies. */
export const BASE = "runs/base";

/** Folder of a cell's result. */
export function resultOf({ grid, name }: CellPlan): string {
  return `${RESULTS}/${grid}/${name}`;
}

/** Folder of a cell's run; its log and lock have the same name and end in `.log` and `.lock`. */
export function runOf({ grid, name }: CellPlan): string {
  return `${RUNS}/${grid}/${name}`;
}

/** Opens the questions of a cell. A file has one part, which cannot be outside the distribution. */
export async function openQuestions(dataset: string): Promise<CellQuestions> {
  const [train, validation, ood] = await Promise.all(
    (["train", "validation", "ood"] as const).map((split) => openDataset(dataset, split)),
  ) as [CellQuestions["train"], CellQuestions["validation"], CellQuestions["train"]];
  const isOther = datasetFingerprint(ood) !== datasetFingerprint(train);
  return { train, validation, ood: isOther ? ood : undefined };
}
