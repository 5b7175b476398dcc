import { assertEquals } from "@std/assert";
import { lastBoxed } from "../../lib/data/boxed.ts";

Deno.test("lastBoxed() takes the last group that is closed, braces and all", () => {
  const cases: [string, string | undefined][] = [
    ["\\boxed{1} and \\boxed{2}", "2"],
    ["\\boxed{ \\frac{1}{\\sqrt{2}} }.", "\\frac{1}{\\sqrt{2}}"],
    ["\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"],
    ["\\boxed {4.5e33} \\mathrm{ergs}", "4.5e33"],
    ["\\fbox{7}", "7"],
    ["\\boxed{1} then \\boxed{2", "1"],
    ["\\boxed{}", ""],
    ["boxed{1}", undefined],
    ["", undefined],
  ];
  for (const [text, boxed] of cases) assertEquals(lastBoxed(text), boxed, text);
});

Deno.test("lastBoxed() takes linear time on what never closes", () => {
  const start = performance.now();
  assertEquals(lastBoxed("{".repeat(100_000) + "\\boxed{"), undefined);
  assertEquals(lastBoxed("\\boxed{".repeat(2000)), undefined);
  if (performance.now() - start > 5000) throw new Error("it took more than 5 s");
});
