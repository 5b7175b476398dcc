import { assert, assertEquals, assertMatch } from "@std/assert";
import { completionsUrl } from "../../lib/teacher/chat.ts";
import { openCollector, TEACHER_LIMITS } from "../../lib/teacher/collector.ts";
import type { TeacherOptions } from "../../lib/teacher/teacher.ts";
import { type Answer, hang, openServer, openTest, question, reply, solve } from "./_server.ts";

const right: Answer = (asked) => reply(solve(asked));
const status = (status: number, headers: HeadersInit = {}): Answer => () =>
  new Response("<html>no</html>", { status, headers });
const body = (text: string): Answer => () => new Response(text);

/** An address where nobody listens. */
function closedUrl(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
}

/** Tells the delays of all timers until it is disposed of. */
function watchTimers(onTimer: (delay: number) => void): Disposable {
  const { setTimeout: original } = globalThis;
  globalThis.setTimeout = ((run: () => void, delay = 0) => {
    onTimer(delay);
    return original(run, delay);
  }) as typeof setTimeout;
  return { [Symbol.dispose]: () => void (globalThis.setTimeout = original) };
}

/** Asks one question of a server that answers so; what came of it. */
async function ask(
  answers: readonly Answer[],
  options: Partial<TeacherOptions> = {},
): Promise<{ faults: Record<string, number>; got?: string; warnings: string[]; givenUp: number }> {
  await using server = openServer(...answers);
  await using test = await openTest(server.url, options);
  const { teacher, warnings } = test;
  teacher.ask(question(21));
  await teacher.idle();
  await teacher.beginStep(0);
  const { faults, givenUp } = teacher.counts;
  const happened = Object.entries(faults).filter(([, count]) => count > 0);
  const got = teacher.demonstration(question(21));
  return { faults: Object.fromEntries(happened), got, warnings, givenUp };
}

Deno.test("openTeacher() asks again after a fault of the server, a reset and a request to wait", async () => {
  const reset: Answer = () =>
    new Response(
      new ReadableStream({
        start(controller): void {
          controller.enqueue(new TextEncoder().encode(`{"choices":`));
          controller.close(); // short of what was announced: the connection breaks
        },
      }),
      { headers: { "content-length": "1000" } },
    );
  assertEquals(await ask([status(500), reset, right], { limits: { tries: 4 } }), {
    ...{ faults: { down: 2 }, got: "It is 42", warnings: [], givenUp: 0 },
  });
  const started = performance.now();
  const busy = status(429, { "retry-after": "1" });
  const { faults, got } = await ask([busy, right]);
  assertEquals([faults, got], [{ busy: 1 }, "It is 42"]);
  assert(performance.now() - started > 990);
});

Deno.test("openTeacher() tells once that a server puts it off time and again", async () => {
  let count = 0;
  const busy: Answer = (asked, request) => (++count < 8 ? status(429) : right)(asked, request);
  const { faults, got, warnings } = await ask([busy]);
  assertEquals([faults, got], [{ busy: 7 }, "It is 42"]);
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, /puts off 21 time and again: it answered 429 Too Many Requests$/);
});

Deno.test("openCollector() waits for a time that no timer can count, and not by turning", async () => {
  await using server = openServer(status(429, { "retry-after": "100000000" }));
  const delays: number[] = [];
  using _timers = watchTimers((delay) => delays.push(delay));
  const { promise, resolve } = Promise.withResolvers<void>();
  const collector = openCollector({
    server: { url: completionsUrl(server.url), timeout: 5000, maxBytes: 1000 },
    asking: { server: "s", model: "m", system: null, temperature: 0, maxTokens: 1 },
    limits: TEACHER_LIMITS,
    seed: 1,
    onReply: () => {},
    onFault: () => resolve(),
    onGivenUp: () => {},
    warn: () => {},
  });
  collector.add({ id: "1", prompt: "1+1=", attempt: 0 });
  await promise;
  await new Promise((resolve) => setTimeout(resolve, 50));
  collector.close();
  assertEquals(delays.filter((delay) => delay > 1e6), [2 ** 31 - 1]); // 25 days, and then again
});

