import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { countdown, evaluateExpression, solveCountdown } from "../../datasets/countdown.ts";
import { questionsOf, type Split, splitOf } from "../../lib/data/question.ts";

const SPLITS: readonly Split[] = ["train", "validation", "ood"];

/** The numbers and the target of a prompt. */
function partsOf(prompt: string): { numbers: number[]; target: number } {
  const [numbers, target] = prompt.slice(0, -1).split(">") as [string, string];
  return { numbers: numbers.split(" ").map(Number), target: Number(target) };
}

Deno.test("countdown() rejects options out of range, naming the option", () => {
  for (const numbers of [1, 6, 2.5, NaN]) {
    assertThrows(
      () => countdown({ numbers }),
      RangeError,
      "numbers must be a whole number in [2, 5]",
    );
  }
  for (const maxNumber of [0, 101]) {
    assertThrows(() => countdown({ maxNumber }), RangeError, "maxNumber");
  }
  for (const size of [0, 2.5]) assertThrows(() => countdown({ size }), RangeError, "size");
  for (const seed of [-1, 0.5]) assertThrows(() => countdown({ seed }), RangeError, "seed");
  assertThrows(() => countdown({ split: "test" as Split }), RangeError, "split");
  assertThrows(() => countdown({ size: 3 }).question(3), RangeError, "[0, 3)");
});

Deno.test("countdown() ends with an error when its options leave no question", () => {
  // Of two ones only `1 1>2:` can be asked, and it lies in one split.
  const possible = (["train", "validation"] as const).filter((split) => {
    try {
      return countdown({ numbers: 2, maxNumber: 1, split }).question(0).prompt === "1 1>2:";
    } catch (error) {
      assert(error instanceof RangeError);
      assert(error.message.includes("must leave a question"));
      return false;
    }
  });
  assertEquals(possible, [splitOf("1 1>2:")].filter((split) => split !== "ood"));
});

Deno.test("countdown() gives the same questions for the same seed, others for another", () => {
  const first = questionsOf(countdown({ size: 50 }));
  assertEquals(questionsOf(countdown({ size: 50 })), first);
  assertEquals(countdown().question(49), first[49]); // whatever its size
  assertNotEquals(questionsOf(countdown({ size: 50, seed: 2 })), first);
});

Deno.test("countdown() keeps its ranges, and one more number in ood", () => {
  for (const split of SPLITS) {
    for (const { prompt, answer } of questionsOf(countdown({ numbers: 3, maxNumber: 12, split }))) {
      const { numbers, target } = partsOf(prompt);
      assertEquals(numbers.length, split === "ood" ? 4 : 3);
      assert(numbers.every((number) => number >= 1 && number <= 12));
      assertEquals(numbers, numbers.toSorted((a, b) => b - a));
      assert(target >= 1 && target <= 999 && !numbers.includes(target));
      assertEquals(String(target), answer);
    }
  }
});

Deno.test("countdown() gives every demonstration full reward", () => {
  for (const split of SPLITS) {
    for (const [numbers, size] of [[2, 300], [4, 300], [5, 30]] as const) {
      const dataset = countdown({ numbers, size, split });
      for (const question of questionsOf(dataset)) {
        const reward = dataset.reward(question, question.demonstration!);
        assertEquals(reward, { total: 1, correct: true, parts: { format: 1, correct: 1 } });
      }
    }
  }
});

Deno.test("countdown() demonstrates true steps that use only numbers at hand", () => {
  for (const { prompt, demonstration } of questionsOf(countdown({ size: 200 }))) {
    const { numbers, target } = partsOf(prompt);
    const [work] = demonstration!.split("#") as [string];
    for (const step of work.split(",")) {
      const [operation, result] = step.split("=") as [string, string];
      const evaluated = evaluateExpression(operation);
      assertEquals(evaluated?.value, Number(result));
      for (const number of evaluated!.numbers) {
        assert(numbers.includes(number));
        numbers.splice(numbers.indexOf(number), 1);
      }
      numbers.push(Number(result));
    }
    assertEquals(numbers.at(-1), target);
  }
});

