import { assertEquals } from "@std/assert";
import { masking, unmask } from "../../lib/text/special_spellings.ts";

Deno.test("masking() breaks up every spelling, those that overlap too", () => {
  const mask = masking(["ab", "bc", "<end>"]);
  for (const text of ["abc", "ababab", "<end>", "<<end>end>", "x<end><end>y"]) {
    const masked = mask(text);
    for (const spelling of ["ab", "bc", "<end>"]) assertEquals(masked.includes(spelling), false);
    assertEquals(unmask(masked), text);
  }
});

Deno.test("masking() leaves all other text as it is", () => {
  for (const text of ["", "a b c", "<End> <en", "\u{10000}\u{1F600}", "a.b"]) {
    assertEquals(masking(["<end>", "a|b", "axb"])(text), text);
    assertEquals(unmask(text), text);
  }
  assertEquals(masking([])("<end>"), "<end>");
});

Deno.test("masking() puts U+FFFD for what no UTF-8 holds, so that no text has the mark", () => {
  assertEquals(masking(["<end>"])("a\uD800b\uDC00"), "a\uFFFDb\uFFFD");
  assertEquals(masking([])("\uD800"), "\uFFFD");
});

Deno.test("unmask() spares the pairs whose first half the mark is", () => {
  const text = "<\u{10000}end><end>\u{10400}"; // Linear B; U+10000 is D800 DC00
  assertEquals(unmask(masking(["<end>"])(text)), text);
});
