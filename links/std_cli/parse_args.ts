/**
 * Command-line arguments read into an object, with the interface of `@std/cli/parse-args`: a layer
 * over `minimist`, from which `@std/cli` descends.
 *
 * Differences from `@std/cli` 1.x:
 * 1. An empty argument is a value (`--out ""`), and so is nothing after `=` (`--out=`) and a lone
 *    dash (`--out -`).
 * 2. Of a collected option, `true` and `false` do not gather, and `--no-<name>` adds a `false`.
 * 3. Every collected option is `[]` when absent; there, only those also declared string or boolean.
 * 4. `unknown` gets a value only if attached with `=`, and a short group (`-abc`) as one key.
 * 5. Numbers are decimal or `0x` hexadecimal.
 * 6. Types know names as declared, not aliases or the insides of dotted names: those are `unknown`.
 *
 * @module
 */
// @ts-types="npm:@types/minimist@1.2.5"
import minimist from "minimist";

type One<K, B, S> = K extends S ? string : K extends B ? boolean : unknown;

type Value<K, B, S, C, N, D> =
  | (K extends C ? One<K, B, S>[] : One<K, B, S>)
  | (K extends N ? false : never)
  | (K extends keyof D ? D[K] : K extends C ? never : K extends S ? undefined : never);

/** What {@linkcode parseArgs} returns. */
export type Args<B extends string, S extends string, C extends string, N, D, Rest> =
  & { [K in B | S | C | keyof D]: Value<K, B, S, C, N, D> }
  & Record<string, unknown>
  & { _: (string | number)[] }
  & (Rest extends true ? { "--": string[] } : unknown);

type Names<T> = T | readonly T[];

/** Options of {@linkcode parseArgs}; where names are listed, one name may stand alone. */
export interface ParseOptions<B, S, C, N, D, Rest> {
  /** Whether what follows `--` goes to the result's `"--"` rather than to `_`. */
  "--"?: Rest;
  /** Other names of options, read and written alike. */
  alias?: Readonly<Record<string, Names<string>>>;
  /** Options that take no value but `true` or `false`; `true` for every `--name` without `=`. */
  boolean?: boolean | Names<B>;
  /** Values of options that are not given. */
  default?: D;
  /** Options whose value stays text; `"_"` keeps the arguments of no option text. */
  string?: Names<S>;
  /** Options whose values gather in an array; of others, the last value stays. */
  collect?: Names<C>;
  /** Options that `--no-<name>` makes `false`. */
  negatable?: Names<N>;
  /** Whether the first argument of no option ends the options. */
  stopEarly?: boolean;
  /** Called with each argument that no option declares, split if an option; `false` drops it. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/**
 * Reads command-line arguments: `--name value`, `--name=value`, `--name`, `-n value`, `-n5`,
 * `-n=5`, `-n`, and `-abc`, which sets three. An option without a value is `true`, or `""` if it is
 * a string. A value that reads as a number is one, unless it is a string's. `--a.b` nests.
 *
 * @returns The options by name, under their aliases too; the arguments of no option in `_`.
 * Declared booleans are `false` when not given, collected options `[]`.
 *
 * @example Declared options
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseArgs } from "@std/cli/parse-args";
 *
 * const args = parseArgs(["--policy", "007", "-v", "--step=5", "run.jsonl"], {
 *   string: ["policy"],
 *   boolean: ["verbose"],
 *   alias: { verbose: "v" },
 * });
 *
 * assert.deepEqual(args, { policy: "007", verbose: true, v: true, step: 5, _: ["run.jsonl"] });
 * ```
 */
export function parseArgs<
  B extends string = never,
  S extends string = never,
  C extends string = never,
  N extends string = never,
  D extends Record<string, unknown> = Record<never, never>,
  Rest extends boolean = false,
>(
  args: readonly string[],
  options: ParseOptions<B, S, C, N, D, Rest> = {},
): Args<B, S, C, N, D, Rest> {
  const { boolean, collect, negatable, unknown } = options;
  const aliases = Object.entries(options.alias ?? {}).map((names) => names.flat().map(hide));
  const declared = (names: Names<string> = []): string[] =>
    [names].flat().map(hide).flatMap((name) => aliases.find((all) => all.includes(name)) ?? [name]);
  const absent: Record<string, unknown> = {};
  for (const name of declared(collect)) absent[name] = [];
  for (const [name, value] of Object.entries(options.default ?? {})) {
    for (const each of declared(name)) absent[each] = value;
  }
  const isNegation = (arg: string): boolean =>
    arg.startsWith("--no-") && declared(negatable).includes(hide(arg.slice("--no-".length)));

  const parsed = minimist(
    args.map((arg) => arg.startsWith("--") && !isNegation(arg) ? `--${hide(arg.slice(2))}` : arg),
    {
      ...options,
      alias: Object.fromEntries(aliases.map(([name, ...others]) => [name, others])),
      boolean: typeof boolean === "boolean" ? boolean : declared(boolean),
      default: absent,
      string: declared(options.string),
      unknown: unknown && ((hidden) => {
        const arg = show(hidden);
        const [, ...option] = /^--?(?!$)([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
        return unknown(arg, ...option) !== false;
      }),
    },
  );

  /** `minimist` gathers the values of every option: keeps the last, unless it is collected. */
  function settle(tree: object, prefix = ""): object {
    const entries = Object.entries(tree).map(([key, value]) => {
      const [name, values] = [prefix + key, [value].flat()];
      const last = values.at(-1);
      const isDefault = typeof value === "object" && Object.values(absent).includes(value);
      if (isDefault) return [show(key), value];
      if (declared(collect).includes(name)) return [show(key), values];
      return [show(key), typeof last === "object" ? settle(last, `${name}.`) : last];
    });
    return Object.fromEntries(entries.filter(([key]) => key !== "__proto__"));
  }
  const { _, "--": after, ...named } = parsed;
  const others = _.map((each: string | number) => typeof each === "string" ? show(each) : each);
  const rest = after && { "--": after.map(show) };
  return { ...settle(named), _: others, ...rest } as Args<B, S, C, N, D, Rest>;
}

/** A name that `minimist` is not to take for a negation, or for what all objects have. */
function hide(name: string): string {
  const isRisky = /^(no-|=)/.test(name) || name.split(/[.=]/)[0]! in {};
  return isRisky ? `\0${name}` : name;
}

/** What {@linkcode hide} hid; no argument of a process has a NUL of its own. */
const show = (text: string): string => text.replace(/^(--)?\0/, "$1");
