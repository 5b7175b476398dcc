/**
 * Flags of the commands: declared once, parsed, checked and shown by `--help` from there.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "@std/cli/parse-args";

/** One flag. Its default, when it has one, tells its type to the reader of `--help` too. */
export type Flag =
  & { readonly help: string }
  & (
    | { readonly kind: "text"; readonly value: string; readonly default?: string }
    | { readonly kind: "choice"; readonly choices: readonly string[]; readonly default?: string }
    | { readonly kind: "integer"; readonly min: number; readonly default?: number }
    | {
      readonly kind: "number";
      readonly min: number;
      /** Whether `min` itself is too little. */
      readonly aboveMin?: true;
      readonly max: number;
      readonly default?: number;
    }
    | { readonly kind: "switch" }
  );

/** The flags of a command by name, without the dashes. */
export type Flags = Readonly<Record<string, Flag>>;

type Value<F extends Flag> = F extends { kind: "switch" } ? boolean
  : F extends { kind: "integer" | "number" }
    ? (F extends { default: number } ? number : number | undefined)
  : F extends { kind: "choice"; choices: readonly (infer C)[] }
    ? (F extends { default: string } ? C : C | undefined)
  : (F extends { default: string } ? string : string | undefined);

/** What the flags of a command hold. */
export type Values<F extends Flags> = { readonly [name in keyof F]: Value<F[name]> };

/** What a command is and takes. */
export interface Command<F extends Flags> {
  /** As typed: `deno task <name>`. */
  readonly name: string;
  /** What it does, in a sentence or two. */
  readonly about: string;
  readonly flags: F;
  /** Commands that show its use. */
  readonly examples: readonly string[];
}

/** A mistake on the command line: told in one line, exit code 2. */
export class UsageError extends Error {}

/**
 * Reads the flags of a command.
 *
 * @throws {UsageError} Naming the flag that is unknown or given twice, lacks its value, has a bad
 * one or takes none; or the argument that belongs to no flag.
 */
export function parseFlags<F extends Flags>(command: Command<F>, args: string[]): Values<F> {
  const names = Object.keys(command.flags);
  const switches = names.filter((name) => command.flags[name]!.kind === "switch");
  const valued = names.filter((name) => !switches.includes(name));
  const line = joinDashed(args, valued);
  const reject = (arg: string): never => {
    const what = /^--?[^-]/.test(arg) ? "unknown flag" : "unexpected argument";
    throw new UsageError(`${what} ${arg}: deno task ${command.name} --help lists the flags`);
  };
  if (line.includes("--")) reject("--");
  const parsed = parseArgs(line, { string: valued, boolean: switches, unknown: reject });
  for (const name of names) {
    const given = line.filter((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
    if (given.length > 1) {
      throw new UsageError(`--${name} must be given once: it is given ${given.length} times`);
    }
    const next = line[line.indexOf(`--${name}`) + 1]!;
    const hasValue = given[0]?.includes("=") || (given[0] && /^(true|false)$/.test(next));
    if (switches.includes(name) && hasValue) {
      throw new UsageError(`--${name} takes no value: write it to switch it on, or leave it out`);
    }
  }
  return Object.fromEntries(
    names.map((name) => [name, readValue(name, command.flags[name]!, parsed[name])]),
  ) as Values<F>;
}

/** Makes `--steps -5` one argument, `--steps=-5`: the parser would take `-5` for a flag. */
function joinDashed(args: readonly string[], valued: readonly string[]): string[] {
  const line: string[] = [];
  for (const arg of args) {
    const before = line.at(-1);
    const isValue = /^-[^-]/.test(arg) && valued.some((name) => before === `--${name}`);
    if (isValue) line.splice(-1, 1, `${before}=${arg}`);
    else line.push(arg);
  }
  return line;
}

/** A flag's value from its text: `true` or `false` for a switch, `undefined` when not given. */
function readValue(name: string, flag: Flag, given: unknown): unknown {
  if (flag.kind === "switch") return given === true;
  if (given === undefined) return flag.default;
  const text = String(given);
  const bad = (need: string): never => {
    throw new UsageError(
      text === ""
        ? `--${name} lacks its value: it must be ${need}`
        : `--${name} must be ${need}: current value is ${JSON.stringify(text)}`,
    );
  };
  switch (flag.kind) {
    case "text":
      return text === "" ? bad(flag.value) : text;
    case "choice":
      return flag.choices.includes(text) ? text : bad(`one of ${flag.choices.join(", ")}`);
    case "integer": {
      const value = Number(text);
      const good = /^\d+$/.test(text) && Number.isSafeInteger(value) && value >= flag.min;
      return good ? value : bad(`a whole number >= ${flag.min}`);
    }
    case "number": {
      const value = Number(text);
      const enough = flag.aboveMin ? value > flag.min : value >= flag.min;
      const good = text.trim() !== "" && enough && value <= flag.max;
      return good
        ? value
        : bad(`a number in ${flag.aboveMin ? "(" : "["}${flag.min}, ${flag.max}]`);
    }
  }
}

/** What `--help` prints. */
export function helpOf<F extends Flags>({ name, about, flags, examples }: Command<F>): string {
  const rows = Object.entries(flags).map(([flag, spec]) => {
    const value = spec.kind === "switch"
      ? ""
      : ` ${
        spec.kind === "choice" ? spec.choices.join("|") : spec.kind === "text" ? spec.value : "N"
      }`;
    const preset = spec.kind !== "switch" && spec.default !== undefined
      ? ` (default ${spec.default})`
      : "";
    return `  --${flag}${value}\n      ${spec.help}${preset}`;
  });
  return [
    `deno task ${name}: ${about}`,
    ...rows,
    "  --help\n      This text",
    "Examples:",
    ...examples.map((example) => `  ${example}`),
  ].join("\n");
}

/** Errors whose words are meant for people: the house grammar is "Cannot <act> as <need>". */
const FOR_PEOPLE = /^Cannot .+(?: as |: )/s;

/**
 * Runs a command: `--help` prints its help; a usage error is one line and exit code 2; an error
 * about files or settings is one line and exit code 1; a bug shows its stack.
 */
export async function runTask<F extends Flags>(
  command: Command<F>,
  main: (values: Values<F>) => Promise<void>,
  args: string[] = Deno.args,
): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(helpOf(command));
    return;
  }
  try {
    await main(parseFlags(command, args));
  } catch (error) {
    const usage = error instanceof UsageError;
    const message = error instanceof Error ? error.message : String(error);
    if (!usage && !FOR_PEOPLE.test(message)) throw error;
    console.error(`error: ${message.replaceAll(/\s*\n\s*/g, " ")}`);
    Deno.exit(usage ? 2 : 1);
  }
}
