/**
 * Command-line arguments read into an object, with the interface of `@std/cli/parse-args`.
 *
 * `node:util`'s parser is not underneath: it takes the second dash of `-f-` or `-I/a-b` for `--`,
 * and cannot give a value to an option nobody declared.
 *
 * Differences from `@std/cli` 1.x, all where it documents nothing or contradicts itself:
 * 1. An empty argument is a value (`--out ""`), and so is nothing after `=` (`--out=`).
 * 2. A declared boolean is a boolean in short form too (`-b=false`).
 * 3. In a short group, `=` or a number belongs to the letter it follows: `-abn5` is a, b and n = 5.
 * 4. Every collected option is `[]` when absent, as its documentation says; there, only those also
 *    declared string or boolean are.
 * 5. A dotted name never reaches a prototype.
 *
 * @module
 */

type Listed<T> = T extends readonly (infer U)[] ? U : T;
type Intersection<T> = (T extends unknown ? (_: T) => void : never) extends (_: infer R) => void ? R
  : never;

/** `"a.b"` and a type to `{ a: { b: type } }`. */
type Nest<Name, T> = Name extends `${infer Head}.${infer Rest}` ? { [K in Head]: Nest<Rest, T> }
  : { [K in Name & string]: T };
type Dedot<Flat> = Intersection<{ [K in keyof Flat]: Nest<K, Flat[K]> }[keyof Flat]>;

/** A name and all that are the same option. */
type Linked<Name, TAlias> =
  & string
  & (
    | Name
    | (string extends keyof TAlias ? never : {
      [K in keyof TAlias]: Name extends K | Listed<TAlias[K]> ? K | Listed<TAlias[K]> : never;
    }[keyof TAlias])
  );

type Single<Name, TBoolean, TString> = Name extends TString ? string
  : Name extends TBoolean ? boolean
  : unknown;

type Value<Name, TBoolean, TString, TCollect, TNegatable, TDefault> =
  | (Name extends TCollect ? Single<Name, TBoolean, TString>[] : Single<Name, TBoolean, TString>)
  | (Name extends TNegatable ? false : never)
  | (Name extends keyof TDefault ? TDefault[Name]
    : Name extends TCollect ? never
    : Name extends TString ? undefined
    : never);

type Names<TBoolean, TString, TCollect, TDefault> =
  | Exclude<TBoolean, boolean>
  | TString
  | TCollect
  | keyof TDefault;

type Values<TBoolean, TString, TCollect, TNegatable, TDefault, TAlias> =
  [Exclude<TBoolean, false> | TString | TCollect] extends [never]
    // deno-lint-ignore no-explicit-any -- as in @std/cli: nothing declared, nothing checked
    ? Record<string, any>
    :
      & Record<string, unknown>
      & Dedot<
        {
          [Name in Names<TBoolean, TString, TCollect, TDefault> as Linked<Name, TAlias>]: Value<
            Name,
            TBoolean,
            TString,
            TCollect,
            TNegatable,
            TDefault
          >;
        }
      >;

/** What {@linkcode parseArgs} returns. */
export type Args<
  // deno-lint-ignore no-explicit-any -- as in @std/cli: nothing declared, nothing checked
  TArgs = Record<string, any>,
  TDoubleDash extends boolean = false,
> =
  & TArgs
  & {
    /** The arguments that belong to no option, numbers where they read as numbers. */
    _: (string | number)[];
  }
  & ([TDoubleDash] extends [false] ? unknown
    : TDoubleDash extends true ? { "--": string[] }
    : { "--"?: string[] });

/** Options of {@linkcode parseArgs}; where names are listed, one name may stand alone. */
export interface ParseOptions<
  TBoolean extends boolean | string = boolean | string,
  TString extends string = string,
  TCollect extends string = string,
  TNegatable extends string = string,
  TDefault extends Record<string, unknown> = Record<string, unknown>,
  TAlias extends Aliases = Aliases,
  TDoubleDash extends boolean = boolean,
