import { makeFolder, readBytes, writeWhole } from "../files.ts";
import type { Dataset } from "../data/question.ts";
import { policyFingerprint } from "../model/io/policy_folder.ts";
import type { Policy } from "../model/policy.ts";
import { hashText } from "../random.ts";
import { PLAIN_SAMPLING } from "../compute/ops/sample.ts";
import { accuraciesOf, datasetFingerprint, evaluate } from "./evaluate.ts";
import { type Accuracies, parseStrataRecord, type StrataRecord } from "./strata.ts";

/** Samples of each question that decide its stratum (arXiv:2506.07527, analysis). */
const SAMPLES = 8;

/** Seed of those samples; evaluations use others, so that the base is not judged on its own dice. */
const SEED = 1000;

/** Options of {@linkcode baseAccuracies}. */
export interface BaseOptions {
  /** Tokens a completion may have, EOS included. */
  readonly maxNewTokens: number;
  /** Where the result is kept; nowhere when undefined. */
  readonly folder?: string;
}

/**
 * A base policy's accuracy on each question, which sorts the questions into strata. Sampled once and
 * kept in a file named by dataset, questions, weights, how they are asked and token limit; read from
 * there afterwards.
 *
 * @throws {SyntaxError} When the file is garbled.
 */
export async function baseAccuracies(
  base: Policy,
  dataset: Dataset,
  { maxNewTokens, folder = "runs/strata" }: BaseOptions,
): Promise<Accuracies> {
  const [policy, questions] = [await policyFingerprint(base), datasetFingerprint(dataset)];
  const name = dataset.name.replaceAll(/[^\w-]+/g, "_");
  const frame = base.tokenizer.encodePrompt("").join(); // nothing where questions are asked bare
  const asked = frame === "" ? "" : `-${hashText(frame).toString(16)}`;
  const path = `${folder}/${name}-${questions}-${policy}${asked}-${maxNewTokens}.json`;
  try {
    const text = new TextDecoder().decode(await readBytes(path));
    return parseStrataRecord(text, path).accuracies;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const accuracies = accuraciesOf(
    await evaluate(base, dataset, {
      ...PLAIN_SAMPLING,
      samples: SAMPLES,
      maxNewTokens,
      seed: SEED,
    }),
  );
  const record: StrataRecord = {
    policy,
    dataset: dataset.name,
    datasetFingerprint: questions,
    samplesPerQuestion: SAMPLES,
    temperature: PLAIN_SAMPLING.temperature,
    seed: SEED,
    accuracies,
  };
  await makeFolder(folder);
  await writeWhole(path, JSON.stringify(record) + "\n");
  return accuracies;
}
