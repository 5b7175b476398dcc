import { assertEquals } from "@std/assert";
import { extractAnswer, extractGold } from "../../lib/grading/extract.ts";

/** Completions, what is found in them, and by which rule. */
const FOUND: readonly (readonly [completion: string, text: string, rule: string])[] = [
  ["So it is \\boxed{5}.", "5", "boxed"],
  ["\\boxed 5 and no more", "5", "boxed"],
  ["\\fbox{7}", "7", "boxed"],
  ["$\\framebox{204}$ minutes", "204", "boxed"],
  ["\\boxed{\\frac{1}{\\sqrt{2}}}", "\\frac{1}{\\sqrt{2}}", "boxed"],
  ["\\boxed{\\{1, 2\\}}", "\\{1, 2\\}", "boxed"],
  ["First \\boxed{3}. Wait, no: \\boxed{4}.", "4", "boxed"],
  ["$\\boxed{1}$ and $\\boxed{2}$", "1, 2", "boxed"],
  ["\\boxed{3} or \\boxed{4}", "3, 4", "boxed"],
  ["\\boxed{143} **Final Answer** \\boxed{143}", "143", "boxed"],
  ["\\boxed{143}, that is, \\boxed{143}", "143", "boxed"],
  ["It grew by $\\boxed{28}$ percent.", "28\\%", "boxed"],
  ["It grew by \\boxed{28}\\%.", "28\\%", "boxed"],
  ["The angle is $\\boxed{41.8}^{\\circ}$.", "41.8^{\\circ}", "boxed"],
  ["I write \\boxed{5}, then \\boxed{6", "5", "boxed"],
  ["<answer> 12 </answer>", "12", "tag"],
  ["<answer>The answer is 12.</answer>", "12", "tag"],
  ["<answer>1</answer> no, <answer>2</answer>", "2", "tag"],
  ["3 + 4 = 7\n#### 7", "7", "hashes"],
  ["#### 7\nI hope this helps 12 people.", "7", "hashes"],
  ["The answer is 18.", "18", "phrase"],
  ["The answer is 5.5", "5.5", "phrase"],
  ["The answer is **18**.", "18", "phrase"],
  ["The answer is $18.", "$18", "phrase"],
  ["The answer is $1,234.56.", "$1,234.56", "phrase"],
  ["The answer is: $\\frac{1}{2}$.", "$\\frac{1}{2}$", "phrase"],
  ["**Final Answer**: 5", "5", "phrase"],
  ["Final Answer: The final answer is $28 \\%$. I hope it is correct.", "$28 \\%$", "phrase"],
  ["Final Answer: The largest $n$ is 34.", "34", "phrase"],
  ["The answer is 18 dollars because 9 * 2 = 18.", "18 dollars", "phrase"],
  ["The answer is 3 or 4.", "3 or 4", "phrase"],
  ["The answer to 3 + 4 is 7.", "7", "phrase"],
  ["The answer is therefore equal to 7.", "7", "phrase"],
  ["The answer would be 7.", "7", "phrase"],
  ["The answer is 5. No: the answer is 7.", "7", "phrase"],
  ["Answer: (B)", "(B)", "phrase"],
  ["1/2=0.5#0.5", "0.5", "hash"],
  ["#42", "42", "hash"],
  ["42", "42", "whole"],
  ["x = 3 or x = -2", "x = 3 or x = -2", "whole"],
  ["5 square units", "5 square units", "whole"],
  ["Evelyn", "Evelyn", "whole"],
  ["the north-east corner", "the north-east corner", "whole"],
  ["She makes $18 every day at the market.", "$18", "last number"],
  ["She has 3 apples and 5 pears, so 8 in total.", "8", "last number"],
  ["So they raised 1,234,567 dollars in all.", "1,234,567", "last number"],
  ["The solutions are x = 1 and x = 2.", "1, 2", "last number"],
  ["It is 4, not 5.", "4", "last number"],
  ["The point is (3, 4).", "(3, 4)", "last formula"],
  ["So the winner is Alice.", "Alice.", "whole"],
  ["the answer is 7</s>", "7", "phrase"],
  ["Therefore the chance is 2/3.", "2/3", "last number"],
  ["It falls to -5 degrees.", "-5", "last number"],
  ["That increases it by 100%.", "100%", "last number"],
  ["They pay $5 for each and $12 in all.", "$12", "last number"],
  ["Therefore $x \\geq 5$ is the solution.", "x \\geq 5", "last formula"],
  ["We conclude that \\(n = 4\\).", "n = 4", "last formula"],
  ["Hence we get\n\\[ 9 \\]", "9", "last formula"],
  ["Therefore the value is \\frac{1}{2}.", "\\frac{1}{2}", "last formula"],
  ["Therefore we have x = \\frac{1}{2} + 3.", "x = \\frac{1}{2} + 3", "last formula"],
  ["The solutions are 1 and 2.", "1, 2", "last number"],
  ["The roots are $x = 1$ and $x = 2$.", "x = 1, x = 2", "last formula"],
  ["It is 3 or 4.", "3, 4", "last number"],
  ["The answers are 1, 2, and 3.", "1, 2, and 3", "phrase"],
  ["The answer is not 5.", "not 5", "phrase"],
  ["The correct option is (A) 12 meters.", "(A) 12 meters", "phrase"],
  [
    "Adding up:\n\\begin{align*} x &= 4 + 5 \\\\ &= 9 \\end{align*}",
    "x = 4 + 5 = 9",
    "last formula",
  ],
  ["\\begin{equation*} 9 \\end{equation*}", "9", "whole"],
  ["Therefore, x = 5.", "x = 5.", "whole"],
  ["It is 4, since 5 is odd.", "4", "last number"],
  ["It is 12. Is it also 13?", "12", "last number"],
  ["<think>maybe \\boxed{3}</think>The result is \\boxed{4}", "4", "boxed"],
  ["<think>maybe \\boxed{3}</think>It comes to 4 in all.", "4", "last number"],
  ["<think>it is \\boxed{3}</think>", "3", "boxed"],
  ["The result is 2/3. <|im_end|>\n<|im_start|>user\nAnd 7?", "2/3", "last number"],
  ["\0\\boxed{5}\0", "5", "boxed"],
];