> {
  /** Whether what follows `--` goes to the result's `"--"` rather than to `_`. */
  "--"?: TDoubleDash;
  /** Other names of options, read and written alike. */
  alias?: TAlias;
  /** Options that take no value but `true` or `false`; `true` for every `--name` without `=`. */
  boolean?: TBoolean | readonly Extract<TBoolean, string>[];
  /** Values of options that are not given. */
  default?: TDefault;
  /** Options whose value stays text; `"_"` keeps the arguments of no option text. */
  string?: TString | readonly TString[];
  /** Options whose values gather in an array; of others, the last value stays. */
  collect?: TCollect | readonly TCollect[];
  /** Options that `--no-<name>` makes `false`. */
  negatable?: TNegatable | readonly TNegatable[];
  /** Whether the first argument of no option ends the options. */
  stopEarly?: boolean;
  /**
   * Called with each argument that no option declares, and for an option with its name and value
   * as read; `false` drops it.
   */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

type Aliases = Readonly<Record<string, string | readonly string[]>>;

/**
 * Reads command-line arguments.
 *
 * `--name value`, `--name=value` and `--name` set an option; so do `-n value`, `-n5`, `-n=5` and
 * `-n`, and `-abn5` sets three. An option without a value is `true`, or `""` if it is a string. A
 * value that reads as a number is one, unless the option is declared a string. `--a.b` nests. All
 * after `--` is text.
 *
 * @param args As in `Deno.args`.
 * @param options See {@linkcode ParseOptions}.
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
 *   boolean: ["verbose", "force"],
 *   alias: { verbose: "v" },
 * });
 *
 * assert.deepEqual(args, {
 *   policy: "007",
 *   verbose: true,
 *   v: true,
 *   force: false,
 *   step: 5,
 *   _: ["run.jsonl"],
 * });
 * ```
 *
 * @example Lists, negation and the rest of the line
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseArgs } from "@std/cli/parse-args";
 *
 * const args = parseArgs(["--seed", "1", "--seed", "2", "--no-color", "--", "-x"], {
 *   collect: ["seed"],
 *   boolean: ["color"],
 *   negatable: ["color"],
 *   default: { color: true },
 *   "--": true,
 * });
 *
 * assert.deepEqual(args, { seed: [1, 2], color: false, _: [], "--": ["-x"] });
 * ```
 */
export function parseArgs<
  const TBoolean extends boolean | string = never,
  const TString extends string = never,
  const TCollect extends string = never,
  const TNegatable extends string = never,
  TDefault extends Record<string, unknown> = Record<never, never>,
  const TAlias extends Aliases = Record<never, never>,
  const TDoubleDash extends boolean = false,
>(
  args: readonly string[],
  options: ParseOptions<
    TBoolean,
    TString,
    TCollect,
    TNegatable,
    TDefault,
    TAlias,
    TDoubleDash
  > = {},
): Args<Values<TBoolean, TString, TCollect, TNegatable, TDefault, TAlias>, TDoubleDash> {
  const linked = linkAliases(options.alias ?? {});
  const namesOf = (name: string): Set<string> => linked.get(name) ?? new Set([name]);
  const declared = (names: string | readonly string[] | boolean = []): Set<string> =>
    new Set(typeof names === "boolean" ? [] : [names].flat().flatMap((name) => [...namesOf(name)]));
  const booleans = declared(options.boolean);
  const strings = declared(options.string);
  const collected = declared(options.collect);
  const negatable = declared(options.negatable);
  const allBoolean = options.boolean === true;
  const unknown = options.unknown ?? (() => true);

  const result: Tree = {};
  const _: (string | number)[] = [];

  function typed(name: string, value: string | boolean): unknown {
    if (strings.has(name)) return typeof value === "string" ? value : "";
    if (typeof value === "boolean") return value;
    return booleans.has(name) ? value !== "false" : numberOrText(value);
  }

  /** Sets an option under all its names; `value` is text as written, or `true` where none is. */
  function set(name: string, value: string | boolean, arg: string): void {
    const isKnown = booleans.has(name) || strings.has(name) || linked.has(name) ||
      (allBoolean && /^--[^=]+$/.test(arg));
    if (!isKnown && unknown(arg, name, value) === false) return;
    for (const each of namesOf(name)) {
      const read = typed(name, value);
      if (!collected.has(name)) place(result, each, read);
      else {
        const earlier = lookUp(result, each); // false after --no-<name>
        place(result, each, Array.isArray(earlier) ? [...earlier, read] : [read]);
      }
    }
  }

  /** Sets the option whose value was not attached; whether `next` was taken for it. */
  function setFrom(next: string | undefined, name: string, arg: string): boolean {
    const isShort = !arg.startsWith("--");
    const isBoolean = booleans.has(name) || (allBoolean && !isShort);
    const taken = next !== undefined &&
      (isBoolean
        ? next === "true" || next === "false"
        : !next.startsWith("-") || (isShort && next === "-")); // a lone dash: standard input
    set(name, !taken ? true : isBoolean ? next === "true" : next, arg);
    return taken;
  }

  const end = args.includes("--") ? args.indexOf("--") : args.length;
  const [before, after] = [args.slice(0, end), args.slice(end + 1)];
  for (let i = 0; i < before.length; i++) {
    const arg = before[i]!;
    if (!arg.startsWith("-") || arg === "-") {
      if (unknown(arg) !== false) _.push(strings.has("_") ? arg : numberOrText(arg));
      if (!options.stopEarly) continue;
      _.push(...before.slice(i + 1));
      break;
    }
    const positive = arg.startsWith("--no-") ? arg.slice("--no-".length) : undefined;
    if (positive !== undefined && negatable.has(positive)) {
      for (const name of namesOf(positive)) place(result, name, false);
      continue;
    }
    const { switches, name, value } = arg.startsWith("--") ? readLong(arg) : readGroup(arg);
    for (const letter of switches) set(letter, true, arg);
    if (value !== undefined) set(name, value, arg);
    else if (setFrom(before[i + 1], name, arg)) i++;
  }

  for (const [name, value] of Object.entries(options.default ?? {})) {
    if (lookUp(result, name) !== undefined) continue;
    for (const each of namesOf(name)) place(result, each, value);
  }
  for (const name of [...booleans, ...collected]) {
    if (lookUp(result, name) === undefined) place(result, name, collected.has(name) ? [] : false);
  }
  const rest = options["--"] ? { _, "--": after } : { _: [..._, ...after] };
  return { ...result, ...rest } as Args<
    Values<TBoolean, TString, TCollect, TNegatable, TDefault, TAlias>,
    TDoubleDash
  >;
}

interface Tree {
  [name: string]: unknown;
}

/** An argument's options: `switches` have no value; `name` has `value`, or none attached. */
interface Flags {
  readonly switches: readonly string[];
  readonly name: string;
  readonly value?: string;
}

/** `--name` or `--name=value`. */
function readLong(arg: string): Flags {
  const equals = arg.indexOf("=", 3); // a name has at least one character
  if (equals < 0) return { switches: [], name: arg.slice(2) };
  return { switches: [], name: arg.slice(2, equals), value: arg.slice(equals + 1) };
}

/** `-abc`, `-abc5`, `-abc=value` or `-abc/value`. */
function readGroup(arg: string): Flags {
  const letters = [...arg.slice(1)];
  const last = letters.findIndex((letter, i) => {
    const rest = letters.slice(i + 1).join("");
    return rest === "" || /^\W/.test(rest) || (/[a-z]/i.test(letter) && isNumber(rest));
  });
  const rest = letters.slice(last + 1).join("");
  return {
    switches: letters.slice(0, last),
    name: letters[last]!,
    value: rest === "" ? undefined : rest.replace(/^=/, ""),
  };
}

function isNumber(text: string): boolean {
  return text.trim() !== "" && Number.isFinite(Number(text));
}

function numberOrText(text: string): string | number {
  return isNumber(text) ? Number(text) : text;
}

/** Each name that has aliases, to all names of its option, its own among them. */
function linkAliases(aliases: Aliases): Map<string, Set<string>> {
  const linked = new Map<string, Set<string>>();
  for (const [name, others] of Object.entries(aliases)) {
    const names = [name, ...[others].flat()];
    const all = new Set(names.flatMap((each) => [each, ...(linked.get(each) ?? [])]));
    for (const each of all) linked.set(each, all);
  }
  return linked;
}

/** What stands at a dotted name, `undefined` for nothing. */
function lookUp(tree: Tree, name: string): unknown {
  return name.split(".").reduce<unknown>(
    (at, key) => isTree(at) && Object.hasOwn(at, key) ? at[key] : undefined,
    tree,
  );
}

/** Puts a value at a dotted name. */
function place(tree: Tree, name: string, value: unknown): void {
  const keys = name.split(".");
  if (keys.includes("__proto__")) return;
  const last = keys.pop()!;
  for (const key of keys) {
    const below = Object.hasOwn(tree, key) && isTree(tree[key]) ? tree[key] : {};
    tree[key] = below;
    tree = below;
  }
  tree[last] = value;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
