/**
 * Checkpoints: a policy's folder with the rest of a run's state beside it.
 *
 * @module
 */
import { z } from "zod";
import { readJsonAs, recoverFolder, writeFolderWhole } from "../files.ts";
import { writeAdapter } from "../model/io/adapter_folder.ts";
import { type LoadOptions, loadPolicy, writePolicy } from "../model/io/policy_folder.ts";
import { openSafetensors, writeSafetensors } from "../model/io/safetensors.ts";
import { loadVariables } from "../model/io/tensors.ts";
import { disposePolicy, learnedWeights, type Policy } from "../model/policy.ts";
import type { Weights } from "../model/transformer.ts";
import type { TrainingState } from "../methods/training.ts";

const count = z.number().int().nonnegative();

const stateSchema = z.object({
  step: count,
  drawn: count,
  budget: z.object({ rollouts: count, optimizerSteps: count, flops: z.number().nonnegative() }),
  sftEvents: count,
  hardest: z.array(z.object({ index: count, step: count })),
  wanted: z.array(z.object({ index: count, step: count })).optional(), // not in older versions
  taught: z.record(z.string().regex(/^\d+$/), count),
  /** Steps taken by each optimizer. */
  optimizers: z.record(count),
});

/**
 * Saves the policy and the state of a run, whole or not at all. The folder can be loaded as a
 * policy by itself; of a policy with an adapter it holds the adapter alone.
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
  const text = JSON.stringify({ // one order, so that equal states are equal files
    step: state.step,
    drawn: state.drawn,
    budget: state.budget,
    sftEvents: state.sftEvents,
    hardest: state.hardest,
    wanted: state.wanted,
    taught: state.taught,
    optimizers: Object.fromEntries(optimizers.map(([name, { step }]) => [name, step])),
  });
  await writeFolderWhole(folder, async (temporary) => {
    if (policy.adapter) await writeAdapter(policy.adapter, temporary);
    else await writePolicy(policy, temporary);
    await writeSafetensors(`${temporary}/optimizers.safetensors`, Object.fromEntries(moments));
    await Deno.writeFile(`${temporary}/state.json`, new TextEncoder().encode(text + "\n"));
  });
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
  options: LoadOptions = {},
): Promise<{ policy: Policy; state: TrainingState }> {
  await recoverFolder(folder);
  const policy = await loadPolicy(folder, options);
  try {
    return { policy, state: await loadState(folder, learnedWeights(policy)) };
  } catch (error) {
    disposePolicy(policy);
    throw error;
  }
}

/** Loads everything but the policy; puts the moments of optimizers on the device. */
async function loadState(folder: string, weights: Weights): Promise<TrainingState> {
  const saved = await readJsonAs(`${folder}/state.json`, stateSchema);
  const path = `${folder}/optimizers.safetensors`;
  const momentShapes = Object.fromEntries(
    Object.keys(saved.optimizers).flatMap((name) =>
      ["m", "v"].flatMap((kind) =>
        Object.entries(weights).map(([weight, { shape }]) => [`${name}.${kind}.${weight}`, shape])
      )
    ),
  );
  const moments = await loadVariables(await openSafetensors(path), momentShapes);
  const part = (prefix: string) =>
    Object.fromEntries(
      Object.keys(weights).map((weight) => [weight, moments[`${prefix}.${weight}`]!]),
    );
  const optimizers = Object.fromEntries(
    Object.entries(saved.optimizers).map((
      [name, step],
    ) => [name, { step, m: part(`${name}.m`), v: part(`${name}.v`) }]),
  );
  return { ...saved, wanted: saved.wanted ?? [], optimizers };
}
