import type { EvaluationSummary } from "./evaluate.ts";
import { STRATA } from "./strata.ts";

const percent = (value: number | null) => value === null ? "-" : `${(100 * value).toFixed(1)} %`;

const points = (value: number) => `${value >= 0 ? "+" : ""}${(100 * value).toFixed(1)}`;

/**
 * Evaluations as text: one of them, or one before and one after training.
 *
 * @param before What `after` is compared with.
 */
export function evaluationTable(first: EvaluationSummary, after?: EvaluationSummary): string {
  const last = after ?? first;
  const rows: string[][] = [[
    "",
    "questions",
    ...(after ? ["before", "after", "change"] : ["avg"]),
  ]];
  const row = (name: string, count: number, one: number | null, two: number | null) => {
    const change = one === null || two === null ? "-" : points(two - one);
    rows.push([name, String(count), percent(one), ...(after ? [percent(two), change] : [])]);
  };
  if (first.strata && last.strata) {
    for (const stratum of STRATA) {
      const [one, two] = [first.strata.byStratum[stratum], last.strata.byStratum[stratum]];
      row(stratum, one.questions, one.accuracy, two.accuracy);
    }
  }
  row("all", first.questions, first.average.mean, last.average.mean);
  const { average, passAt, majority, tokens, entropy, stopped, samples, strata } = last;
  const error = average.standardError === null
    ? ""
    : ` ± ${(100 * average.standardError).toFixed(1)}`;
  const length = (value: number | null) => value === null ? "-" : value.toFixed(1);
  return [
    alignColumns(rows),
    `avg@${samples} ${
      (100 * average.mean).toFixed(1)
    }${error} % (standard error over questions), ` +
    `maj@${samples} ${percent(majority)}, ` +
    Object.entries(passAt).map(([k, value]) => `pass@${k} ${percent(value)}`).join(", "),
    `length ${length(tokens.all)} tokens (right ${length(tokens.right)}, wrong ` +
    `${length(tokens.wrong)}), ended by EOS ${percent(stopped)}, entropy ${
      entropy.toFixed(3)
    } nats`,
    ...(strata ? [movesLine(strata)] : []),
  ].join("\n");
}

/** Where questions went, and what was forgotten. */
function movesLine({ moves, forgetting }: NonNullable<EvaluationSummary["strata"]>): string {
  const rows = STRATA.map((from) => [from, ...STRATA.map((to) => String(moves[from][to]))]);
  const { known, lost, share } = forgetting;
  return [
    "moves between strata (rows: under the base policy; columns: now)",
    alignColumns([["", ...STRATA], ...rows]),
    `forgotten: ${lost} of ${known} Easy and Medium questions are now Hard or Hardest (${
      percent(share)
    })`,
  ].join("\n");
}

/** Pads cells so that columns line up: names to the left, numbers to the right. */
function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    "  " +
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
    ).join("  ")
  ).join("\n");
}
