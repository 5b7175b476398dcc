// deno-lint-ignore-file no-console -- a library that is missing is told
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Blas,
  chooseFastest,
  chooseOnce,
  findBlas,
  openBlas,
} from "../../lib/compute/blas_library.ts";

/** A library that was found, but not opened. */
function found(library: string, { details = "1.0", threads = 2 } = {}): Blas {
  return { name: library, library, details, threads, sgemm: () => {} };
}

const [SLOW, FAST] = [found("libslow.so"), found("libfast.so")];

/** Tells times, and how often it was asked. */
function stopwatch(
  times: Readonly<Record<string, number>> = { "libslow.so": 3, "libfast.so": 2 },
): ((candidate: Blas) => number) & { asked: number } {
  const time = ({ library }: Blas) => {
    time.asked++;
    return times[library]!;
  };
  time.asked = 0;
  return time;
}

/** Runs with the path of a file that is not there yet, in a folder that is not there either. */
async function withMemory(body: (memory: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    body(`${folder}/cache/blas.json`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("chooseFastest() takes the least time, and the first of two alike", () => {
  const times = { tortoise: 9, hare: 2, fox: 2, snail: Infinity };
  const names = ["tortoise", "hare", "fox", "snail"] as const;
  assertEquals(chooseFastest(names, (name) => times[name]), "hare");
  assertEquals(chooseFastest(["snail"] as const, (name) => times[name]), "snail");
});

Deno.test("chooseOnce() takes the only library without a trial or a file", async () => {
  await withMemory((memory) => {
    const time = stopwatch();
    assertEquals(chooseOnce([SLOW], memory, time), SLOW);
    assertEquals(chooseOnce([], memory, time), undefined);
    assertEquals(time.asked, 0);
    assertThrows(() => Deno.statSync(memory), Deno.errors.NotFound);
  });
});

Deno.test("chooseOnce() tries several libraries once, and remembers the fastest", async () => {
  await withMemory((memory) => {
    const time = stopwatch();
    assertEquals(chooseOnce([SLOW, FAST], memory, time), FAST);
    assertEquals(time.asked, 2);
    const now = stopwatch({ "libslow.so": 1, "libfast.so": 2 }); // it would choose otherwise
    assertEquals(chooseOnce([SLOW, FAST], memory, now), FAST);
    assertEquals(now.asked, 0);
  });
});

Deno.test("chooseOnce() tries again when a library is new, other or has other threads", async () => {
  await withMemory((memory) => {
    for (
      const candidates of [
        [SLOW, FAST],
        [SLOW, FAST, found("libnew.so")],
        [SLOW, found("libfast.so", { details: "1.1" })],
        [found("libslow.so", { threads: 1 }), FAST],
      ]
    ) {
      const time = stopwatch({ "libslow.so": 3, "libfast.so": 2, "libnew.so": 1 });
      const fastest = chooseOnce(candidates, memory, time);
      assertEquals(fastest!.library, candidates.length === 3 ? "libnew.so" : "libfast.so");
      assertEquals(time.asked, candidates.length);
    }
    const time = stopwatch();
    assertEquals(chooseOnce([SLOW, FAST], memory, time), FAST); // and the first list is kept
    assertEquals(time.asked, 0);
  });
});

Deno.test("chooseOnce() replaces a file that is not what it wrote", async () => {
  await withMemory((memory) => {
    chooseOnce([SLOW, FAST], memory, stopwatch());
    const whole = Deno.readTextFileSync(memory);
    const other = whole.replace(/"libfast.so"/, '"libgone.so"');
    for (const text of ["", "{", "null", "3", "[]", whole.slice(0, -9), "{}", other]) {
      Deno.writeTextFileSync(memory, text);
      const time = stopwatch();
      assertEquals(chooseOnce([SLOW, FAST], memory, time), FAST);
      assertEquals(time.asked, 2, text);
      assertEquals(Deno.readTextFileSync(memory), whole);
    }
  });
});

Deno.test("chooseOnce() does without a file that cannot be read or written", async () => {
  await withMemory((memory) => {
    Deno.mkdirSync(memory, { recursive: true }); // a folder of that name
    for (const path of [memory, `${memory}\0`, undefined]) {
      const time = stopwatch();
      assertEquals(chooseOnce([SLOW, FAST], path, time), FAST);
      assertEquals(time.asked, 2);
    }
  });
});

Deno.test({
  name: "chooseOnce() does without a file where none may be read or written",
  permissions: { read: false, write: false },
  fn(): void {
    const time = stopwatch();
    assertEquals(chooseOnce([SLOW, FAST], "/tmp/relift-lab-test/blas.json", time), FAST);
    assertEquals(time.asked, 2);
  },
});

for (const permissions of [{ ffi: false }, "none"] as const) {
  Deno.test({
    name: `findBlas() finds nothing where libraries may not be opened: ${
      Deno.inspect(permissions)
    }`,
    permissions,
    fn: () => assertEquals(findBlas(), undefined),
  });
}

Deno.test({
  name: "findBlas() finds a library where nothing but opening it is allowed",
  permissions: { ffi: true },
  sanitizeResources: false, // a library stays open
  fn(): void {
    const blas = findBlas();
    if (!blas) return console.warn("skipped: no BLAS library was found");
    assertEquals(openBlas(blas.library).name, blas.name);
  },
});

Deno.test({
  name: "openBlas() gives a function that multiplies",
  sanitizeResources: false, // a library stays open
  fn(): void {
    const blas = findBlas();
    if (!blas) return console.warn("skipped: no BLAS library was found");
    const { name, details, threads, sgemm } = openBlas(blas.library);
    assert(name !== "" && details.length >= name.length && threads !== 0);
    // [1 2 3] [1 4]^T   [14  32]     twice that, and once what was there
    // [4 5 6] [2 5]   = [32  77]
    //         [3 6]
    const numbers = new Float32Array([1, 2, 3, 4, 5, 6, 1000, 2000, 3000, 4000]);
    const at = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(numbers)));
    sgemm(101, 111, 112, 2, 2, 3, 2, at, 3, at, 3, 1, at + 24n, 2);
    assertEquals(numbers.subarray(6), new Float32Array([1028, 2064, 3064, 4154]));
  },
});

Deno.test("openBlas() refuses a name it does not look for", () => {
  assertThrows(() => openBlas("libevil.so"), RangeError, "current value is libevil.so");
});