Deno.test("countdown() never has a prompt in two splits, whatever its other options", () => {
  for (const [numbers, maxNumber] of [[2, 5], [3, 5]] as const) { // small, so they are drawn dry
    for (const split of SPLITS) {
      const dataset = countdown({ numbers, maxNumber, split, size: 400 });
      for (const { prompt } of questionsOf(dataset)) assertEquals(splitOf(prompt), split);
    }
  }
});

Deno.test("countdown() accepts any expression that keeps the rules", async () => {
  const dataset = countdown();
  const question = { id: "0", prompt: "25 7 4 3>88:", answer: "88" };
  for (const completion of ["#(25-3)*4", "any work#4*(25-3)", "25-3=21#((25)-3)*((4))"]) {
    assertEquals((await dataset.reward(question, completion)).total, 1);
  }
});

Deno.test("countdown() gives nothing for a completion that breaks a rule", () => {
  const dataset = countdown();
  const question = { id: "0", prompt: "25 7 4 3>88:", answer: "88" };
  const formats: [string, number][] = [
    ["", 0],
    ["#", 0],
    ["(25-3)*4", 0], // no mark
    ["the answer is 88", 0],
    ["#88", 1], // not given
    ["#4*25-4*3", 1], // uses 4 twice
    ["#(25-3)*4+7-7", 1], // uses 7 twice
    ["#25+7+4+3", 1], // another value
    ["#(25-3)*4 ", 0],
    ["#(25-3)*4\n", 0],
    ["#(25-3)*4=88", 0],
    ["#25#(25-3)*4", 0], // a list of guesses
    ["#(25-3)*4#", 0],
    ["#(025-3)*4", 0],
    ["#(25-3)×4", 0],
    ["#(25-3)**4", 0],
    ["#(25-3)4", 0],
    ["#(25 - 3) * 4", 0],
    ["#+(25-3)*4", 0],
    ["#(25-3)*4)", 0],
    ["#((25-3)*4", 0],
    ["#()", 0],
    ["#25/(7-4-3)", 0], // by zero
    ["#(3-25)*(7-4)", 0], // negative on the way
    ["#7/4*25", 0], // not whole on the way
    ["#2.5e1", 0],
    ["#process.exit()", 0],
    ["#" + "(".repeat(100_000), 0],
    ["#" + "(".repeat(50_000) + "88" + ")".repeat(50_000), 0],
    ["#88" + "+0".repeat(50_000), 1],
    ["#" + "9".repeat(100_000), 0],
    ["#99999999999999" + "*99999999999999".repeat(5_000), 0],
    ["#constructor", 0],
  ];
  for (const [completion, format] of formats) {
    const reward = dataset.reward(question, completion);
    const expected = { total: 0, correct: false, parts: { format, correct: 0 } };
    assertEquals(reward, expected, completion.slice(0, 40));
  }
});

Deno.test("countdown() throws for a question that is not its own, as that is a bug", () => {
  const question = { id: "0", prompt: "2+2=", answer: "4" };
  assertThrows(() => countdown().reward(question, "#4"), TypeError, '"2+2="');
});

Deno.test("evaluateExpression() binds products before sums and goes from left to right", () => {
  const values = { "2+3*4": 14, "(2+3)*4": 20, "9-4-3": 2, "24/4/3": 2, "24/4*3": 18, "0": 0 };
  for (const [text, value] of Object.entries(values)) {
    assertEquals(evaluateExpression(text)?.value, value);
  }
});

Deno.test("solveCountdown() finds a shortest solution, or that there is none", () => {
  assertEquals(solveCountdown([10, 5, 2], 50)?.steps, ["10*5=50"]);
  assertEquals(solveCountdown([6, 3, 2], 1)?.steps.length, 1); // 3 - 2, not 6 / 3 - ...
  assertEquals(solveCountdown([9, 7], 3), undefined);
  assertEquals(solveCountdown([25, 7, 4], 0), undefined);
});
