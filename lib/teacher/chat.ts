/**
 * One question to an OpenAI-compatible server: `POST <url>/v1/chat/completions`. Whatever comes
 * back is a reply or a {@linkcode TeacherFault}; nothing else is thrown.
 *
 * @module
 */
import { z } from "zod";
import { faultWords, retryAfterOf } from "../fetch/web.ts";

/** Where a server is and how long it may take. */
export interface ChatServer {
  /** Its address, with or without `/v1`. */
  readonly url: URL;
  /** Sent as a bearer token; never stored or told. */
  readonly key?: string;
  /** Milliseconds that a reply may take to its last byte. */
  readonly timeout: number;
  /** Bytes that a reply may have. */
  readonly maxBytes: number;
}

/** What is asked. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: "system" | "user"; readonly content: string }[];
  readonly temperature: number;
  readonly maxTokens: number;
  /** Names the sample, for servers that heed it. */
  readonly seed: number;
}

/** What a server says a reply took. */
export interface Usage {
  /** Tokens; null where the server does not say, or says nonsense. */
  readonly promptTokens: number | null;
  /** Tokens; null as above. */
  readonly completionTokens: number | null;
  /** In the server's currency; null as above. */
  readonly cost: number | null;
}

/** A reply. */
export interface ChatReply {
  readonly text: string;
  /** Whether it ended by itself; false when it was cut at the limit of tokens. */
  readonly whole: boolean;
  /** The model by the server's name. */
  readonly model: string;
  readonly usage: Usage;
  /** Whether the server's account of the usage was nonsense. */
  readonly badUsage: boolean;
}

/**
 * What went wrong: `down` (no connection, a reset, silence, a fault of the server), `busy` (asked
 * to wait), `denied` (a wrong key, address or model), `refused` (this question) or `nonsense` (an
 * answer of another form).
 */
export type FaultKind = "down" | "busy" | "denied" | "refused" | "nonsense";

/** A request that brought no reply. */
export class TeacherFault extends Error {
  override readonly name = "TeacherFault";
  readonly kind: FaultKind;
  /** Milliseconds that the server asks to wait. */
  readonly retryAfter?: number;

  constructor(kind: FaultKind, message: string, retryAfter?: number) {
    super(message);
    this.kind = kind;
    this.retryAfter = retryAfter;
  }
}

/**
 * Checks and completes the address of a server, which may be complete already.
 *
 * @throws {TypeError} When it is no address of HTTP.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { completionsUrl } from "./chat.ts";
 *
 * const wanted = "http://localhost:8080/v1/chat/completions";
 * assertEquals(completionsUrl("http://localhost:8080").href, wanted);
 * assertEquals(completionsUrl("http://localhost:8080/v1/").href, wanted);
 * assertEquals(completionsUrl(wanted).href, wanted);
 * ```
 */
export function completionsUrl(url: string): URL {
  const parsed = URL.parse(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    throw new TypeError(
      `Cannot ask a teacher as its address must be of http or https: current value is ${url}`,
    );
  }
  parsed.pathname = parsed.pathname.replace(/\/+$/, "").replace(/\/v1(\/chat\/completions)?$/, "") +
    "/v1/chat/completions";
  return parsed;
}

/**
 * The complete address of a server as it may be stored and told: without what lets one in.
 *
 * @throws {TypeError} When it is no address of HTTP.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { publicAddress } from "./chat.ts";
 *
 * const given = "https://me:secret@example.org/v1?token=secret";
 * assertEquals(publicAddress(given), "https://example.org/v1/chat/completions");
 * ```
 */
export function publicAddress(url: string): string {
  const { origin, pathname } = completionsUrl(url);
  return origin + pathname;
}

/**
 * Asks once.
 *
 * @param signal Ends the wait.
 * @throws {TeacherFault} When no reply comes.
 */
export async function askChat(
  { url, key, timeout, maxBytes }: ChatServer,
  { model, messages, temperature, maxTokens, seed }: ChatRequest,
  signal: AbortSignal,
): Promise<ChatReply> {
  const limit = AbortSignal.timeout(timeout);
  const place = new URL(url);
  if (key !== undefined) [place.username, place.password] = ["", ""]; // fetch would send both
  try {
    const response = await fetch(place, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify({ model, messages, temperature, max_tokens: maxTokens, seed }),
      redirect: "manual", // a redirected POST becomes a GET, and the key would travel along
      signal: AbortSignal.any([signal, limit]),
    });
    if (response.ok) return replyOf(await textOf(response, maxBytes), model);
    await response.body?.cancel();
    throw refusal(response);
  } catch (error) {
    if (error instanceof TeacherFault) throw error;
    throw new TeacherFault(
      "down",
      limit.aborted ? `it took more than ${timeout / 1000} s` : faultWords(error as Error),
    );
  }
}

/** The text of a response, up to a limit. */
async function textOf(response: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new TeacherFault("nonsense", `it sent more than ${maxBytes} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** What a status that is no success means. */
function refusal({ status, statusText, headers }: Response): TeacherFault {
  const said = `it answered ${status} ${statusText}`.trim();
  const kind = status === 429
    ? "busy"
    : status >= 500 || status === 408
    ? "down"
    : [400, 413, 422].includes(status)
    ? "refused"
    : "denied";
  return new TeacherFault(kind, said, retryAfterOf(headers));
}

const replySchema = z.object({
  model: z.string().optional().catch(undefined),
  choices: z.array(z.object({
    message: z.object({ content: z.string() }),
    finish_reason: z.string().nullish(),
  })).min(1),
  usage: z.unknown(),
});

const tokens = z.number().int().nonnegative();
const usageSchema = z.object({
  prompt_tokens: tokens,
  completion_tokens: tokens,
  cost: z.number().nonnegative().finite().nullish(),
});

/** A reply from the text of a response. */
function replyOf(text: string, asked: string): ChatReply {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const start = JSON.stringify(text.slice(0, 40));
    throw new TeacherFault("nonsense", `its answer is not JSON: it begins with ${start}`);
  }
  const parsed = replySchema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new TeacherFault("nonsense", `${path.join(".") || "its answer"} is wrong: ${message}`);
  }
  const { model = asked, choices: [choice], usage } = parsed.data;
  const { success, data } = usageSchema.safeParse(usage);
  return {
    text: choice!.message.content,
    whole: choice!.finish_reason !== "length",
    model,
    usage: {
      promptTokens: data?.prompt_tokens ?? null,
      completionTokens: data?.completion_tokens ?? null,
      cost: data?.cost ?? null,
    },
    badUsage: usage !== undefined && usage !== null && !success,
  };
}
