// deno task compare --runs runs
// deno-lint-ignore-file no-console
import { comparisonTable, readOutcomes } from "../mod.ts";
import { type Command, type Flag, runTask, type Values } from "./_cli.ts";

const command = {
  name: "compare",
  about: "puts finished runs side by side: accuracy by difficulty, mean and spread over seeds.",
  flags: {
    runs: { kind: "text", value: "DIR", default: "runs", help: "Folder whose folders are runs" },
  },
  examples: ["deno task compare --runs runs"],
} as const satisfies Command<Record<string, Flag>>;

/** Prints the table. */
async function main({ runs }: Values<typeof command.flags>): Promise<void> {
  const outcomes = await readOutcomes(runs);
  if (outcomes.length === 0) {
    throw new RangeError(`Cannot compare as ${runs} must hold a finished run: it holds none`);
  }
  console.log(comparisonTable(outcomes));
}

if (import.meta.main) await runTask(command, main);
