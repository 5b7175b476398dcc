import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { operators } from "../../datasets/operators.ts";
import { binaryReward, type Dataset, questionsOf } from "../../lib/data/question.ts";
import { baseAccuracies } from "../../lib/evaluation/base.ts";
import {
  accuraciesOf,
  datasetFingerprint,
  evaluate,
  type EvaluatedQuestion,
  summarize,
} from "../../lib/evaluation/evaluate.ts";
import { evaluationTable } from "../../lib/evaluation/table.ts";
import { modelConfig } from "../../lib/model/config.ts";
import { createPolicy, disposePolicy } from "../../lib/model/policy.ts";
import { PLAIN_SAMPLING } from "../../lib/compute/ops/sample.ts";
import { hashText } from "../../lib/random.ts";
import { charTokenizer } from "../../lib/text/char_tokenizer.ts";
import { assertClose, eachDevice, TINY } from "../_devices.ts";

/** Samples written as `answer`, `+` if right or `-`, and length; with `!`, out of tokens. */
function evaluated(id: string, samples: string, entropy: number): EvaluatedQuestion {
  return {
    id,
    samples: samples.split(" ").map((sample) => {
      const [, answer, grade, tokens, cut] = /^(\w)([+-])(\d+)(!?)$/.exec(sample)!;
      return {
        text: `#${answer}`,
        answer: answer!,
        correct: grade === "+",
        tokens: Number(tokens),
        entropy,
        finishReason: cut ? "length" : "stop",
      };
    }),
  };
}

const now = [
  evaluated("q1", "7+2 7+2 7+2 7+2", 0),
  evaluated("q2", "3+4 4-6 4-6 4-8", 1),
  evaluated("q3", "9+3 8-5 8-10! 9+5", 1),
  evaluated("q4", "1-4 2-4 1-4 1-10!", 1),
];

const base = { q1: 1, q2: 0.5, q3: 0.125, q4: 0 };

Deno.test("summarize() gives avg@k, pass@k and maj@k as worked by hand", () => {
  const { questions, samples, average, passAt, majority } = summarize(now);
  assertEquals([questions, samples], [4, 4]);
  // Accuracies 1, 1/4, 1/2, 0: mean 7/16. In sixteenths they are 9, -3, 1 and -7 from it:
  // 81 + 9 + 1 + 49 = 140, and the error is sqrt(140 / 256 / 3 / 4)
  assertEquals(average.mean, 7 / 16);
  assertAlmostEquals(average.standardError!, Math.sqrt(140 / 256 / 12), 1e-12);
  assertEquals(Object.keys(passAt), ["1", "2", "4"]);
  assertAlmostEquals(passAt[1]!, 7 / 16, 1e-12);
  assertAlmostEquals(passAt[2]!, (1 + 1 / 2 + 5 / 6 + 0) / 4, 1e-12); // 1 - C(4-c, 2) / C(4, 2)
  assertEquals(passAt[4], 3 / 4);
  // 7 wins; 4 outvotes 3; 9 beats 8, as the answer that was cut has no vote; 1 is wrong
  assertEquals(majority, 2 / 4);
});

Deno.test("summarize() splits lengths by right and wrong, and tells entropy and EOS", () => {
  const { tokens, entropy, stopped } = summarize(now);
  assertEquals(tokens.all, (8 + 24 + 23 + 22) / 16);
  assertEquals(tokens.right, (8 + 4 + 8) / 7);
  assertEquals(tokens.wrong, (20 + 15 + 22) / 9);
  assertEquals([entropy, stopped], [12 / 16, 14 / 16]);
});

Deno.test("summarize() has no length where there is no answer, and no strata without a base", () => {
  const wrong = summarize([evaluated("q1", "1-4 2-6 3-5", 1)]);
  assertEquals(wrong.tokens, { all: 5, right: null, wrong: 5 });
  assertEquals(Object.keys(wrong.passAt), ["1", "2"]); // powers of two up to three
  assertEquals(wrong.average.standardError, null);
  assertEquals(summarize([evaluated("q1", "1+4 2+6", 1)]).tokens, {
    all: 5,
    right: 5,
    wrong: null,
  });
  assert(!("strata" in wrong));
});

