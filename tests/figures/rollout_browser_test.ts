import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { rolloutBrowser, tokenTable } from "../../lib/figures/rollout_browser.ts";
import type { Group } from "../../lib/grading/group.ts";
import type { Completion } from "../../lib/rollout/rollout.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { inChromium } from "../_chromium.ts";

const tokenizer = charTokenizer();
const HOSTILE = `<script>throw "hostile"</script><img src=x onerror='throw 1'>"&`;

/** A completion whose every token has a log-probability. */
function completion(text: string, logProb: number, rest: Partial<Completion> = {}): Completion {
  const tokens = [...tokenizer.encode(text), tokenizer.eosTokenId];
  const logProbs = tokens.map(() => logProb);
  const scores = { logProbs, samplingLogProbs: logProbs, entropy: 0 };
  return { tokens, text, ...scores, finishReason: "stop", ...rest };
}

/** A group of completions, those with `#` right. */
function group(prompt: string, completions: readonly Completion[]): Group {
  const rewards = completions.map(({ text }) => {
    const correct = text.includes("#");
    return { total: Number(correct), correct, parts: { format: 0.5, correct: Number(correct) } };
  });
  const accuracy = rewards.filter(({ correct }) => correct).length / rewards.length;
  const question = { id: prompt, prompt, answer: "12" };
  return { question, prompt: tokenizer.encode(prompt), completions, rewards, accuracy };
}

const GROUPS = [
  group("7+5=", [
    completion("2#12", -0.05),
    completion("9", -3),
    completion("7+5", -0.7, { finishReason: "length" }),
    completion("?", -10),
  ]),
  group("1+1=", [completion("8", -1.5), completion("88", -1.5)]),
];

/** The texts of a table, row by row. */
function texts(html: string): string[][] {
  return html.split("</table>")[0]!.split("<tr>").slice(1).map((row) =>
    row.split(/<t[dh]/).slice(1).map((cell) =>
      cell.replace(/^[^>]*>/, "").replaceAll(/<[^>]*>/g, "").trim()
    )
  );
}

Deno.test("rolloutBrowser() has a row for each completion, as the groups come", () => {
  assertEquals(texts(rolloutBrowser(GROUPS, { tokenizer })), [
    [
      ...["question", "answer", "completion", "Σ log p", "right"],
      ...["reward", "format", "A", "tokens", "ended"], // the part "correct" would repeat "right"
    ],
    // advantages: rewards 1, 0, 0, 0 less their mean 1/4; Σ: five tokens of -0.05
    ["7+5=", "12", "2#12[EOS]", "−0.25", "✓", "1", "0.5", "0.750", "5", "EOS"],
    ["7+5=", "12", "9[EOS]", "−6.00", "✗", "0", "0.5", "−0.250", "2", "EOS"],
    ["7+5=", "12", "7+5[EOS]", "−2.80", "✗", "0", "0.5", "−0.250", "4", "cut off"],
    ["7+5=", "12", "?[EOS]", "−20.00", "✗", "0", "0.5", "−0.250", "2", "EOS"],
    ["1+1=", "12", "8[EOS]", "−3.00", "✗", "0", "0.5", "0.000", "2", "EOS"],
    ["1+1=", "12", "88[EOS]", "−4.50", "✗", "0", "0.5", "0.000", "3", "EOS"],
  ]);
});

Deno.test("rolloutBrowser() takes other advantages", () => {
  const doubled = (rewards: readonly number[]) => rewards.map((reward) => 2 * reward);
  const [, first] = texts(rolloutBrowser(GROUPS, { tokenizer, advantages: doubled }));
  assertEquals(first![7], "2.000");
});

Deno.test("rolloutBrowser() colours unlikely tokens as its scale says, with the number to point at", () => {
  const html = rolloutBrowser(GROUPS, { tokenizer });
  const ground = (opacity: number) => ` style="background-color:rgba(213,94,0,${opacity})"`;
  assertStringIncludes(html, `<span${ground(0.3)}>&nbsp;−0.5 to −1&nbsp;</span>`);
  assertStringIncludes(html, `<span${ground(0.3)} title="−0.70 nats">7</span>`);
  assertStringIncludes(html, `<span${ground(0.8)}>&nbsp;below −4&nbsp;</span>`);
  assertStringIncludes(html, `<span${ground(0.8)} title="−10.00 nats">?</span>`);
  assertStringIncludes(html, `<span title="−0.05 nats">2</span>`); // likely: the page's own ground
});

Deno.test("rolloutBrowser() shows likely tokens as 0, line breaks, and what it started from", () => {
  const started = completion("b\n", -1e-9, { text: "a\nb\n" });
  const html = rolloutBrowser([group("x", [started])], { tokenizer });
  assertStringIncludes(html, `<small>a\n</small><span title="0.00 nats">b</span>`);
  assertStringIncludes(html, `<span title="0.00 nats">↵\n</span>`);
});

Deno.test("rolloutBrowser() escapes every text that comes from outside", () => {
  const hostile = group(HOSTILE, [completion(HOSTILE, -1)]);
  const question = { ...hostile.question, answer: HOSTILE };
  const rewards = [{ total: 0, correct: false, parts: { [HOSTILE]: 0 } }];
  const html = rolloutBrowser([{ ...hostile, question, rewards }], { tokenizer });
  assertEquals(html.match(/<script/g)?.length, 1); // the one that sorts
  assertFalse(html.includes("<img"));
  assertEquals(
    texts(html)[1]![1],
    HOSTILE.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
      .replaceAll('"', "&quot;"),
  );
});

