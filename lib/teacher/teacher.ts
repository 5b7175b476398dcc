/**
 * A teacher: an OpenAI-compatible server that is asked for demonstrations while training goes on
 * (the online part that arXiv:2506.07527 names).
 *
 * A question gets up to `samples` samples, one request each, as not every server gives several at
 * once; the first that the dataset's own verifier accepts is its demonstration, and asking stops
 * there. The first rather than the shortest: further samples cost money, and the shortest of
 * several would teach to skip steps.
 *
 * Requests are made by a thread of their own, see `courier.ts`. Verdicts are found here, when the
 * event loop comes round and at the latest between two steps, so that a further sample of a question
 * may be asked for one step later; replies without a verdict yet are lost when the process is killed.
 *
 * What a run sees, and when: a demonstration that has arrived is shown from the next
 * {@linkcode Teacher.beginStep} on, and that is recorded under the run's name before more happens.
 * A run that resumes, or is made again with the same store and name, sees the same demonstrations
 * at the same steps, with or without the server; only after its last recorded step does it see new
 * ones. Not reproducible: the order in which a live server answers, hence a first run; and the
 * steps of a run that was killed before that was recorded, which it takes again anyway.
 *
 * @module
 */
import type { Dataset, Question } from "../data/question.ts";
import { type ChatReply, completionsUrl, publicAddress } from "./chat.ts";
import { type Asking, TEACHER_LIMITS, type TeacherLimits, warnOnce } from "./collector.ts";
import { type CollectorStart, openCourier } from "./courier.ts";
import type { SampleReply } from "./messages.ts";
import { openSights } from "./sights.ts";
import { type AttemptRecord, keyOf, openStore, type TeacherStore, type Verdict } from "./store.ts";
import { openTally, type Price, type TeacherCounts } from "./tally.ts";

/** Settings of {@linkcode openTeacher}. */
export interface TeacherOptions {
  /** Address of the server, with or without `/v1`. */
  readonly url: string;
  /** Sent as a bearer token; never stored or told. */
  readonly key?: string;
  readonly model: string;
  /** Whose verifier decides. */
  readonly dataset: Pick<Dataset, "reward">;
  /** File of all replies; several runs may share it, one after the other. */
  readonly store: string;
  /** Names the run in the store; runs of other settings need other names. */
  readonly run: string;
  /** Names the samples, for servers that heed it, and the jitter of pauses. */
  readonly seed: number;
  /** Told before each question, such as in which form to answer. */
  readonly system?: string;
  /** Samples of a question until one is accepted; 4 unless given. */
  readonly samples?: number;
  /** 0.7 unless given. */
  readonly temperature?: number;
  /** Tokens of a reply, by the teacher's tokenizer; 2048 unless given. */
  readonly maxTokens?: number;
  /** Where the server does not tell the cost. */
  readonly price?: Price;
  /** Whether the policy can be taught a reply, such as by its length; any unless given. */
  readonly fits?: (question: Question, text: string) => boolean;
  /** Told, in a line, what a person should know; no more than once for each trouble. */
  readonly warn: (line: string) => void;
  readonly limits?: Partial<TeacherLimits>;
}

/** A teacher that can be asked. Nothing here waits for it, nor throws what it does wrong. */
export interface Teacher extends AsyncDisposable {
  /** Asks for a demonstration of a question, unless that is done already. */
  ask(question: Question): void;
  /** The demonstration of a question that the run may see at this step. */
  demonstration(question: Question): string | undefined;
  /**
   * Takes in what has arrived, has it judged, and shows it. Call it between two steps, with the
   * step that begins: within a step nothing changes. It waits for the verifier, never for the
   * server.
   *
   * @returns How many demonstrations are new.
   */
  beginStep(step: number): Promise<number>;
  readonly counts: Readonly<TeacherCounts>;
  /** Waits until nothing is left to ask for: for who collects before training. */
  idle(): Promise<void>;
  /** Gives up what is under way, and stores what has come. */
  close(): Promise<void>;
}

/**
 * Opens a teacher; asks nothing yet.
 *
 * @throws {TypeError} When its address is none, or its key cannot be sent.
 * @throws {RangeError} When a setting is out of range.
 * @throws {Error} When the store cannot be opened.
 */
export async function openTeacher(options: TeacherOptions): Promise<Teacher> {
  const { url, key, model, system = null, temperature = 0.7, maxTokens = 2048 } = options;
  const { samples = 4, seed } = options;
  const limits = { ...TEACHER_LIMITS, ...options.limits };
  checkTeacher({ samples, maxTokens, concurrency: limits.concurrency, tries: limits.tries });
  checkKey(key);
  const { href } = completionsUrl(url);
  const asking = { server: publicAddress(url), model, system, temperature, maxTokens };
  const store = await openStore(options.store);
  store.faults.forEach(options.warn);
  const { timeout, maxBytes } = limits;
  const server = { url: href, key, timeout, maxBytes };
  return startTeacher({ ...options, samples }, { server, asking, limits, seed }, store);
}

