/**
 * A teacher on this machine: answers as it is told, reply by reply.
 *
 * @module
 */
import type { Question, Reward } from "../../lib/data/question.ts";
import { openTeacher, type Teacher, type TeacherOptions } from "../../lib/teacher/teacher.ts";

/** What is asked of the server. */
export interface Asked {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly temperature: number;
  readonly max_tokens: number;
  readonly seed: number;
}

/** How it answers. */
export type Answer = (asked: Asked, request: Request) => Response | Promise<Response>;

/** A server that runs. */
export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[];
  /** Most requests that were under way at once. */
  readonly most: () => number;
}

/** A reply as such servers give it. */
export function reply(content: string, others: Record<string, unknown> = {}): Response {
  return Response.json({
    model: "teacher-1",
    choices: [{ message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { prompt_tokens: 10, completion_tokens: 5 },
    ...others,
  });
}

/** No reply, as long as somebody waits for it. */
export const hang: Answer = (_, { signal }) =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve(new Response())));

/** Starts a server that gives its answers in turn, and the last one ever after. */
export function openServer(...answers: Answer[]): TestServer {
  const asked: Asked[] = [];
  let [underWay, most] = [0, 0];
  const listen = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(listen, async (request) => {
    most = Math.max(most, ++underWay);
    try {
      const body: Asked = await request.json();
      asked.push(body);
      return await answers[Math.min(asked.length, answers.length) - 1]!(body, request);
    } finally {
      underWay--;
    }
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    asked,
    most: () => most,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The question `n+n=`. */
export function question(n: number): Question {
  return { id: String(n), prompt: `${n}+${n}=`, answer: String(2 * n) };
}

/** The right answer to a question. */
export function solve({ messages }: Asked): string {
  return `It is ${2 * parseInt(messages.at(-1)!.content)}`;
}

/** Grades by the last number. */
export const GRADER: TeacherOptions["dataset"] = {
  reward({ answer }, text): Promise<Reward> {
    const correct = /(\d+)\D*$/.exec(text)?.[1] === answer;
    return Promise.resolve({ total: Number(correct), correct, parts: {} });
  },
};

/** A teacher in a folder of its own, which never waits long, and what it warned of. */
export async function openTest(
  url: string,
  others: Partial<TeacherOptions> = {},
): Promise<{ teacher: Teacher; warnings: string[]; store: string } & AsyncDisposable> {
  const folder = others.store === undefined ? await Deno.makeTempDir() : undefined;
  const store = others.store ?? `${folder}/teacher.jsonl`;
  const warnings: string[] = [];
  const teacher = await openTeacher({
    ...{ url, model: "m", dataset: GRADER, run: "a", seed: 1, warn: (line) => warnings.push(line) },
    ...others,
    store,
    limits: { timeout: 5000, pause: 5, longest: 20, tries: 3, ...others.limits },
  });
  return {
    ...{ teacher, warnings, store },
    async [Symbol.asyncDispose](): Promise<void> {
      await teacher.close();
      if (folder) await Deno.remove(folder, { recursive: true });
    },
  };
}
