/**
 * Checkpoints: a policy's folder with the rest of a run's state beside it.
 *
 * @module
 */
import { z } from "zod";
import { readBytes, readJsonAs, recoverFolder, writeFilesWhole } from "../files.ts";
import { loadPolicy, policyFiles, readTensors, variablesOf } from "../model/io/policy_folder.ts";
import { decodeSafetensors, encodeSafetensors } from "../model/io/safetensors.ts";
import { disposePolicy, type Policy } from "../model/policy.ts";
import { weightShapes } from "../model/transformer.ts";
import type { TrainingState } from "../methods/training.ts";

const count = z.number().int().nonnegative();

const stateSchema = z.object({
  step: count,
  drawn: count,
  budget: z.object({ rollouts: count, optimizerSteps: count, flops: z.number().nonnegative() }),
  sftEvents: count,
  hardest: z.array(z.object({ index: count, step: count })),
  taught: z.record(z.string().regex(/^\d+$/), count),
  /** Steps taken by each optimizer. */
  optimizers: z.record(count),
});

/**
 * Saves the policy and the state of a run, whole or not at all. The folder can be loaded as a
 * policy by itself.
 */
export async function saveCheckpoint(
  folder: string,
  policy: Policy,
  state: TrainingState,
): Promise<void> {
  const optimizers = Object.entries(state.optimizers);
  const moments = optimizers.flatMap(([name, { m, v }]) =>
    Object.entries({ m, v }).flatMap(([kind, tensors]) =>
      Object.entries(tensors).map(([weight, tensor]) => [`${name}.${kind}.${weight}`, tensor])
    )
  );
  const files: Record<string, string | Uint8Array> = {
    ...await policyFiles(policy),
    "optimizers.safetensors": encodeSafetensors(await readTensors(Object.fromEntries(moments))),
    "state.json": JSON.stringify({ // one order, so that equal states are equal files
      step: state.step,
      drawn: state.drawn,
      budget: state.budget,
      sftEvents: state.sftEvents,
      hardest: state.hardest,
      taught: state.taught,
      optimizers: Object.fromEntries(optimizers.map(([name, { step }]) => [name, step])),
    }) + "\n",
  };
  await writeFilesWhole(folder, files);
}

/**
 * Loads what {@linkcode saveCheckpoint} saved.
 *
 * @throws {Deno.errors.NotFound} When a file is missing.
 * @throws {SyntaxError} When a file is cut off or garbled.
 * @throws {TypeError} When its content does not fit.
 */
export async function loadCheckpoint(
  folder: string,
): Promise<{ policy: Policy; state: TrainingState }> {
  await recoverFolder(folder);
  const policy = await loadPolicy(folder);
  try {
    return { policy, state: await loadState(folder, weightShapes(policy.config)) };
  } catch (error) {
    disposePolicy(policy);
    throw error;
  }
}

/** Loads everything but the policy; puts the moments of optimizers on the device. */
async function loadState(
  folder: string,
  shapes: Readonly<Record<string, readonly number[]>>,
): Promise<TrainingState> {
  const saved = await readJsonAs(`${folder}/state.json`, stateSchema);
  const path = `${folder}/optimizers.safetensors`;
  const tensors = decodeSafetensors(await readBytes(path), path);
  const momentShapes = Object.fromEntries(
    Object.keys(saved.optimizers).flatMap((name) =>
      ["m", "v"].flatMap((kind) =>
        Object.entries(shapes).map(([weight, shape]) => [`${name}.${kind}.${weight}`, shape])
      )
    ),
  );
  const moments = variablesOf(tensors, momentShapes, path);
  const part = (prefix: string) =>
    Object.fromEntries(
      Object.keys(shapes).map((weight) => [weight, moments[`${prefix}.${weight}`]!]),
    );
  const optimizers = Object.fromEntries(
    Object.entries(saved.optimizers).map((
      [name, step],
    ) => [name, { step, m: part(`${name}.m`), v: part(`${name}.v`) }]),
  );
  return { ...saved, optimizers };
}