Deno.test("openTeacher() counts nonsense of every kind, tells it once, and lets the question be", async () => {
  const choices = (value: unknown): Answer => () => reply("", { choices: value });
  const nonsense: [name: string, answer: Answer, words: RegExp][] = [
    ["HTML", body("<html>hello</html>"), /its answer is not JSON: it begins with "<html>hello/],
    ["nothing", body(""), /its answer is not JSON: it begins with ""/],
    ["JSON cut off", body(`{"choices":[{"message":`), /is not JSON/],
    ["NaN", body(`{"choices":[],"usage":{"prompt_tokens":NaN}}`), /is not JSON/],
    ["another form", body("[]"), /its answer is wrong: Expected object/],
    ["no choices", body("{}"), /choices is wrong: Required/],
    ["empty choices", choices([]), /choices is wrong/],
    ["no text", choices([{ message: { content: null } }]), /choices.0.message.content is wrong/],
    ["parts", choices([{ message: { content: [{ text: "42" }] } }]), /content is wrong/],
    ["a huge body", () => reply("9".repeat(200_000)), /it sent more than 100000 bytes/],
  ];
  for (const [name, answer, words] of nonsense) {
    const result = await ask([answer], { limits: { maxBytes: 100_000 } });
    assertEquals([name, result.faults, result.givenUp], [name, { nonsense: 3 }, 1]);
    assertEquals([name, result.warnings.length], [name, 1]);
    assertMatch(result.warnings[0]!, words);
    assertMatch(result.warnings[0]!, /^the teacher at http.+ gave no reply to 21: /);
  }
});

Deno.test("openTeacher() takes a reply whose account of tokens is nonsense, and counts that", async () => {
  for (const usage of [{ prompt_tokens: "many" }, { prompt_tokens: -1 }, 7, { cost: "free" }]) {
    await using server = openServer((asked) => reply(solve(asked), { usage }));
    await using test = await openTest(server.url);
    test.teacher.ask(question(21));
    await test.teacher.idle();
    const { badUsage, verdicts, promptTokens } = test.teacher.counts;
    assertEquals([badUsage, verdicts.accepted, promptTokens], [1, 1, 0]);
  }
  const { got } = await ask([(asked) => reply(solve(asked), { usage: undefined, model: 7 })]);
  assertEquals(got, "It is 42");
});

Deno.test("openTeacher() gives up a reply that hangs or trickles", async () => {
  let timer: ReturnType<typeof setInterval> | undefined;
  const trickle: Answer = () =>
    new Response(
      new ReadableStream({
        start(controller): void {
          timer = setInterval(() => controller.enqueue(new TextEncoder().encode(" ")), 5);
        },
        cancel: () => clearInterval(timer),
      }),
    );
  for (const answer of [hang, trickle]) {
    const { faults, got } = await ask([answer, right], { limits: { timeout: 100 } });
    assertEquals([faults, got], [{ down: 1 }, "It is 42"]);
  }
});

Deno.test("openTeacher() lets a question be that the server refuses", async () => {
  for (const code of [400, 413, 422]) {
    const { faults, givenUp, warnings } = await ask([status(code)]);
    assertEquals([faults, givenUp], [{ refused: 1 }, 1]);
    assertMatch(warnings.join(), new RegExp(`gave no reply to 21: it answered ${code}`));
  }
});

Deno.test("openTeacher() tells once that a server is down, goes on trying, and tells its return", async () => {
  let isUp = false;
  await using server = openServer((asked, request) => (isUp ? right : status(503))(asked, request));
  await using test = await openTest(server.url, { limits: { concurrency: 2, downAfter: 3 } });
  const { teacher, warnings } = test;
  for (let n = 1; n <= 6; n++) teacher.ask(question(n));
  while (server.asked.length < 12) await new Promise((resolve) => setTimeout(resolve, 2));
  assertEquals(warnings, [
    `the teacher at ${server.url}/v1/chat/completions cannot be asked: it answered 503 Service ` +
    "Unavailable; training goes on without new demonstrations, and it is tried again from time " +
    "to time",
  ]);
  isUp = true;
  await teacher.idle();
  assertEquals([await teacher.beginStep(0), teacher.counts.givenUp], [6, 0]);
  assertEquals(warnings.slice(1), [
    `the teacher at ${server.url}/v1/chat/completions answers again`,
  ]);
});

Deno.test("openTeacher() tells at once that nobody is there, or lets nobody in, and sends on nothing", async () => {
  const cases: [url: string | Answer, words: RegExp][] = [
    [closedUrl(), /cannot be asked: .*[Cc]onnect/],
    [status(401), /cannot be asked: it answered 401 Unauthorized/],
    [status(404), /cannot be asked: it answered 404 Not Found/],
    [status(307, { location: "http://127.0.0.1:1/" }), /cannot be asked: it answered 307/],
  ];
  for (const [at, words] of cases) {
    await using server = openServer(typeof at === "string" ? right : at);
    const url = typeof at === "string" ? at : server.url;
    await using test = await openTest(url, { limits: { downAfter: 1 } });
    test.teacher.ask(question(1));
    while (test.warnings.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    assertMatch(test.warnings[0]!, words);
  }
});

Deno.test("openTeacher() uses no reply that it could not store", async () => {
  await using server = openServer(right);
  await using test = await openTest(server.url);
  const { teacher, warnings } = test;
  const write = Deno.FsFile.prototype.write;
  Deno.FsFile.prototype.write = () => Promise.reject(new Error("No space left on device"));
  try {
    teacher.ask(question(1));
    await teacher.idle();
  } finally {
    Deno.FsFile.prototype.write = write;
  }
  assertEquals([await teacher.beginStep(0), teacher.counts.givenUp], [0, 1]);
  assertMatch(warnings.join(), /cannot be stored, and are not used: Error: No space left/);
});
