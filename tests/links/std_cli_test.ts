import assert from "node:assert/strict";
import { parseArgs } from "@std/cli/parse-args";

/** Calls an `unknown` callback got. */
function recorder(answer?: boolean): {
  calls: unknown[][];
  unknown: (...call: unknown[]) => boolean | undefined;
} {
  const calls: unknown[][] = [];
  return { calls, unknown: (...call) => (calls.push(call), answer) };
}

Deno.test("parseArgs() gives a long option its value, attached or next", () => {
  assert.deepEqual(parseArgs(["--a=x", "--b", "y", "--c"]), { a: "x", b: "y", c: true, _: [] });
  assert.deepEqual(parseArgs(["--a", "--b", "-"]), { a: true, b: "-", _: [] });
  assert.deepEqual(parseArgs(["--a==\n-=/="]), { a: "=\n-=/=", _: [] });
});

Deno.test("parseArgs() splits short groups, with a value at the end or none", () => {
  assert.deepEqual(parseArgs(["-abc"]), { a: true, b: true, c: true, _: [] });
  assert.deepEqual(parseArgs(["-ab", "x"]), { a: true, b: "x", _: [] });
  assert.deepEqual(parseArgs(["-n5", "-m", "6"]), { n: 5, m: 6, _: [] });
  assert.deepEqual(parseArgs(["-n=5", "-m=a=b", "-e=="]), { n: 5, m: "a=b", e: "=", _: [] });
  assert.deepEqual(parseArgs(["-xyI/a-b"]), { x: true, y: true, I: "/a-b", _: [] });
  assert.deepEqual(parseArgs(["-123", "456"]), { 1: true, 2: true, 3: 456, _: [] });
});

Deno.test("parseArgs() takes a lone dash for a value or for an argument", () => {
  assert.deepEqual(parseArgs(["-n", "-"]), { n: "-", _: [] });
  assert.deepEqual(parseArgs(["-n-"]), { n: "-", _: [] });
  assert.deepEqual(parseArgs(["-"]), { _: ["-"] });
  assert.deepEqual(parseArgs(["-b", "-"], { boolean: "b" }), { b: true, _: ["-"] });
});

Deno.test("parseArgs() reads numbers where a value looks like one", () => {
  const args = parseArgs(["--a", "1e3", "--b=0x10", "--c", "5.5", "--d", "10f", "7", " "]);
  assert.deepEqual(args, { a: 1000, b: 16, c: 5.5, d: "10f", _: [7, " "] });
});

Deno.test("parseArgs() keeps text, for options declared strings", () => {
  const args = parseArgs(["--a", "007", "-b5", "-", "8"], { string: ["a", "b", "_"] });
  assert.deepEqual(args, { a: "007", b: "5", _: ["-", "8"] });
});

Deno.test("parseArgs() gives a string option without value the empty text, and none if absent", () => {
  const options = { string: ["a", "b", "c", "d", "e"] };
  const args = parseArgs(["--a", "--b=", "-cx", "--d", ""], options);
  assert.deepEqual(args, { a: "", b: "", c: "", x: true, d: "", _: [] });
});

Deno.test("parseArgs() lets declared booleans take only true and false", () => {
  const boolean = ["a", "b", "c", "d", "e"];
  const args = parseArgs(["--a", "x", "--b", "false", "--c=false", "-d", "true"], { boolean });
  assert.deepEqual(args, { a: true, b: false, c: false, d: true, e: false, _: ["x"] });
});

Deno.test("parseArgs() takes every long option without = for a boolean, with boolean: true", () => {
  const args = parseArgs(["--a", "x", "-p", "55", "--b=good", "--c", "false"], { boolean: true });
  assert.deepEqual(args, { a: true, p: 55, b: "good", c: false, _: ["x"] });
});

Deno.test("parseArgs() mirrors aliases, whichever name was given or declared", () => {
  const alias = { help: ["h", "?"], out: "o" };
  const options = { alias, boolean: "h", string: "out" } as const;
  const expected = { help: true, h: true, "?": true, out: "1", o: "1", _: ["x"] };
  for (const line of ["-h x -o 1", "--help x --out=1", "-? x -o1"]) {
    assert.deepEqual(parseArgs(line.split(" "), options), expected);
  }
});

Deno.test("parseArgs() fills in defaults, for what is not given", () => {
  const options = { default: { a: 1, b: 2, "c.d": 3, e: null }, alias: { a: "x" }, boolean: "e" };
  assert.deepEqual(parseArgs([], options), { a: 1, x: 1, b: 2, c: { d: 3 }, e: null, _: [] });
  assert.deepEqual(parseArgs(["-x", "0", "--c.d=4", "--e"], options), {
    a: 0,
    x: 0,
    b: 2,
    c: { d: 4 },
    e: true,
    _: [],
  });
});

Deno.test("parseArgs() keeps the last value of an option, and all of a collected one", () => {
  const argv = ["--a", "1", "--a", "2", "--b", "1", "-B", "x"];
  const options = { collect: ["b", "c"], alias: { b: "B" } };
  const args = parseArgs(argv, options);
  assert.deepEqual(args, { a: 2, b: [1, "x"], B: [1, "x"], c: [], _: [] });
  assert.notEqual(args.b, args.B); // a list each
  assert.deepEqual(parseArgs([], { collect: "b", default: { b: [1] } }), { b: [1], _: [] });
  const given = parseArgs(["--b", "1"], { collect: "b", default: { b: [2], c: 1 } });
  assert.deepEqual(given, { b: [1], c: 1, _: [] });
});

