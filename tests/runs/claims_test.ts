import { assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { PUBLISHED_ABLATIONS, PUBLISHED_MAIN } from "../../lib/figures/published.ts";
import { type Claim, claims } from "../../lib/runs/claims.ts";
import type { StoredCell } from "../../lib/runs/study.ts";
import { BASE, type Rights, smallCell, smallCells } from "./_small_study.ts";

const GOOD: Rights = [8, 8, 8, 8], BAD: Rights = [8, 6, 2, 0];

/** The claims of a study whose sentence is this or, if there is none, has it in it. */
const about = (study: readonly StoredCell[], words: string): Claim[] => {
  const all = claims(study);
  const [same] = all.filter(({ claim }) => claim === words);
  return same ? [same] : all.filter(({ claim }) => claim.includes(words));
};

const verdict = (study: readonly StoredCell[], words: string): string => {
  const [first, ...others] = about(study, words);
  assertEquals(others, []);
  return first!.verdict;
};

/** RL and ReLIFT, with as many seeds each. */
const two = (seeds: number, rl: Rights, relift: Rights): StoredCell[] => [
  ...smallCells(seeds, { entry: "rl", title: "RL", right: rl }),
  ...smallCells(seeds, { entry: "relift", title: "ReLIFT", right: relift }),
];

Deno.test("claims() goes by sign and corrected p, between two entries", () => {
  const words = "ReLIFT is better than RL";
  assertEquals(about([], "`relift` is better than `rl`")[0]!.verdict, "not run");

  const [claim] = about(two(5, BAD, GOOD), words);
  const { measured, verdict: of, letter } = claim!;
  assertEquals([letter, of], ["a", "holds here"]);
  assertEquals([measured!.first, measured!.second, measured!.difference.mean], [1, 0.5, 0.5]);
  assertAlmostEquals(measured!.p!, 2 / 252);
  assertAlmostEquals(measured!.adjustedP!, 2 / 252); // the other claim of the letter was not run
  assertEquals(measured!.level, 0.95);

  assertEquals(verdict(two(5, GOOD, BAD), words), "does not hold here");
  assertEquals(verdict(two(3, BAD, GOOD), words), "not settled here"); // p = 2 / 20
  assertEquals(verdict(two(5, GOOD, GOOD), words), "not settled here"); // p = 1
});

Deno.test("claims() corrects the tests of a letter together", () => {
  const flops = smallCells(5, { entry: "relift-same-flops", title: "ReLIFT, few", right: GOOD });
  const both = claims([...two(5, BAD, GOOD), ...flops]).filter(({ letter }) => letter === "a");
  assertEquals(both.map(({ claim }) => claim), [
    "ReLIFT is better than RL",
    "ReLIFT (few) is better than RL",
  ]);
  for (const { measured } of both) assertAlmostEquals(measured!.adjustedP!, 4 / 252);
});

Deno.test("claims() settles nothing where the luck of questions could explain it", () => {
  // The runs differ as much as runs can, on one question of eight
  const odd = (seed: number) => {
    const cell = smallCell({ entry: "relift", title: "ReLIFT", seed, right: BAD });
    const questions = cell.questions.map((row) =>
      row.question === "v30" ? { ...row, right: 8 } : row
    );
    return { ...cell, questions };
  };
  const study = [...two(5, BAD, BAD).slice(0, 5), ...[1, 2, 3, 4, 5].map(odd)];
  const [{ measured, verdict }] = about(study, "ReLIFT is better than RL") as [Claim];
  assertAlmostEquals(measured!.p!, 2 / 252);
  assertEquals([measured!.difference.low, verdict], [0, "not settled here"]);
});

Deno.test("claims() compares with the base policy by intervals, of five runs or more", () => {
  const raises = "RL raises Easy and Medium above the base policy";
  assertEquals(verdict(two(5, BAD, GOOD), raises), "holds here"); // 87.5 against 62.5
  assertEquals(verdict(two(4, BAD, GOOD), raises), "not settled here");
  assertEquals(verdict(two(5, [4, 2, 2, 0], GOOD), raises), "does not hold here");

  const [claim] = about(two(5, BAD, GOOD), raises);
  assertEquals(claim!.measured!.p, undefined);
  assertAlmostEquals(claim!.measured!.level, 1 - 0.05 / 2); // this and the next were run

  const little = "RL raises Hardest by less than 5 points";
  assertEquals(verdict(two(5, BAD, GOOD), little), "holds here");
  assertEquals(verdict(two(5, [8, 8, 8, 1], GOOD), little), "does not hold here"); // 12.5 more
});

Deno.test("claims() tells what SFT costs early, and in another style", () => {
  const sft = (family: string, dataset: string, early: Rights) =>
    smallCells(5, { entry: "sft", title: "SFT, long", right: BAD, early, family, dataset });
  const study = [
    ...sft("main", "sums", [4, 3, 2, 2]),
    ...sft("style", "others", [7, 5, 2, 2]),
    ...two(5, BAD, GOOD),
  ];
  assertEquals(verdict(study, "SFT (long) costs Easy and Medium early in training"), "holds here");
  assertEquals(verdict(study, "Medium at the end, dem"), "does not hold here");
  // 75 against 62.5 in the other style
  const [other] = about(study, "SFT (long) costs Easy and Medium early, dem");
  assertEquals(other!.measured!.difference.mean, 0.125);
  assertEquals(other!.verdict, "does not hold here");
});

Deno.test("claims() counts demonstrations, lengths and entropy", () => {
  const relift = (share: number) =>
    smallCells(5, {
      entry: "relift",
      title: "ReLIFT",
      right: GOOD,
      tokens: 12,
      entropy: 0.7,
      totals: { demonstrationShare: share },
    });
  const study = [...two(5, BAD, GOOD).slice(0, 5), ...relift(0.1)];
  assertEquals(verdict(study, "17.4 %"), "holds here");
  assertEquals(verdict(relift(0.3), "17.4 %"), "does not hold here");

  const [entropy] = about(study, "entropy");
  assertEquals([entropy!.unit, entropy!.verdict], ["nats", "holds here"]);
  assertAlmostEquals(entropy!.measured!.difference.mean, 0.2);
  const [length] = about(study, "lengthens answers in training");
  const { difference } = length!.measured!;
  assertEquals([length!.unit, difference.mean, length!.verdict], ["tokens", 2, "holds here"]);
});

Deno.test("claims() finds the lowest method, and how much can be solved", () => {
  const worse = smallCells(5, { entry: "x", title: "X, bad", right: [0, 0, 0, 0] });
  const study = [...two(5, BAD, GOOD), ...worse];
  const [lowest] = about(study, "out of distribution; X (bad) is lowest");
  assertEquals(lowest!.verdict, "does not hold here"); // none against half of the base policy's
  assertAlmostEquals(lowest!.measured!.level, 1 - 0.05 / 3); // it is the lowest of three
  assertEquals(verdict(study, "RL only sharpens: pass@8"), "holds here"); // by 0
  const [wider] = about(study, "ReLIFT widens what can be solved: pass@8 above the base policy");
  assertEquals([wider!.measured!.first, wider!.measured!.second], [1, 0.75]); // the Hardest, too
});

Deno.test("claims() is quiet about questions that nobody has", () => {
  const none = (cell: StoredCell): StoredCell => ({
    ...cell,
    questions: cell.questions.filter(({ split }) => split !== "ood"),
    metrics: cell.metrics.map((_, step) => ({ step })),
  });
  const study = two(5, BASE, GOOD).map(none);
  for (const words of ["out-of-distribution", "entropy"]) {
    for (const { verdict } of about(study, words)) assertEquals(verdict, "not run");
  }
});

Deno.test("claims() reports what the papers report", () => {
  const accuracy = (entry: string, source: string) =>
    [...PUBLISHED_MAIN, ...PUBLISHED_ABLATIONS]
      .find((each) => each.entry === entry && each.source === source)!.accuracy.toFixed(1);
  const reported = (second: string) =>
    claims([]).filter(({ claim }) => claim.endsWith(`is better than \`${second}\``))
      .map(({ published }) => published).join();
  for (const second of ["rl", "sft", "sft-rl", "sft-rl-v1", "luffy", "rl-sft-loss"]) {
    const numbers = `${accuracy("relift", "relift")} against ${accuracy(second, "relift")} (paper)`;
    assertStringIncludes(reported(second), numbers);
  }
  for (const second of ["sft", "luffy"]) {
    const [ours, other] = ["relift", second].map((entry) => accuracy(entry, "reevaluation"));
    assertStringIncludes(reported(second), `${ours} against ${other} (re-evaluation)`);
  }
  for (const second of ["relift-uniform", "relift-random", "relift-always"]) {
    const numbers = `52.6 against ${accuracy(second, "relift")} (paper)`;
    assertEquals(claims([]).filter(({ published }) => published === numbers).length, 1);
  }
});
