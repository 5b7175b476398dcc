/**
 * Finished runs side by side.
 *
 * @module
 */
import { readJson } from "../files.ts";
import type { EvaluationSummary } from "../evaluation/evaluate.ts";
import { STRATA } from "../evaluation/strata.ts";
import { readRunConfig, type RunConfig } from "./run.ts";

/** What a finished run learned: `evaluation.json`. */
export interface Outcome {
  readonly config: RunConfig;
  readonly before: EvaluationSummary;
  readonly after: EvaluationSummary;
  /** Different demonstrations taught, as a share of the training set. */
  readonly demonstrationShare: number;
  /** Demonstrations taught, repeats included. */
  readonly demonstrations: number;
}

/** The finished runs among the folders of `folder`, by name; others are passed over. */
export async function readOutcomes(folder: string): Promise<Outcome[]> {
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
  const outcomes: Outcome[] = [];
  for (const name of names) {
    const path = `${folder}/${name}`;
    try {
      const evaluation = await readJson(`${path}/evaluation.json`) as Omit<Outcome, "config">;
      outcomes.push({ config: await readRunConfig(path), ...evaluation });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) {
        throw error;
      }
    }
  }
  return outcomes;
}

/** Mean and standard deviation over seeds, in percent. */
function spread(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return "-";
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = known.length > 1
    ? ` ± ${(100 * Math.sqrt(squares / (known.length - 1))).toFixed(1)}`
    : "";
  return `${(100 * mean).toFixed(1)}${deviation}`;
}

/**
 * A table in Markdown: a row for each preset, dataset and number of steps; accuracy in percent by
 * stratum of the base policy, mean ± standard deviation over seeds.
 */
export function comparisonTable(outcomes: readonly Outcome[]): string {
  const groups = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const { preset, dataset, settings: { config: { steps } } } = outcome.config;
    const key = `${preset} | ${dataset} | ${steps}`;
    groups.set(key, [...groups.get(key) ?? [], outcome]);
  }
  const cells = (summaries: readonly EvaluationSummary[]) => [
    ...STRATA.map((stratum) =>
      spread(summaries.map(({ strata }) => strata?.byStratum[stratum].accuracy ?? null))
    ),
    spread(summaries.map(({ average }) => average.mean)),
    spread(summaries.map(({ strata }) => strata?.forgetting.share ?? null)),
    (summaries.reduce((sum, { tokens }) => sum + tokens.all, 0) / summaries.length).toFixed(1),
  ];
  const rows = [...groups].map(([key, runs]) => [
    key,
    runs.map(({ config }) => config.settings.config.seed).join(", "),
    ...cells(runs.map(({ after }) => after)),
    `${Math.round(runs.reduce((sum, run) => sum + run.demonstrations, 0) / runs.length)}`,
    spread(runs.map((run) => run.demonstrationShare)),
  ]);
  const first = outcomes[0];
  const base = first
    ? [["base | " + first.config.dataset + " | 0", "-", ...cells([first.before]), "0", "0.0"]]
    : [];
  const header = [
    "preset | questions | steps",
    "seeds",
    ...STRATA,
    "all",
    "forgotten",
    "length, tokens",
    "demonstrations",
    "share of training set",
  ];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const columns = header.join(" | ").split(" | ").length;
  return [header, Array.from({ length: columns }, () => "---"), ...base, ...rows].map(line)
    .join("\n");
}
