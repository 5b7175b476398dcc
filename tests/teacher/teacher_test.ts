import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { openTeacher } from "../../lib/teacher/teacher.ts";
import { withTeacher } from "../../lib/teacher/with_teacher.ts";
import { GRADER, hang, openServer, openTest, question, reply, solve } from "./_server.ts";

const right = (asked: Parameters<typeof solve>[0]): Response => reply(solve(asked));
const wrong = (): Response => reply("It is 1");

/** The records of a store. */
async function recordsOf(store: string): Promise<Record<string, unknown>[]> {
  return (await Deno.readTextFile(store)).trim().split("\n").map((line) => JSON.parse(line));
}

Deno.test("openTeacher() brings a demonstration, and shows it from the next step on", async () => {
  await using server = openServer(right);
  await using test = await openTest(server.url, {
    system: "Think.",
    price: { prompt: 1, completion: 4 },
  });
  const { teacher, store, warnings } = test;
  teacher.ask(question(21));
  teacher.ask(question(21));
  assertEquals(teacher.demonstration(question(21)), undefined);
  await teacher.idle();
  assertEquals(teacher.demonstration(question(21)), undefined); // within the step
  assertEquals([await teacher.beginStep(3), await teacher.beginStep(4)], [1, 0]);
  assertEquals(teacher.demonstration(question(21)), "It is 42");
  assertEquals(teacher.demonstration({ ...question(21), prompt: "other" }), undefined);
  await teacher.close();
  const [{ seed, seconds, time, ...attempt }, seen] = await recordsOf(store) as [
    Record<string, unknown>,
    unknown,
  ];
  assertEquals(attempt, {
    ...{ kind: "attempt", question: "21", prompt: "21+21=", attempt: 0 },
    ...{ server: `${server.url}/v1/chat/completions`, model: "m", system: "Think." },
    ...{ temperature: 0.7, maxTokens: 2048, text: "It is 42", servedBy: "teacher-1" },
    // 10 tokens at 1 and 5 at 4 of a millionth
    ...{ verdict: "accepted", promptTokens: 10, completionTokens: 5, cost: 30e-6 },
  });
  assert(Number.isInteger(seed) && typeof seconds === "number" && typeof time === "string");
  assertMatch(
    JSON.stringify(seen),
    /^{"kind":"seen","run":"a","step":3,"questions":\["21#\w+"\]}$/,
  );
  assertEquals(server.asked, [{
    model: "m",
    messages: [{ role: "system", content: "Think." }, { role: "user", content: "21+21=" }],
    ...{ temperature: 0.7, max_tokens: 2048, seed: seed as number },
  }]);
  assertEquals(warnings, []);
});

Deno.test("openTeacher() asks until a sample is accepted, each by a seed of its own", async () => {
  await using server = openServer(
    wrong,
    (asked) =>
      reply(solve(asked), { choices: [{ message: { content: "42" }, finish_reason: "length" }] }),
    () => reply("  \n"),
    right,
  );
  await using test = await openTest(server.url, { samples: 5 });
  const { teacher, store } = test;
  teacher.ask(question(21));
  await teacher.idle();
  await teacher.beginStep(0);
  assertEquals(teacher.demonstration(question(21)), "It is 42");
  const verdicts = (await recordsOf(store)).slice(0, 4).map(({ verdict }) => verdict);
  assertEquals(verdicts, ["wrong", "cut", "empty", "accepted"]);
  assertEquals(new Set(server.asked.map(({ seed }) => seed)).size, 4);
  const { requests, promptTokens, completionTokens } = teacher.counts;
  assertEquals([requests, promptTokens, completionTokens], [4, 40, 20]);
});

