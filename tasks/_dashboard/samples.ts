import type { RunSample, RunSamples } from "../../mod.ts";
import type { SamplesReply } from "./protocol.ts";

/** What can be sorted by. */
const SORTED = ["step", "question", "finishReason", "tokens", "reward"] as const;

/** Which samples of a run to show. */
export interface SamplesQuery {
  /** Every step unless given. */
  readonly step?: number;
  /** In the question's id, the prompt, the completion or the answer; case does not matter. */
  readonly text: string;
  readonly outcome: "all" | "right" | "wrong";
  readonly sort: typeof SORTED[number];
  readonly descending: boolean;
  readonly limit: number;
}

/**
 * Reads a query.
 *
 * @throws {RangeError} Naming the field that is out of range.
 */
export function samplesQuery(fields: URLSearchParams): SamplesQuery {
  const choice = <T extends string>(name: string, choices: readonly T[]): T => {
    const value = fields.get(name) ?? choices[0]!;
    if (choices.includes(value as T)) return value as T;
    throw new RangeError(
      `Cannot show samples as ${name} must be one of ${
        choices.join(", ")
      }: current value is ${value}`,
    );
  };
  const count = (name: string, otherwise?: number): number | undefined => {
    const text = fields.get(name) ?? "";
    if (text === "") return otherwise;
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw new RangeError(
      `Cannot show samples as ${name} must be a whole number: current value is ${text}`,
    );
  };
  return {
    step: count("step"),
    text: fields.get("text") ?? "",
    outcome: choice("outcome", ["all", "right", "wrong"]),
    sort: choice("sort", SORTED),
    descending: fields.get("descending") === "true",
    limit: count("limit", 100)!,
  };
}

/** The samples that a query asks for. Those without the value that is sorted by come last. */
export function selectSamples(
  { samples, faults }: RunSamples,
  { step, text, outcome, sort, descending, limit }: SamplesQuery,
): SamplesReply {
  const sought = text.toLowerCase();
  const fitting = samples.filter((sample) =>
    (step === undefined || sample.step === step) &&
    (outcome === "all" || sample.right === (outcome === "right")) &&
    [sample.question, sample.prompt, sample.completion, sample.answer]
      .some((part) => part.toLowerCase().includes(sought))
  );
  const sorted = fitting.toSorted((a, b) => compare(a[sort], b[sort], descending ? -1 : 1));
  return {
    samples: sorted.slice(0, limit),
    fitting: fitting.length,
    total: samples.length,
    lastStep: samples.at(-1)?.step ?? null,
    faults,
  };
}

function compare<T extends RunSample[keyof RunSample]>(a: T, b: T, sign: number): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return a === b ? 0 : a < b ? -sign : sign;
}
