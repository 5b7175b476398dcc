// deno-lint-ignore-file no-console -- what is skipped is told
/**
 * Against a real server, for instance llama.cpp's with the SmolLM2 file:
 * `RELIFT_TEACHER=http://127.0.0.1:8080 deno test -A tests/teacher/real_server_test.ts`
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { GRADER, openTest, question } from "./_server.ts";

Deno.test("openTeacher() collects demonstrations from a real server", async () => {
  const url = Deno.env.get("RELIFT_TEACHER");
  if (url === undefined) {
    console.log("skipped: RELIFT_TEACHER names no OpenAI-compatible server");
    return;
  }
  await using test = await openTest(url, {
    ...{ model: Deno.env.get("RELIFT_TEACHER_MODEL") ?? "default", samples: 4, maxTokens: 64 },
    system: "You add numbers. Answer in one short sentence that ends with the sum.",
    limits: { timeout: 120_000, concurrency: 2 },
  });
  const { teacher, warnings, store } = test;
  const questions = Array.from({ length: 8 }, (_, n) => question(n + 1));
  questions.forEach(teacher.ask);
  while (teacher.counts.waiting > 0 && warnings.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const shown = await teacher.beginStep(0);
  const { verdicts, requests, faults, promptTokens, completionTokens, badUsage } = teacher.counts;
  console.log(JSON.stringify(teacher.counts));
  const replies = Object.values(verdicts).reduce((sum, count) => sum + count, 0);
  assertEquals([replies, badUsage, warnings], [requests, 0, []]);
  assertEquals(Object.values(faults).filter((count) => count > 0), []);
  assert(replies >= 8 && promptTokens > 8 * replies && completionTokens >= replies);
  assertEquals(shown, verdicts.accepted);
  for (const question of questions) {
    const text = teacher.demonstration(question);
    if (text !== undefined) assert((await GRADER.reward(question, text)).correct);
  }
  const lines = (await Deno.readTextFile(store)).trim().split("\n");
  console.log(lines.slice(0, 3).join("\n"));
  assert(lines.length >= replies);
});