Deno.test("openTeacher() gives up a question whose samples are all wrong, or cannot be taught", async () => {
  await using server = openServer(wrong, wrong, right);
  await using test = await openTest(server.url, { samples: 2, fits: ({ id }) => id !== "3" });
  const { teacher } = test;
  teacher.ask(question(21));
  await teacher.idle();
  teacher.ask(question(3));
  await teacher.idle();
  await teacher.beginStep(0);
  assertEquals(teacher.demonstration(question(21)), undefined);
  assertEquals(teacher.demonstration(question(3)), undefined);
  const { verdicts, waiting, asked } = teacher.counts;
  assertEquals([verdicts.wrong, verdicts.unfit, waiting, asked], [2, 2, 0, 2]);
});

Deno.test("openTeacher() asks no more at once than it may", async () => {
  const slow = async (asked: Parameters<typeof solve>[0]) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return right(asked);
  };
  await using server = openServer(slow);
  await using test = await openTest(server.url, { limits: { concurrency: 3 } });
  for (let n = 1; n <= 9; n++) test.teacher.ask(question(n));
  await test.teacher.idle();
  assertEquals([await test.teacher.beginStep(0), server.most()], [9, 3]);
});

Deno.test("openTeacher() asks nothing twice, over sessions; only what was asked otherwise", async () => {
  await using server = openServer(right, wrong, right);
  await using first = await openTest(server.url, { samples: 1 });
  first.teacher.ask(question(1));
  await first.teacher.idle();
  first.teacher.ask(question(2)); // answered wrong, and one sample is all
  await first.teacher.idle();
  await first.teacher.close();
  const { store } = first;
  await Deno.writeTextFile(store, `{"kind":"attempt","question":"3","te`, { append: true }); // a kill
  await using again = await openTest(server.url, { samples: 1, store });
  [1, 2].forEach((n) => again.teacher.ask(question(n)));
  await again.teacher.idle();
  assertEquals(server.asked.length, 2);
  assertEquals(await again.teacher.beginStep(0), 1);
  assertEquals(again.teacher.demonstration(question(1)), "It is 2");
  assertEquals(again.warnings, ["teacher.jsonl ends in a line cut off"]);
  await again.teacher.close();
  await using warmer = await openTest(server.url, { samples: 1, store, temperature: 1 });
  [1, 2].forEach((n) => warmer.teacher.ask(question(n)));
  await warmer.teacher.idle();
  assertEquals([server.asked.length, await warmer.teacher.beginStep(1)], [3, 2]);
  assertEquals(warmer.warnings, ["teacher.jsonl:3 is no record: left out"]);
});

Deno.test("Teacher.beginStep() shows a run made again what it saw, at the same steps", async () => {
  await using server = openServer(right);
  await using first = await openTest(server.url);
  const { store } = first;
  const ask = async ({ teacher }: typeof first, n: number) => {
    teacher.ask(question(n));
    await teacher.idle();
  };
  const shown = ({ teacher }: typeof first) =>
    [1, 2, 3].filter((n) => teacher.demonstration(question(n)) !== undefined);
  await ask(first, 1);
  await first.teacher.beginStep(2);
  await ask(first, 2);
  await first.teacher.beginStep(5);
  await first.teacher.close();
  await using again = await openTest("http://127.0.0.1:1", { store }); // no server there
  await ask(again, 1);
  await ask(again, 2); // known at once, and yet:
  const steps = [];
  for (const step of [0, 2, 4, 5]) steps.push([await again.teacher.beginStep(step), shown(again)]);
  assertEquals(steps, [[0, []], [1, [1]], [0, [1]], [1, [1, 2]]]);
  await again.teacher.close();
  await using resumed = await openTest(server.url, { store });
  assertEquals([await resumed.teacher.beginStep(4), shown(resumed)], [1, [1]]);
  await ask(resumed, 3);
  assertEquals([await resumed.teacher.beginStep(5), shown(resumed)], [1, [1, 2]]); // as it was then
  assertEquals([await resumed.teacher.beginStep(6), shown(resumed)], [1, [1, 2, 3]]);
  await resumed.teacher.close();
  await using other = await openTest(server.url, { store, run: "b" });
  assertEquals([await other.teacher.beginStep(9), shown(other)], [0, []]); // until it asks itself
  await ask(other, 2);
  assertEquals([await other.teacher.beginStep(10), shown(other)], [1, [2]]);
  assertEquals(server.asked.length, 3);
});

