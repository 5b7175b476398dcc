/**
 * Answers to grade: made up in the manner of GSM8K and of competitions, and hostile ones.
 *
 * @module
 */

/** An answer and its gold. */
interface Pair {
  readonly gold: string;
  readonly answer: string;
}

/** Worked answers to word problems; every fourth is wrong. */
function wordProblem(i: number): Pair {
  const [each, count] = [3 + i % 47, 2 + i % 89];
  const total = each * count;
  const given = i % 4 === 0 ? total + 1 : total;
  const work = `Each of the ${count} boxes holds ${each} pencils, which cost $${each} in all.\n` +
    `So there are ${count} * ${each} = <<${count}*${each}=${total}>>${total} pencils.\n`;
  const ends = [`#### ${given}`, `The answer is ${given}.`, `\\boxed{${given}}`];
  return { gold: total.toLocaleString("en"), answer: work.repeat(3) + ends[i % ends.length] };
}

/** Golds and answers of competitions; `N` is a number that changes. */
const COMPETITION: readonly (readonly [gold: string, answer: string])[] = [
  ["\\frac{N}{2}", "\\dfrac{N}{2}"],
  ["\\frac{\\sqrt{3}}{3} + N", "N + \\frac{1}{\\sqrt{3}}"],
  ["(N, \\frac{9}{2})", "\\left(N, 4.5\\right)"],
  ["x \\in [-2, N]", "-2 \\le x \\le N"],
  ["(-\\infty, 2) \\cup (N, \\infty)", "(N, \\infty) \\cup (-\\infty, 2)"],
  ["3 \\pm N \\sqrt{2}", "3 + N\\sqrt{2}, 3 - N\\sqrt{2}"],
  ["(a+N)(b+2)", "ab + 2a + Nb + 2 \\cdot N"],
  ["\\begin{pmatrix} 1/5 \\\\ N \\end{pmatrix}", "\\begin{pmatrix} 0.2 \\\\ N \\end{pmatrix}"],
  ["\\sin 2x + N", "2 \\sin x \\cos x + N"],
  ["y = Nx + 3", "Nx - y + 3 = 0"],
  ["N^\\circ", "N"],
  ["\\$N.50", "N.5"],
  ["\\text{(B)}", "\\textbf{(B)}\\ N"],
  ["\\frac{n(n+N)}{2}", "\\frac{n^2 + Nn}{2}"],
  ["1, N, 9", "9, N \\text{ and } 1"],
  ["N\\pi", "N\\pi^2"],
  ["x^2 + N", "x^2 - N"],
];

/** Completions that end with a competition's answer in a box; those of the last two are wrong. */
function competition(i: number): Pair {
  const [gold, answer] = COMPETITION[i % COMPETITION.length]!.map((text) =>
    text.replaceAll("N", String(10 + i % 83))
  );
  const work = "We write $f(x) = x^2 - \\frac{1}{2}$ and find its roots by completing the square. ";
  return { gold: gold!, answer: `${work.repeat(6)}\nHence the answer is $\\boxed{${answer}}$.` };
}

/** Answers to grade, by their manner. */
export const ANSWERS: Readonly<Record<string, (i: number) => Pair>> = {
  "GSM8K-style": wordProblem,
  "LaTeX": competition,
};

/** Texts made to take long. */
export const HOSTILE: Readonly<Record<string, () => string>> = {
  "10 MB of braces": () => "{".repeat(1e7),
  "a million open boxes": () => "\\boxed{".repeat(1e6),
  "100,000 nested roots": () => `\\boxed{${"\\sqrt{".repeat(1e5)}${"}".repeat(1e5)}}`,
  "9^9^9^9": () => "\\boxed{9^{9^{9^{9}}}}",
  "99999!!!!!": () => "\\boxed{99999!!!!!}",
  "1e999999999": () => "1e999999999",
  "a million digits": () => "9".repeat(1e6),
  "200 powers of 9,999": () => `\\boxed{${"(x+1)^{9999}".repeat(200)}}`,
  "60 roots in any order": () => `\\boxed{${roots((i) => 59 - i)}}`,
  "a macro without end": () => "\\boxed{\\def\\a{\\a\\a}\\a}",
  "a million spaces": () => `answer${" ".repeat(1e6)}x`,
  "a million null bytes": () => "\0".repeat(1e6),
};

/** The gold of hostile texts. */
export const HOSTILE_GOLD = roots((i) => i);

function roots(of: (i: number) => number): string {
  return Array.from({ length: 60 }, (_, i) => `\\sqrt{x+${of(i)}}`).join(", ");
}
