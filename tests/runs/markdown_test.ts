import { assertEquals } from "@std/assert";
import { markdownTable, numbers, paragraph, words } from "../../lib/runs/markdown.ts";

Deno.test("markdownTable() keeps bars and line breaks in their cells", () => {
  assertEquals(
    markdownTable([...words("a"), ...numbers("n")], [["x|y\nz", "1"]]),
    "| a      |  n |\n| ------ | -: |\n| x\\|y z |  1 |",
  );
});

Deno.test("paragraph() breaks lines at 100 characters, but not code", () => {
  const [long, code] = ["x".repeat(90), "`a b c d`,"];
  assertEquals(paragraph(`${long} ${"y".repeat(9)} z`), `${long} ${"y".repeat(9)}\nz`);
  assertEquals(paragraph(`${long}\n  ${code} z`), `${long}\n${code} z`);
  assertEquals(paragraph("z".repeat(120)), "z".repeat(120));
});
