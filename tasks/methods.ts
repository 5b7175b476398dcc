// deno task methods
import { dirname } from "node:path";
import { makeFolder, METHODS, PRESETS, writeWhole } from "../mod.ts";
import { type Command, type Flag, runTask, type Values } from "./_cli.ts";
import { code, table } from "./_markdown.ts";

const command = {
  name: "methods",
  about: "writes the page that lists every built-in method and preset.",
  flags: {
    out: {
      kind: "text",
      value: "FILE",
      default: "docs/METHODS.md",
      help: "The page; its folder is made when missing",
    },
  },
  examples: ["deno task methods", "deno task methods --out runs/METHODS.md"],
} as const satisfies Command<Record<string, Flag>>;

type BuiltIn = typeof METHODS[string];

/** Headings of the page, and the methods below them. */
const KINDS: Readonly<Record<BuiltIn["kind"], string>> = {
  rl: "Reinforcement learning",
  sft: "Supervised fine-tuning",
  sequence: "One after the other",
  hybrid: "Hybrids: both at once",
};

/** The page that lists methods and presets, in Markdown. */
export function methodsPage(): string {
  return [
    "# Methods",
    "Made by `deno task methods` from [lib/methods](../lib/methods): change those, not this page.",
    "`deno task train --method ID` trains with one; `--preset NAME` takes other settings of it. A " +
    "method's file opens with its formula and where it differs from its paper; its settings are " +
    "there too, the paper's values beside them. Your own: [NEW_METHOD.md](NEW_METHOD.md).",
    ...Object.entries(KINDS).flatMap(([kind, heading]) => [
      `## ${heading}`,
      methodsTable(Object.values(METHODS).filter((method) => method.kind === kind)),
    ]),
    "## Presets",
    "Settings of a method under a name of their own, and how they differ from the method's.",
    presetsTable(),
  ].map(wrapped).join("\n\n") + "\n";
}

function methodsTable(methods: readonly BuiltIn[]): string {
  return table(
    ["method", "title", "paper", "what it does", "presets"],
    methods.map(({ id, title, paper, about }) => [
      `[${code(id)}](../lib/methods/${id.replaceAll("-", "_")}.ts)`,
      title,
      paper.replace(/^arXiv:(\S+)$/, "[$1](https://arxiv.org/abs/$1)"),
      about.replaceAll("|", "\\|"),
      otherPresets().filter(([, { method }]) => method === id).map(([name]) => code(name))
        .join(", "),
    ]),
  );
}

function presetsTable(): string {
  return table(
    ["preset", "method", "settings that differ"],
    otherPresets().map(([name, { method, config }]) => [
      code(name),
      code(method),
      differences(METHODS[method]!.config, config).map(([path, value]) => `${code(path)} ${value}`)
        .join(", "),
    ]),
  );
}

/** The presets that are not a method's own settings. */
function otherPresets(): [name: string, settings: typeof PRESETS[string]][] {
  return Object.entries(PRESETS).filter(([name]) => !Object.hasOwn(METHODS, name));
}

/** The values of settings that are not those of others, by their path: `clip.low`. */
function differences(
  was: unknown,
  is: unknown,
  path: readonly string[] = [],
): [path: string, value: string][] {
  const isObject = (value: unknown) => typeof value === "object" && value !== null;
  if (!isObject(was) || !isObject(is)) {
    return was === is ? [] : [[path.join("."), is === null ? "none" : String(is)]];
  }
  return Object.entries(is as Record<string, unknown>).flatMap(([name, value]) =>
    differences((was as Record<string, unknown>)[name], value, [...path, name])
  );
}

/** A paragraph in lines of at most 100 characters, as the formatter has it. */
function wrapped(block: string): string {
  if (/^[#|]/.test(block)) return block;
  const lines = [""];
  for (const word of block.split(" ")) {
    const line = lines.at(-1)!;
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= 100) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join("\n");
}

/** Writes the page. */
export async function methods({ out }: Values<typeof command.flags>): Promise<void> {
  await makeFolder(dirname(out));
  await writeWhole(out, methodsPage());
}

if (import.meta.main) await runTask(command, methods);