Deno.test("parseArgs() gathers values below dotted names too", () => {
  const args = parseArgs(["--a.b", "1", "--a.c", "2", "--a.b=3", "--a.c=4"], { collect: "a.b" });
  assert.deepEqual(args, { a: { b: [1, 3], c: 4 }, _: [] });
});

Deno.test("parseArgs() negates only what is negatable", () => {
  const options = { boolean: ["a"], negatable: ["a", "s"], string: "s", alias: { a: "A" } };
  const argv = ["--a", "--no-A", "--no-b", "--no-c", "x", "--s=1", "--no-s", "--no-d=5"];
  const expected = { a: false, A: false, "no-b": true, "no-c": "x", s: false, "no-d": 5, _: [] };
  assert.deepEqual(parseArgs(argv, options), expected);
  assert.deepEqual(parseArgs([...argv, "--s=2"], options), { ...expected, s: "2" });
});

Deno.test("parseArgs() takes no- for a part of the name, in names declared with it", () => {
  const options = { boolean: "no-a", string: "no-b", default: { "no-c": 1 } };
  const args = parseArgs(["--no-a", "--no-b", "2", "--", "--no-x"], options);
  assert.deepEqual(args, { "no-a": true, "no-b": "2", "no-c": 1, _: ["--no-x"] });
});

Deno.test("parseArgs() nests dotted names", () => {
  const args = parseArgs(["--a.b", "1", "--a.c.d=x", "--a.e"], { boolean: ["f.g"] });
  assert.deepEqual(args, { a: { b: 1, c: { d: "x" }, e: true }, f: { g: false }, _: [] });
});

Deno.test("parseArgs() leaves prototypes alone, whatever the names", () => {
  const { calls, unknown } = recorder();
  const argv = ["--__proto__.a=1", "--constructor.prototype.b=1", "--toString", "2"];
  const args = parseArgs([...argv, "--valueOf.c=3"], { unknown });
  assert.deepEqual(Object.keys(args).sort(), ["_", "constructor", "toString", "valueOf"]);
  assert.equal(calls.length, 4);
  assert.equal(Object.getPrototypeOf(args), Object.prototype);
  assert.deepEqual(["a", "b"].map((name) => name in {}), [false, false]);
  assert.ok(!("c" in Object.prototype.valueOf));
});

Deno.test("parseArgs() reads an option without a name, rather than fail", () => {
  const { calls, unknown } = recorder(false);
  assert.deepEqual(parseArgs(["--==x", "--=y"], { unknown }), { _: [] });
  assert.deepEqual(calls, [["--==x", "", "=x"], ["--=y", "", "y"]]);
});

Deno.test("parseArgs() leaves what follows -- unread, in _ or apart", () => {
  const argv = ["--a", "--", "-b", "5", "--"];
  assert.deepEqual(parseArgs(argv), { a: true, _: ["-b", "5", "--"] });
  assert.deepEqual(parseArgs(argv, { "--": true }), { a: true, _: [], "--": ["-b", "5", "--"] });
});

Deno.test("parseArgs() stops at the first argument of no option, with stopEarly", () => {
  const args = parseArgs(["--a", "x", "7", "--b", "8", "--", "-c"], { stopEarly: true });
  assert.deepEqual(args, { a: "x", _: [7, "--b", "8", "-c"] });
});

Deno.test("parseArgs() drops what is undeclared, when unknown() returns false", () => {
  const { calls, unknown } = recorder(false);
  const options = { string: "s", boolean: "b", alias: { x: "y" }, unknown };
  const args = parseArgs(["--s", "1", "-b", "-y", "2", "--z=3", "-q", "4", "free"], options);
  assert.deepEqual(args, { s: "1", b: true, x: 2, y: 2, _: [] });
  assert.deepEqual(calls, [["--z=3", "z", "3"], ["-q", "q", undefined], ["free"]]);
});

Deno.test("parseArgs() keeps what is undeclared, when unknown() returns anything else", () => {
  const { calls, unknown } = recorder();
  assert.deepEqual(parseArgs(["--z", "free"], { unknown }), { z: "free", _: [] });
  assert.deepEqual(parseArgs(["--z", "free"], { unknown, boolean: true }), {
    z: true,
    _: ["free"],
  });
  assert.deepEqual(calls, [["--z", "z", undefined], ["free"]]);
});

Deno.test("parseArgs() types what is declared, and calls the rest unknown", () => {
  const args = parseArgs(["--name=a", "-f", "--", "x"], {
    string: ["name", "tag", "out"],
    boolean: "force",
    collect: "tag",
    negatable: "name",
    alias: { f: "force" },
    default: { steps: 5, name: 0 },
    "--": true,
  });
  const typed: {
    name: string | number | false;
    tag: string[];
    out: string | undefined;
    force: boolean;
    _: (string | number)[];
    "--": string[];
  } = args;
  const expected = { name: "a", tag: [], force: true, f: true, steps: 5, _: [], "--": ["x"] };
  assert.deepEqual({ ...typed }, expected);
  // @ts-expect-error: `steps` can be any value, as it is not declared
  const steps: number = args.steps;
  // @ts-expect-error: nothing but what is declared is known
  const other: string | undefined = args.other;
  assert.deepEqual([steps, other], [5, undefined]);
});