Deno.test("summarize() sorts questions by the base policy's accuracy", () => {
  const { byStratum, moves, forgetting } = summarize(now, base).strata!;
  assertEquals(byStratum, {
    easy: { questions: 1, accuracy: 1, tokens: 2 },
    medium: { questions: 1, accuracy: 1 / 4, tokens: 24 / 4 },
    hard: { questions: 1, accuracy: 1 / 2, tokens: 23 / 4 },
    hardest: { questions: 1, accuracy: 0, tokens: 22 / 4 },
  });
  const none = { easy: 0, medium: 0, hard: 0, hardest: 0 };
  assertEquals(moves, {
    easy: { ...none, easy: 1 },
    medium: { ...none, hard: 1 },
    hard: { ...none, medium: 1 },
    hardest: { ...none, hardest: 1 },
  });
  // q1 and q2 were known; q2 is Hard now. (1 - 1 + 0.5 - 0.25) / 2 = 0.125
  assertEquals(forgetting, { known: 2, lost: 1, share: 1 / 2, accuracyDrop: 0.125 });
});

Deno.test("accuraciesOf() is the share of right answers by question", () => {
  assertEquals(accuraciesOf(now), { q1: 1, q2: 0.25, q3: 0.5, q4: 0 });
});

Deno.test("evaluationTable() shows one evaluation", () => {
  assertEquals(
    evaluationTable(summarize(now)),
    `\
       questions     avg
  all          4  43.8 %
avg@4 43.8 ± 21.3 % (standard error over questions), maj@4 50.0 %, \
pass@1 43.8 %, pass@2 58.3 %, pass@4 75.0 %
length 4.8 tokens (right 2.9, wrong 6.3), ended by EOS 87.5 %, entropy 0.750 nats`,
  );
});

Deno.test("evaluationTable() shows what changed, by stratum", () => {
  const before = [
    evaluated("q1", "7+2 7+2", 0),
    evaluated("q2", "3+4 4-6", 1),
    evaluated("q3", "8-5 8-10!", 1),
    evaluated("q4", "1-4 2-4", 1),
  ];
  const strata = { ...base, q1: 0.5 }; // no question is easy
  assertEquals(
    evaluationTable(summarize(before, strata), summarize(now, strata)),
    `\
           questions  before   after  change
  easy             0       -       -       -
  medium           2  75.0 %  62.5 %   -12.5
  hard             1   0.0 %  50.0 %   +50.0
  hardest          1   0.0 %   0.0 %    +0.0
  all              4  37.5 %  43.8 %    +6.3
avg@4 43.8 ± 21.3 % (standard error over questions), maj@4 50.0 %, \
pass@1 43.8 %, pass@2 58.3 %, pass@4 75.0 %
length 4.8 tokens (right 2.9, wrong 6.3), ended by EOS 87.5 %, entropy 0.750 nats
moves between strata (rows: under the base policy; columns: now)
           easy  medium  hard  hardest
  easy        0       0     0        0
  medium      1       0     1        0
  hard        0       1     0        0
  hardest     0       0     0        1
forgotten: 1 of 2 Easy and Medium questions are now Hard or Hardest (50.0 %)`,
  );
});

const tokenizer = charTokenizer("ab#=");
const shape = modelConfig({ ...TINY, vocab_size: tokenizer.vocabSize });

/** As many questions as asked for; solved by any completion that ends in `#` and the answer. */
function marked(size: number, onReward = () => {}): Dataset {
  return {
    name: "marked answers",
    size,
    question: (index) => ({
      id: `q${index}`,
      prompt: [...index.toString(2)].map((digit) => "ab"[Number(digit)]).join("") + "=",
      answer: "=",
    }),
    reward: ({ answer }, completion) => {
      onReward();
      return binaryReward(completion.endsWith(answer));
    },
  };
}

const options = { ...PLAIN_SAMPLING, samples: 4, maxNewTokens: 6, seed: 3 };

eachDevice(
  "evaluate() draws the same samples with the same seed, and others with another",
  async () => {
    const policy = createPolicy(shape, tokenizer, 1);
    const dataset = marked(3);
    const first = await evaluate(policy, dataset, options);
    assertEquals(await evaluate(policy, dataset, options), first);
    assertNotEquals(await evaluate(policy, dataset, { ...options, seed: 4 }), first);
    assertEquals(first.map(({ id }) => id), ["q0", "q1", "q2"]);
    for (const { samples } of first) {
      assertEquals(samples.length, 4);
      for (const { text, answer, correct, tokens, finishReason, entropy } of samples) {
        assertEquals(answer, text.slice(text.lastIndexOf("#") + 1));
        assertEquals(correct, text.endsWith("="));
        assert(finishReason === "stop" ? tokens > text.length : tokens === 6); // padding has no text
        assert(entropy > 0 && entropy < Math.log(tokenizer.vocabSize));
      }
    }
    disposePolicy(policy);
  },
);

