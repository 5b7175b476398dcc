import nodeAssert from "node:assert/strict";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
} from "@std/assert";

/** Expects that assertions fail, each with an AssertionError that matches `message`. */
function fails(message: RegExp, ...assertions: (() => void)[]): void {
  for (const assertion of assertions) {
    nodeAssert.throws(assertion, (error) => {
      nodeAssert.ok(error instanceof AssertionError, String(error));
      nodeAssert.equal(error.name, "AssertionError");
      nodeAssert.match(error.message, message);
      return true;
    });
  }
}

Deno.test("assert() and assertFalse() tell truthy from falsy values", () => {
  for (const value of [true, 1, "0", [], {}]) {
    assert(value);
    fails(/^no$/, () => assertFalse(value, "no"));
  }
  for (const value of [false, 0, -0, 0n, NaN, "", null, undefined]) {
    assertFalse(value);
    fails(/^no$/, () => assert(value, "no"));
  }
});

Deno.test("assert() narrows a type", () => {
  const text: string | undefined = ["a"].at(0);
  assert(text !== undefined);
  nodeAssert.equal(text.length, 1);
});

const cyclic = (name: string): object => {
  const value = { name, self: {} };
  value.self = value;
  return value;
};

Deno.test("equal() is true of values alike in depth", () => {
  const alike: [unknown, unknown][] = [
    [NaN, NaN],
    [0, -0],
    [[0, NaN], [-0, NaN]],
    [{ a: 1, b: { c: [2] } }, { b: { c: [2] }, a: 1 }],
    [{ a: undefined }, { a: undefined }],
    [Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    [{ [Symbol.for("a")]: 1 }, { [Symbol.for("a")]: 1 }],
    [new Date(5), new Date(5)],
    [new Date(NaN), new Date(NaN)],
    [/a/g, /a/g],
    [new URL("https://a.b/"), new URL("https://a.b")],
    [new Set([1, { a: 1 }]), new Set([{ a: 1 }, 1])],
    [new Map([["a", [1]], ["b", [2]]]), new Map([["b", [2]], ["a", [1]]])],
    [new Map([[{ k: 1 }, 0]]), new Map([[{ k: 1 }, -0]])],
    [Float32Array.of(0, NaN), Float32Array.of(-0, NaN)],
    [new Error("a"), new Error("a")],
    [cyclic("a"), cyclic("a")],
  ];
  for (const [a, b] of alike) {
    nodeAssert.ok(equal(a, b), Deno.inspect([a, b]));
    assertEquals(b, a);
    fails(/^Expected values that differ/, () => assertNotEquals(a, b));
  }
});

Deno.test("equal() is false of values that differ anywhere", () => {
  class A {
    x = 1;
  }
  class B {
    x = 1;
  }
  const different: [unknown, unknown][] = [
    [1, "1"],
    [0, false],
    [null, undefined],
    [null, {}],
    [1, 1n],
    [[1, 2], [2, 1]],
    [[1], [1, undefined]],
    [[, 1], [undefined, 1]],
    [[], {}],
    [{ a: undefined }, {}],
    [{ a: undefined }, { b: undefined }],
    [{ [Symbol.for("a")]: 1 }, {}],
    [new A(), new B()],
    [new A(), { x: 1 }],
    [new Date(5), new Date(6)],
    [/a/g, /a/i],
    [new Set([1, 2]), new Set([1, 3])],
    [new Set([{ a: 1 }, { a: 1 }]), new Set([{ a: 1 }, { a: 2 }])],
    [new Map([["a", 1]]), new Map([["a", 2]])],
    [new Map([["a", undefined]]), new Map([["b", undefined]])],
    [Float32Array.of(1), Float32Array.of(2)],
    [Float32Array.of(1), Float64Array.of(1)],
    [Float32Array.of(1), Float32Array.of(1, 1)],
    [Uint8Array.of(1).buffer, Uint8Array.of(2).buffer],
    [new Error("a"), new Error("b")],
    [new Error("a"), new TypeError("a")],
    [() => 1, () => 1],
    [cyclic("a"), cyclic("b")],
  ];
  for (const [a, b] of different) {
    nodeAssert.ok(!equal(a, b), Deno.inspect([a, b]));
    assertNotEquals(b, a);
    fails(/^Values are not equal\./, () => assertEquals(a, b));
  }
});

Deno.test("equal() throws on weak collections, which nobody can look into", () => {
  nodeAssert.throws(() => equal(new WeakMap(), new WeakMap()), TypeError);
  nodeAssert.throws(() => equal([new WeakSet()], [new WeakSet()]), TypeError);
  nodeAssert.ok(!equal(new WeakSet(), new WeakMap()));
});

Deno.test("assertEquals() shows the message and the lines that differ", () => {
  fails(
    /^Values are not equal: mine\n[^]*\+ +a: 1,\n- +a: 2,\n/,
    () => assertEquals({ a: 1, b: 3 }, { a: 2, b: 3 }, "mine"),
  );
  fails(/'up'[^]*'down'/, () => assertEquals("up", "down"));
  fails(/5[^]*6/, () => assertEquals(5, 6));
});

Deno.test("assertStrictEquals() tells values apart as Object.is does", () => {
  const value = {};
  assertStrictEquals(value, value);
  assertStrictEquals(NaN, NaN);
  fails(/alike but not the same/, () => assertStrictEquals({}, {}));
  fails(/^Values are not strictly equal: mine/, () => assertStrictEquals(1, 2, "mine"));
  fails(/-0/, () => assertStrictEquals(0, -0));
});

Deno.test("assertAlmostEquals() is relative to the expected number unless told", () => {
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(1.000000001e-8, 1.000000002e-8);
  assertAlmostEquals(1e9 + 99, 1e9); // 100 is 1e-7 of it
  fails(/differ by 101, more than 100/, () => assertAlmostEquals(1e9 + 101, 1e9));
  fails(/close/, () => assertAlmostEquals(1e-8, 1e-9), () => assertAlmostEquals(1e-9, 0));
  assertAlmostEquals(-0, 0);
});

Deno.test("assertAlmostEquals() takes a tolerance, and numbers that are not finite", () => {
  assertAlmostEquals(1.5, 1, 0.5);
  assertAlmostEquals(NaN, NaN);
  assertAlmostEquals(Infinity, Infinity, 0);
  fails(
    /: mine$/,
    () => assertAlmostEquals(1.5, 1, 0.4, "mine"),
    () => assertAlmostEquals(NaN, 1, 1e9, "mine"),
    () => assertAlmostEquals(Infinity, -Infinity, 0, "mine"),
    () => assertAlmostEquals(1, Infinity, undefined, "mine"),
  );
});

Deno.test("assertThrows() returns what was thrown, of a class and with a text when told", () => {
  const error = new RangeError("\x1b[31mtoo\x1b[0m far");
  const thrower = (): never => {
    throw error;
  };
  nodeAssert.equal(assertThrows(thrower), error);
  nodeAssert.equal(assertThrows(thrower, "mine"), error);
  const same: RangeError = assertThrows(thrower, RangeError, "too far");
  nodeAssert.equal(same, error);
  assertThrows(thrower, Error); // a descendant will do
  fails(
    /instance of TypeError, but was RangeError: mine/,
    () => assertThrows(thrower, TypeError, "", "mine"),
  );
  fails(
    /include "near", but got .*too.*: mine$/,
    () => assertThrows(thrower, RangeError, "near", "mine"),
  );
});

Deno.test("assertThrows() fails when nothing is thrown, or no Error where one is asked for", () => {
  fails(/^Expected function to throw\.$/, () => assertThrows(() => 1));
  fails(
    /^Expected function to throw: mine$/,
    () => assertThrows(() => 1, "mine"),
    () => assertThrows(() => 1, Error, "", "mine"),
  );
  const textThrower = (): never => {
    throw "a text";
  };
  nodeAssert.equal(assertThrows(textThrower), "a text");
  fails(/^Expected an error/, () => assertThrows(textThrower, Error));
});

Deno.test("assertRejects() resolves to what was rejected, of a class and with a text when told", async () => {
  const error = new RangeError("too far");
  const rejecter = (): Promise<never> => Promise.reject(error);
  nodeAssert.equal(await assertRejects(rejecter), error);
  const same: RangeError = await assertRejects(rejecter, RangeError, "far");
  nodeAssert.equal(same, error);
  await nodeAssert.rejects(assertRejects(rejecter, TypeError), /but was RangeError/);
  await nodeAssert.rejects(assertRejects(rejecter, Error, "near"), /to include "near"/);
});

Deno.test("assertRejects() fails when a promise resolves, or there is none", async () => {
  await nodeAssert.rejects(assertRejects(() => Promise.resolve(), "mine"), {
    name: "AssertionError",
    message: "Expected function to reject: mine",
  });
  const thrower = (): never => {
    throw new RangeError("too soon");
  };
  await nodeAssert.rejects(assertRejects(thrower, RangeError), /throws when expected to reject/);
  await nodeAssert.rejects(
    assertRejects(() => 1 as unknown as Promise<number>),
    /Expected function to return a promise/,
  );
});

Deno.test("assertStringIncludes() and assertMatch() find a part of a text", () => {
  assertStringIncludes("a nail", "nail");
  assertMatch("step 12", /\d+/);
  fails(/'a nail' to contain 'inch': mine$/, () => assertStringIncludes("a nail", "inch", "mine"));
  fails(/'a nail' to match \/\\d\/: mine$/, () => assertMatch("a nail", /\d/, "mine"));
});

Deno.test("assertExists() is about null and undefined alone", () => {
  for (const value of [0, "", false, NaN]) assertExists(value);
  fails(/null/, () => assertExists(null));
  fails(/undefined.*: mine$/, () => assertExists(undefined, "mine"));
});

Deno.test("assertGreater() and its kin compare, and fail on NaN", () => {
  assertGreater(2, 1);
  assertGreaterOrEqual(2, 2);
  assertLess("a", "b");
  assertLessOrEqual(2n, 2n);
  fails(
    /: mine$/,
    () => assertGreater(2, 2, "mine"),
    () => assertGreaterOrEqual(1, 2, "mine"),
    () => assertLess(2, 2, "mine"),
    () => assertLessOrEqual(2, 1, "mine"),
    () => assertGreaterOrEqual(NaN, NaN, "mine"),
    () => assertLessOrEqual(NaN, NaN, "mine"),
  );
  fails(/^Expected 1 > 2\.$/, () => assertGreater(1, 2));
});

Deno.test("assertInstanceOf() takes descendants", () => {
  assertInstanceOf(new RangeError(), Error);
  fails(/instance of Date: mine\n\n\{\}$/, () => assertInstanceOf({}, Date, "mine"));
  fails(/null/, () => assertInstanceOf(null, Object));
});

Deno.test("fail() always fails", () => {
  fails(/^Failed assertion\.$/, () => fail());
  fails(/^Failed assertion: mine$/, () => fail("mine"));
});
