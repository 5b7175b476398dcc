import { assertEquals } from "@std/assert";
import { judge } from "../../lib/grading/judge.ts";
import { extractGold } from "../../lib/grading/extract.ts";
import { randomInteger, randomSeeded } from "../../lib/random.ts";
import { sharedPath, testWith } from "../_shared.ts";

/** A gold, and a worked solution where there is one. */
interface Row {
  readonly gold: string;
  readonly solution?: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** The sets, and where a row's gold and solution are. */
const SETS: Readonly<Record<string, (row: Fields) => Row>> = {
  "gsm8k_test.jsonl": gsm8k,
  "gsm8k_train.jsonl": gsm8k,
  "math500.jsonl": ({ answer, solution }) => ({ gold: `${answer}`, solution: `${solution}` }),
  "aime24.jsonl": ({ answer, solution }) => ({ gold: `${answer}`, solution: `${solution}` }),
  "amc23.jsonl": ({ answer }) => ({ gold: `${answer}` }),
  "minerva_math.jsonl": ({ solution }) => ({ gold: `${solution}` }),
  "olympiadbench.jsonl": (row) => ({ gold: (row.final_answer as string[]).join(", ") }),
  "aime_1983_2023.json": ({ answer, solution }) => ({ gold: `${answer}`, solution: `${solution}` }),
};

function gsm8k({ answer }: Fields): Row {
  return { gold: `${answer}`.split("####")[1]!.trim(), solution: `${answer}` };
}

async function rowsOf(path: string, read: (row: Fields) => Row): Promise<Row[]> {
  const text = await Deno.readTextFile(path);
  const rows: Fields[] = path.endsWith(".json")
    ? JSON.parse(text)
    : text.trim().split("\n").map((line) => JSON.parse(line));
  return rows.map(read);
}

/** Solutions that do not grade as correct, and why. */
const SOLUTIONS: Readonly<Record<string, readonly string[]>> = {
  // AoPS pages: one without any answer but a copyright notice, one whose author ends at 17/18
  "aime_1983_2023.json": ["125", "035"],
};

for (const [file, read] of Object.entries(SETS)) {
  testWith(
    `judge() accepts every gold of ${file} for itself, and its solutions but for named ones`,
    { file: sharedPath(`data/${file}`) },
    async ({ file: path }) => {
      const rows = await rowsOf(path, read);
      for (const { gold } of rows) {
        const bare = extractGold(gold)!.text.replace(/(?<!\\)\$/g, "");
        for (const answer of [gold, `Adding 3 and 4 gives $\\boxed{${bare}}$.`]) {
          const { correct, reason } = judge(bare, answer);
          assertEquals(correct, true, `${answer.slice(-200)} for ${bare}: ${reason}`);
        }
      }
      const failed = rows.filter(({ gold, solution }) =>
        solution !== undefined && !judge(gold, solution).correct
      );
      assertEquals(failed.map(({ gold }) => gold), SOLUTIONS[file] ?? []);
    },
  );
}

/**
 * Golds of several sets that are equal, by hand: each line's are. Drawn pairs that are accepted must
 * be among them.
 */
const EQUAL: readonly (readonly string[])[] = [
  ["\\frac{1}{2}", "0.5", "$\\frac{1}{2}$"],
  ["1.25", "$\\frac{5}{4}$"],
  ["\\frac{3}{2}", "1.5"],
  ["\\frac{2}{3}", "$\\frac{2}{3}$"],
  ["\\frac{1}{3}", "$1/3$", "$\\frac{1}{3}$", "0.33"],
  ["90^\\circ", "\\frac{\\pi}{2}"],
  ["\\pi", "180^\\circ"],
  ["1,-2", "-2,1", "(-2,1)"], // a point is its coordinates in order
  ["\\frac{11}{36}", "$\\frac{11}{36}$"],
  ["\\frac43", "$\\frac{4}{3}$"],
  ["-2", "-2,-2"],
  ["\\frac{1}{4}", "\\frac14"],
  ["\\frac65", "1.2"],
  ["\\frac{4}{9}", "$\\frac{4}{9}$"],
  ["\\frac{1}{8}", "12.5\\%", "$\\frac{25}{2}$"], // 12.5 %, with and without its unit
  ["\\dfrac{33}{100}", "0.33"],
  ["(2,4)", "$(2,4)$"],
  ["\\frac{1}{16}", "$\\frac{1}{16}$"],
  ["\\frac{7}{4}", "1.75"],
  ["\\frac 34", "$\\frac{3}{4}$"],
  ["2 \\sqrt{5}", "2\\sqrt{5}"],
  ["6\\sqrt{2}", "$6 \\sqrt{2}$"],
  ["4.5", "$\\frac{9}{2}$"],
  ["1.6", "$\\frac{8}{5}$"],
  ["-3./2", "$-\\frac{3}{2}$"],
  ["0.10", "$\\frac{1}{10}$"],
  ["100\\%", "$k=1$", "$f(x)=1$"],
  ["$2n$", "$2 n$"],
  ["$f(n)=n$", "$f(z)=z$"],
  ["2,3,4", "2,4,3"],
];

testWith(
  "judge() refuses the gold of another question, but where both are equal",
  {
    math: sharedPath("data/math500.jsonl"),
    minerva: sharedPath("data/minerva_math.jsonl"),
    olympiad: sharedPath("data/olympiadbench.jsonl"),
  },
  async ({ math, minerva, olympiad }) => {
    const rows = [
      ...await rowsOf(math, SETS["math500.jsonl"]!),
      ...await rowsOf(minerva, SETS["minerva_math.jsonl"]!),
      ...await rowsOf(olympiad, SETS["olympiadbench.jsonl"]!),
    ];
    const golds = [...new Set(rows.map(({ gold }) => extractGold(gold)!.text))]
      .filter((gold) => !/^\$?\d+\$?$/.test(gold));
    const random = randomSeeded(1, "golds");
    const pairs = Array.from(
      { length: 20_000 },
      () => [0, 0].map(() => golds[randomInteger(random, 0, golds.length)]!),
    );
    const accepted = pairs.filter(([a, b]) => a !== b && judge(a!, b!).correct);
    const unequal = accepted.filter((pair) =>
      !EQUAL.some((equal) => pair.every((gold) => equal.includes(gold)))
    );
    assertEquals(unequal, []);
  },
);
