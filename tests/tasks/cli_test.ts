import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Command, type Flag, helpOf, parseFlags, UsageError } from "../../tasks/_cli.ts";

const command = {
  name: "brew",
  about: "makes tea.",
  flags: {
    out: { kind: "text", value: "DIR", help: "Where it goes" },
    tea: { kind: "choice", choices: ["green", "black"], default: "green", help: "Which" },
    cups: { kind: "integer", min: 1, default: 2, help: "How many" },
    minutes: { kind: "number", min: 0, max: 10, help: "How long" },
    milk: { kind: "switch", help: "With milk" },
  },
  examples: ["deno task brew --milk"],
} as const satisfies Command<Record<string, Flag>>;

const NOTHING = { out: undefined, tea: "green" as const, cups: 2, minutes: undefined, milk: false };

Deno.test("parseFlags() gives the defaults, for what is not given", () => {
  const values: { tea: "green" | "black"; cups: number; minutes?: number; milk: boolean } =
    parseFlags(command, []);
  assertEquals(values, NOTHING);
});

Deno.test("parseFlags() reads values, attached or next", () => {
  const expected = { out: "007", tea: "black" as const, cups: 3, minutes: 0.5, milk: true };
  for (
    const line of [
      "--out 007 --tea black --cups 3 --minutes 0.5 --milk",
      "--milk --minutes=.5 --cups=3 --tea=black --out=007",
    ]
  ) assertEquals(parseFlags(command, line.split(" ")), expected);
});

Deno.test("parseFlags() reads a value that begins with a dash, or holds =", () => {
  assertEquals(parseFlags(command, ["--out", "-5+3:"]).out, "-5+3:");
  assertEquals(parseFlags(command, ["--out", "-"]).out, "-");
  assertEquals(parseFlags(command, ["--out", "a=b"]).out, "a=b");
  assertEquals(parseFlags(command, ["--out=--a=b"]).out, "--a=b");
});

Deno.test("parseFlags() names the flag in one line, for every bad input", () => {
  const wholeNumber = "--cups must be a whole number >= 1: current value is";
  const number = "--minutes must be a number in [0, 10]: current value is";
  const noValue = "--milk takes no value: write it to switch it on, or leave it out";
  const lists = ": deno task brew --help lists the flags";
  const cases: [args: string[], message: string][] = [
    [["--nope"], `unknown flag --nope${lists}`],
    [["--nope=1"], `unknown flag --nope=1${lists}`],
    [["--milk", "--no-milk"], `unknown flag --no-milk${lists}`],
    [["--out.x=1"], `unknown flag --out.x=1${lists}`],
    [["--toString", "x"], `unknown flag --toString${lists}`],
    [["--__proto__"], `unknown flag --__proto__${lists}`],
    [["--==x"], `unknown flag --==x${lists}`],
    [["-m"], `unknown flag -m${lists}`],
    [["green"], `unexpected argument green${lists}`],
    [["--cups", "3", "4"], `unexpected argument 4${lists}`],
    [["-"], `unexpected argument -${lists}`],
    [["--", "--milk"], `unexpected argument --${lists}`],
    [["--out"], "--out lacks its value: it must be DIR"],
    [["--out", "--milk"], "--out lacks its value: it must be DIR"],
    [["--out="], "--out lacks its value: it must be DIR"],
    [["--out", ""], "--out lacks its value: it must be DIR"],
    [["--cups"], "--cups lacks its value: it must be a whole number >= 1"],
    [["--tea", "mint"], '--tea must be one of green, black: current value is "mint"'],
    ...["0", "-5", "1.5", "1e3", "3x", "NaN", "9007199254740993"].map((
      text,
    ): [string[], string] => [["--cups", text], `${wholeNumber} "${text}"`]),
    ...["-1", "10.1", "NaN", "Infinity", "ten", " "].map((
      text,
    ): [string[], string] => [["--minutes", text], `${number} "${text}"`]),
    [["--cups", "1", "--cups=1"], "--cups must be given once: it is given 2 times"],
    [["--milk", "--milk"], "--milk must be given once: it is given 2 times"],
    [["--milk=1"], noValue],
    [["--milk=false"], noValue],
    [["--milk", "false"], noValue],
  ];
  for (const [args, message] of cases) {
    const error = assertThrows(() => parseFlags(command, args), UsageError);
    assertEquals(error.message, message);
  }
});

Deno.test("helpOf() tells each flag's value, meaning and default, and the examples", () => {
  assertEquals(
    helpOf(command),
    `deno task brew: makes tea.
  --out DIR
      Where it goes
  --tea green|black
      Which (default green)
  --cups N
      How many (default 2)
  --minutes N
      How long
  --milk
      With milk
  --help
      This text
Examples:
  deno task brew --milk`,
  );
});

const root = new URL("../../", import.meta.url);

/** Runs a command of `tasks/` as a process of its own. */
async function run(
  task: string,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `tasks/${task}.ts`, ...args],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: out!, stderr: errors! };
}

/** The flags of each command that a script may rely on. */
const TASK_FLAGS: Readonly<Record<string, string>> = {
  bench: "quick only size device python json out",
  compare: "runs",
  doctor: "json",
  evaluate:
    "policy dataset split samples temperature top-p top-k max-new-tokens strata base seed " +
    "device json quiet",
  gallery: "out",
  methods: "out",
  pretrain: "out seed steps noisy-steps device quiet",
  sample: "policy prompt dataset split questions samples temperature top-p top-k max-new-tokens " +
    "seed device json",
  train: "method preset dataset policy steps seed questions-per-step max-new-tokens device out " +
    "checkpoint-every resume quiet",
};

for (const [task, flags] of Object.entries(TASK_FLAGS)) {
  Deno.test(`deno task ${task} lists its flags, and exits with 2 on any other`, async () => {
    const [help, usage] = await Promise.all([run(task, "--help"), run(task, "--nope")]);
    assertEquals([help.code, help.stderr], [0, ""]);
    assert(help.stdout.startsWith(`deno task ${task}: `));
    const listed = [...help.stdout.matchAll(/^ {2}--([\w-]+)/gm)].map(([, flag]) => flag!);
    assertEquals([...flags.split(" "), "help"].filter((flag) => !listed.includes(flag)), []);
    const stderr = `error: unknown flag --nope: deno task ${task} --help lists the flags\n`;
    assertEquals(usage, { code: 2, stdout: "", stderr });
  });
}

Deno.test("a command exits with 0 when it has done its work", async () => {
  const { code, stdout } = await run("doctor", "--json");
  assertEquals(code, 0);
  assertEquals(Object.keys(JSON.parse(stdout)), ["device", "versions", "findings"]);
});

Deno.test("a command exits with 1 and one line, when it cannot do its work", async () => {
  const file = await Deno.makeTempFile();
  try {
    const { code, stderr } = await run("gallery", "--out", file); // a folder cannot be made there
    assertEquals(code, 1);
    assert(/^error: Cannot make .+\n$/.test(stderr), stderr);
  } finally {
    await Deno.remove(file);
  }
});