Deno.test("Teacher.close() gives up what hangs, and stores what came", async () => {
  await using server = openServer(right, hang);
  await using test = await openTest(server.url, { limits: { concurrency: 1 } });
  const { teacher, store } = test;
  [1, 2, 3].forEach((n) => teacher.ask(question(n)));
  while (server.asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 2));
  await teacher.close();
  await teacher.idle();
  assertEquals((await recordsOf(store)).map(({ question }) => question), ["1"]);
});

Deno.test("openTeacher() lets a verifier that fails stop nothing, and tells it", async () => {
  await using server = openServer(right);
  const dataset = { reward: () => Promise.reject(new Error("out of order")) };
  await using test = await openTest(server.url, { dataset });
  [1, 2].forEach((n) => test.teacher.ask(question(n)));
  await test.teacher.idle();
  assertEquals([test.teacher.counts.givenUp, test.teacher.counts.verdicts.ungraded], [2, 2]);
  assertEquals(test.warnings, ["the verifier failed on a reply to 1: Error: out of order"]);
});

Deno.test("openTeacher() tells that its thread has ended, and keeps nobody waiting", async () => {
  await using test = await openTest("http://127.0.0.1:1", { seed: -1 }); // no stream has this seed
  const { teacher, warnings } = test;
  teacher.ask(question(1));
  await teacher.idle();
  teacher.ask(question(2));
  await teacher.idle();
  assertEquals([await teacher.beginStep(0), teacher.counts.waiting], [0, 0]);
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, /^the teacher is asked no more: Cannot address a random stream/);
});

Deno.test("openTeacher() never stores or tells the key, or a password in the address", async () => {
  let authorization: string | null = null;
  await using server = openServer((asked, request) => {
    authorization = request.headers.get("authorization");
    return right(asked);
  }, () => new Response(null, { status: 401 }));
  const url = server.url.replace("//", "//user:hidden@");
  await using test = await openTest(url, { key: "sk-secret" });
  test.teacher.ask(question(1));
  await test.teacher.idle();
  test.teacher.ask(question(2));
  while (test.warnings.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  assertEquals(authorization, "Bearer sk-secret");
  const told = await Deno.readTextFile(test.store) + test.warnings.join();
  assert(!/secret|hidden/.test(told), told);
});

Deno.test("openTeacher() says what is wrong with a setting", async () => {
  const store = `${await Deno.makeTempDir()}/t.jsonl`;
  const settings = { url: "http://x", model: "m", dataset: GRADER, run: "r", seed: 1, store };
  const open = (others: Record<string, unknown>) =>
    openTeacher({ ...settings, warn: () => {}, ...others });
  await assertRejects(() => open({ url: "localhost:1" }), TypeError, "must be of http or https");
  await assertRejects(() => open({ samples: 0 }), RangeError, "samples must be a whole number > 0");
  await assertRejects(() => open({ store: "/none/at/all" }), Error, "Cannot open /none/at/all: ");
  for (const key of ["sk-a\nb", "sk-\0", "ключ"]) { // fetch would tell them in its error
    const { message } = await assertRejects(
      () => open({ key }),
      TypeError,
      "key must be of visible",
    );
    assert(!message.includes(key), message);
  }
});

Deno.test("withTeacher() leaves a question its own demonstration", async () => {
  await using server = openServer(right);
  await using test = await openTest(server.url);
  const { teacher } = test;
  const own = { ...question(1), demonstration: "1+1 is 2" };
  const dataset = withTeacher({
    ...{ name: "sums", size: 2, reward: GRADER.reward },
    question: (index) => [own, question(2)][index]!,
  }, teacher);
  [0, 1].forEach((index) => dataset.want(dataset.question(index)));
  await teacher.idle();
  await teacher.beginStep(0);
  const shown = [0, 1].map((index) => dataset.question(index).demonstration);
  assertEquals(shown, ["1+1 is 2", "It is 4"]);
});