function startTeacher(
  options: TeacherOptions & { samples: number },
  start: CollectorStart,
  store: TeacherStore,
): Teacher {
  const { samples, run, warn } = options;
  const { accepted, tried } = recall(store.attempts, start.asking);
  const sights = openSights(run, store);
  const tally = openTally(options.price);
  const once = warnOnce(warn);
  const asked = new Map<string, Question>();
  const waiting = new Set<string>();
  let resting = Promise.withResolvers<void>();
  let isGone = false;
  let [judging, closing]: [Promise<void>, Promise<void> | undefined] = [
    Promise.resolve(),
    undefined,
  ];

  const courier = openCourier(start, (message) => {
    if (message.kind === "warn") warn(message.line);
    else if (message.kind === "fault") tally.faults[message.fault]++;
    else if (message.kind === "givenUp") giveUp(keyOf(message.sample));
    else if (message.kind === "gone") {
      isGone = true;
      warn(`the teacher is asked no more: ${message.why}`);
      waiting.forEach(giveUp);
    } else judging = judging.then(() => take(message.sample)); // one after the other, as they came
  });

  function settle(key: string): void {
    waiting.delete(key);
    if (waiting.size === 0) resting.resolve();
  }

  function giveUp(key: string): void {
    tally.givenUp++;
    settle(key);
  }

  /** Judges and stores a reply; the next sample is asked for unless it was enough. Never throws. */
  async function take(sample: SampleReply): Promise<void> {
    const { id, prompt, attempt, reply, ...circumstances } = sample;
    const key = keyOf(sample);
    const verdict = await judge(options, asked.get(key)!, reply).catch((error): Verdict => {
      // A bug of the verifier must not stop the run that goes on meanwhile.
      once("ungraded", `the verifier failed on a reply to ${id}: ${error}`);
      return "ungraded";
    });
    const { text, model: servedBy, usage } = reply;
    const cost = tally.replied(reply, verdict);
    try {
      const what = { question: id, prompt, attempt, ...start.asking, ...circumstances };
      await store.append({ kind: "attempt", ...what, text, servedBy, verdict, ...usage, cost });
    } catch (error) {
      once("store", `replies of the teacher cannot be stored, and are not used: ${error}`);
      return giveUp(key);
    }
    if (verdict === "ungraded") return giveUp(key);
    if (verdict === "accepted") {
      accepted.set(key, text);
      sights.arrived(key);
    } else if (attempt + 1 < samples) return courier.ask({ id, prompt, attempt: attempt + 1 });
    settle(key);
  }

  async function arrivals(): Promise<void> {
    await courier.sync();
    await judging;
  }

  async function finish(): Promise<void> {
    await courier.close();
    await judging;
    await store.close();
    resting.resolve();
  }

  const close = () => closing ??= finish();
  return {
    ask(question: Question): void {
      const key = keyOf(question);
      if (asked.has(key) || closing) return;
      asked.set(key, question);
      const attempt = tried.get(key) ?? 0;
      if (accepted.has(key)) return sights.arrived(key);
      if (attempt >= samples || isGone) return;
      if (waiting.size === 0) resting = Promise.withResolvers();
      waiting.add(key);
      courier.ask({ id: question.id, prompt: question.prompt, attempt });
    },
    demonstration(question: Question): string | undefined {
      const key = keyOf(question);
      return sights.has(key) ? accepted.get(key) : undefined;
    },
    async beginStep(step: number): Promise<number> {
      if (!closing) await arrivals();
      return await sights.beginStep(step, warn);
    },
    get counts(): TeacherCounts {
      return { ...tally.counts(), asked: asked.size, waiting: waiting.size };
    },
    idle: () => waiting.size === 0 ? Promise.resolve() : resting.promise,
    ...{ close, [Symbol.asyncDispose]: close },
  };
}

/** Checks a key without telling it, as the error of a request would. */
function checkKey(key: string | undefined): void {
  if (key === undefined || /^[\x20-\x7e]*$/.test(key.trim())) return;
  throw new TypeError(
    "Cannot ask a teacher as its key must be of visible ASCII characters: " +
      "current value is not shown",
  );
}

function checkTeacher(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (!(Number.isInteger(value) && value >= 1)) {
      throw new RangeError(
        `Cannot ask a teacher as ${name} must be a whole number > 0: current value is ${value}`,
      );
    }
  }
}

/** What came of a reply. */
async function judge(
  { dataset, fits = () => true }: TeacherOptions,
  question: Question,
  { text, whole }: ChatReply,
): Promise<Verdict> {
  if (!whole) return "cut"; // it may hold the answer, but teaches to stop in the middle
  if (text.trim() === "") return "empty";
  if (!(await dataset.reward(question, text)).correct) return "wrong";
  return fits(question, text) ? "accepted" : "unfit";
}

/** Demonstrations by question, whoever gave them, and how often one was asked for in vain so. */
function recall(
  attempts: readonly AttemptRecord[],
  asking: Asking,
): { accepted: Map<string, string>; tried: Map<string, number> } {
  const accepted = new Map<string, string>();
  const tried = new Map<string, number>();
  for (const attempt of attempts) {
    const key = keyOf({ id: attempt.question, prompt: attempt.prompt });
    if (attempt.verdict === "accepted" && !accepted.has(key)) accepted.set(key, attempt.text);
    const isAlike = Object.entries(asking)
      .every(([name, value]) => attempt[name as keyof Asking] === value);
    if (isAlike) tried.set(key, Math.max(tried.get(key) ?? 0, attempt.attempt + 1));
  }
  return { accepted, tried };
}