for (const [completion, text, rule] of FOUND) {
  Deno.test(`extractAnswer() finds ${JSON.stringify(text)} by ${rule} in ${JSON.stringify(completion)}`, () => {
    assertEquals(extractAnswer(completion), { text, rule });
  });
}

Deno.test("extractAnswer() finds nothing where there is nothing", () => {
  for (const completion of ["", " \n ", "\0", "<think></think>", "<|im_end|>"]) {
    assertEquals(extractAnswer(completion), undefined, JSON.stringify(completion));
  }
});

Deno.test("extractAnswer() looks at the end of a long text only, in time that its length bounds", () => {
  const started = performance.now();
  assertEquals(extractAnswer("word ".repeat(2e6) + "so \\boxed{5}")?.text, "5");
  for (const bait of ["\\boxed{", "answer ", "$", "\\(", "####", "<answer>", " ", "x^", "1,000"]) {
    extractAnswer(bait.repeat(1e6));
  }
  assertEquals(performance.now() - started < 5000, true);
});

Deno.test("extractGold() takes a gold as it stands, a worked solution by its answer", () => {
  assertEquals(extractGold("$n=1, 2, 3$")?.text, "$n=1, 2, 3$");
  assertEquals(extractGold("\\text{(B)}")?.text, "\\text{(B)}");
  assertEquals(extractGold("Natalia sold 48/2 = <<48/2=24>>24 clips.\n#### 72")?.text, "72");
  assertEquals(extractGold("We get $x = 2$, so $x^2 = \\boxed{4}$.")?.text, "4");
  assertEquals(
    extractGold("After 2 steps the final answer is $28$. Note: see above.")?.text,
    "$28$",
  );
});