eachDevice("evaluate() gives a question the same samples whatever stands beside it", async () => {
  const policy = createPolicy(shape, tokenizer, 1);
  const done: number[] = [];
  const onProgress = (count: number) => void done.push(count);
  const many = await evaluate(policy, marked(70), { ...options, onProgress });
  const few = await evaluate(policy, marked(2), options);
  assertEquals(done, [64, 70]);
  assertEquals(new Set(many.map(({ id }) => id)).size, 70);
  few.forEach(({ id, samples }, i) => {
    assertEquals(many[i]!.id, id);
    assertEquals(many[i]!.samples.map(({ text }) => text), samples.map(({ text }) => text));
    assertClose(many[i]!.samples.map((s) => s.entropy), samples.map((s) => s.entropy), 1e-5);
  });
  disposePolicy(policy);
}, { devices: ["cpu"] });

Deno.test("datasetFingerprint() tells question sets apart, and nothing else", () => {
  const set = marked(3);
  const fingerprint = datasetFingerprint(set);
  assertEquals(fingerprint, datasetFingerprint({ ...marked(3), name: "another name" }));
  assert(/^[0-9a-f]{8}$/.test(fingerprint));
  const others: Dataset[] = [
    marked(4),
    { ...set, question: (index) => set.question(2 - index) },
    { ...set, question: (index) => ({ ...set.question(index), answer: "b" }) },
    { ...set, question: (index) => ({ ...set.question(index), prompt: "a=" }) },
  ];
  for (const other of others) assertNotEquals(datasetFingerprint(other), fingerprint);
});

Deno.test("datasetFingerprint() is the hash of all questions as one text, as stored cells have it", () => {
  const texts = ["日本\nx²", 'say "hi"', "\ud800", ""];
  const set: Dataset = {
    ...marked(8),
    question: (i) => ({
      ...{ id: `${i}`, prompt: texts[i % 4]!, answer: texts[(i + 1) % 4]! },
      ...(i < 4 ? {} : { demonstration: texts[(i + 2) % 4]! }),
    }),
  };
  for (const dataset of [set, { ...set, size: 1 }, operators({ size: 50 })]) {
    const joined = questionsOf(dataset).map(({ prompt, answer, demonstration }) =>
      JSON.stringify([prompt, answer, demonstration])
    ).join("\n");
    const hash = hashText(joined).toString(16).padStart(8, "0");
    assertEquals(datasetFingerprint(dataset), hash);
  }
  assertEquals(datasetFingerprint(operators()), "4cbcf70c"); // results/full/*/config.json
});

eachDevice("baseAccuracies() samples once, then reads its file", async () => {
  const folder = await Deno.makeTempDir();
  const kept = { folder: `${folder}/strata`, maxNewTokens: 4 };
  const names = () => [...Deno.readDirSync(kept.folder)].map(({ name }) => name);
  let graded = 0;
  const dataset = marked(3, () => void graded++);
  const policy = createPolicy(shape, tokenizer, 1), other = createPolicy(shape, tokenizer, 2);
  try {
    const accuracies = await baseAccuracies(policy, dataset, kept);
    assertEquals([Object.keys(accuracies), graded], [["q0", "q1", "q2"], 3 * 8]);
    for (const accuracy of Object.values(accuracies)) assertEquals(8 * accuracy % 1, 0);
    assertEquals(await baseAccuracies(policy, dataset, kept), accuracies);
    assertEquals([graded, names().length], [3 * 8, 1]);
    const [name] = names();
    assert(name!.startsWith(`marked_answers-${datasetFingerprint(dataset)}-`), name);

    // Other weights, another limit and other questions are sampled anew, each into its own file.
    await baseAccuracies(other, dataset, kept);
    await baseAccuracies(policy, dataset, { ...kept, maxNewTokens: 5 });
    await baseAccuracies(policy, marked(2, () => void graded++), kept);
    assertEquals([graded, names().length], [(3 + 3 + 3 + 2) * 8, 4]);

    const path = `${kept.folder}/${name}`;
    const text = await Deno.readTextFile(path);
    const garbled: [string, string][] = [
      [text.slice(0, text.length / 2), `Cannot read strata as ${path} must be JSON`],
      [text.replace(/"q1":[\d.]+/, '"q1":1.5'), "accuracies.q1 must be in [0, 1]"],
      ["{}", "policy must be a text"],
    ];
    for (const [content, message] of garbled) {
      await Deno.writeTextFile(path, content);
      await assertRejects(() => baseAccuracies(policy, dataset, kept), SyntaxError, message);
      assertEquals(await Deno.readTextFile(path), content); // left for a person to look at
    }
  } finally {
    disposePolicy(policy);
    disposePolicy(other);
    await Deno.remove(folder, { recursive: true });
  }
}, { devices: ["cpu"] });
