import { assert, assertEquals } from "@std/assert";
import { openTest, question } from "./_server.ts";

/** A server in a process of its own, that answers `n+n=` right after 30 ms. */
const SERVER = `
Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) },
  async (request) => {
    const { messages } = await request.json();
    await new Promise((resolve) => setTimeout(resolve, 30));
    const content = "It is " + 2 * parseInt(messages[0].content);
    return Response.json({ choices: [{ message: { content } }] });
  });
`;

Deno.test("openCourier() asks on while this thread is busy, and nothing times out", async () => {
  const args = ["run", "--no-config", "--allow-net", "-"];
  await using server = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" })
    .spawn();
  const writer = server.stdin.getWriter();
  await writer.write(new TextEncoder().encode(SERVER));
  await writer.close();
  const reader = server.stdout.getReader();
  const port = new TextDecoder().decode((await reader.read()).value).trim();
  const limits = { concurrency: 2, timeout: 300 };
  await using test = await openTest(`http://127.0.0.1:${port}`, { limits });
  const { teacher, warnings } = test;
  for (let n = 1; n <= 12; n++) teacher.ask(question(n));
  await teacher.beginStep(0); // the thread runs
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000); // a step of training
  const started = performance.now();
  assertEquals(await teacher.beginStep(1), 12);
  assert(performance.now() - started < 500, "it waited");
  assertEquals([teacher.counts.requests, warnings], [12, []]);
  reader.releaseLock();
  await server.stdout.cancel();
});