Deno.test("rolloutBrowser() leaves a part blank where a reward lacks it, and takes no groups", () => {
  const lacking = group("1+1=", [completion("2", -1)]);
  const rewards = [{ total: 0, correct: false, parts: {} }];
  const [, ...rows] = texts(rolloutBrowser([GROUPS[0]!, { ...lacking, rewards }], { tokenizer }));
  assertEquals(rows.at(-1)!.slice(5, 8), ["0", "–", "–"]); // and now "correct" tells something
  assertEquals(texts(rolloutBrowser([], { tokenizer })).length, 1);
});

Deno.test("tokenTable() has a row for each sequence, and no script", () => {
  const [before, after] = [completion("12", -2.5), completion("12", -0.05)];
  const html = tokenTable(
    [{ label: "before <it>", ...before }, { label: "after", ...after }],
    { tokenizer },
  );
  assertEquals(texts(html), [
    ["", "completion", "Σ log p", "tokens"],
    ["before &lt;it>", "12[EOS]", "−7.50", "3"],
    ["after", "12[EOS]", "−0.15", "3"],
  ]);
  assertFalse(html.includes("<script"));
});

Deno.test("tokenTable() shows tokens without a text by their number", () => {
  const row = { label: "", tokens: [tokenizer.padTokenId], logProbs: [-1] };
  assertStringIncludes(tokenTable([row], { tokenizer }), `[${tokenizer.padTokenId}]`);
});

inChromium("rolloutBrowser() sorts by what is clicked, one table and the next", async (page) => {
  const html = rolloutBrowser([...GROUPS, group(HOSTILE, [completion(HOSTILE, -1)])], {
    tokenizer,
  });
  await page.setContent(`<!DOCTYPE html>${html}${rolloutBrowser(GROUPS, { tokenizer })}`);
  const completions = (table: number): Promise<string[]> =>
    page.locator("table").nth(table).locator("tbody tr td:nth-child(3)").allTextContents();
  const head = (name: string) => page.locator("table").first().locator("th", { hasText: name });
  const given = await completions(0);
  assertEquals(given.at(-1), `${HOSTILE}[EOS]`);

  await head("tokens").click();
  const byLength = await completions(0);
  // the three of two tokens stay in their order
  assertEquals(byLength.slice(0, 4), ["9[EOS]", "?[EOS]", "8[EOS]", "88[EOS]"]);
  assertEquals(await head("tokens").getAttribute("aria-sort"), "ascending");
  assertStringIncludes(await head("tokens").textContent() ?? "", "▲");

  await head("tokens").press("Enter");
  assertEquals((await completions(0))[0], `${HOSTILE}[EOS]`);
  assertEquals(await head("tokens").getAttribute("aria-sort"), "descending");

  await head("Σ log p").click();
  assertEquals((await completions(0)).at(-1), "2#12[EOS]"); // by number, not by text
  assertEquals(await head("tokens").getAttribute("aria-sort"), null);

  await head("question").click();
  assertEquals(await completions(0), given); // back to how they came
  assertEquals(await completions(1), given.slice(0, -1)); // the other table never moved
  await page.locator("table").nth(1).locator("th", { hasText: "Σ log p" }).click();
  assertEquals((await completions(1))[0], "?[EOS]");
});

inChromium("rolloutBrowser() can be read on a light and on a dark page", async (page) => {
  const contrasts: number[] = [];
  for (const [ink, ground] of [["#222222", "#ffffff"], ["#eeeeee", "#111111"]] as const) {
    await page.setContent(
      `<body style="color:${ink};background:${ground}">${rolloutBrowser(GROUPS, { tokenizer })}`,
    );
    contrasts.push(...await page.locator("p > span").evaluateAll(contrastsOf, ground));
  }
  assertEquals(contrasts.length, 12);
  assert(Math.min(...contrasts) > 4.5, `least contrast is ${Math.min(...contrasts)}`); // WCAG AA
});

/** Runs in the page: the contrast of each element's ink with its ground. */
function contrastsOf(elements: unknown[], page: string): number[] {
  // deno-lint-ignore no-explicit-any -- the page's own global
  const { getComputedStyle } = globalThis as any;
  const luminance = (color: readonly number[]): number => {
    const [red, green, blue] = color.map((value) =>
      value <= 10 ? value / 3295 : ((value / 255 + 0.055) / 1.055) ** 2.4
    ) as [number, number, number];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const below = [1, 3, 5].map((at) => parseInt(page.slice(at, at + 2), 16));
  return elements.map((element) => {
    const { color, backgroundColor } = getComputedStyle(element);
    const numbers = (text: string): number[] => text.match(/[\d.]+/g)!.map(Number);
    const [red, green, blue, opacity = 1] = numbers(backgroundColor);
    const ground = [red!, green!, blue!].map((value, i) =>
      opacity * value + (1 - opacity) * below[i]!
    );
    const [light, dark] = [luminance(numbers(color)), luminance(ground)].sort((a, b) => b - a);
    return (light! + 0.05) / (dark! + 0.05);
  });
}
