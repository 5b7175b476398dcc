/**
 * A look at what a policy is asked and how it answers, before hours are spent: wrong templates, a
 * doubled BOS or an EOS that never comes train without an error, and learn nothing.
 *
 * @module
 */
import type { Question } from "../data/question.ts";
import type { Policy } from "../model/policy.ts";
import { randomKey } from "../random.ts";
import { speller } from "../text/speller.ts";
import { promptIds } from "./encode.ts";
import { type FinishReason, rollout } from "./rollout.ts";

/** A token as people read it. */
export interface SpelledToken {
  readonly id: number;
  readonly text: string;
}

/** What {@linkcode preflight} found. */
export interface PreflightReport {
  readonly question: string;
  /** What the policy reads, special tokens spelled out. */
  readonly prompt: string;
  readonly promptTokens: number;
  /** The first and the last tokens of the prompt; all of a short one are in `promptStart`. */
  readonly promptStart: readonly SpelledToken[];
  readonly promptEnd: readonly SpelledToken[];
  /** Ends demonstrations. */
  readonly eos: SpelledToken;
  /** Any of these ends a completion. */
  readonly stops: readonly SpelledToken[];
  readonly pad: SpelledToken;
  /** The greedy completion; absent when the prompt leaves no room for one. */
  readonly sample?: GreedySample;
  /** One line each; empty when nothing looks wrong. */
  readonly warnings: readonly string[];
}

/** What the policy answers when it always takes the most probable token. */
export interface GreedySample {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly finishReason: FinishReason;
}

/** How a policy is looked at. */
export interface PreflightOptions {
  /** Tokens that the sample may have; 128 unless given. */
  readonly maxNewTokens?: number;
}

const ENDS = 12; // tokens shown of either end of the prompt

/**
 * Asks a policy one question, greedily, and looks for what commonly goes wrong.
 *
 * @throws {RangeError} When the vocabulary cannot spell the question.
 */
export async function preflight(
  policy: Policy,
  question: Question,
  options: PreflightOptions = {},
): Promise<PreflightReport> {
  const { tokenizer } = policy;
  const ids = promptIds(policy, question);
  const spell = speller(tokenizer);
  const spelled = (id: number): SpelledToken => ({ id, text: spell([id]) });
  const sample = await greedySample(policy, question, ids, options.maxNewTokens ?? 128);
  const asked = { question, ids, sample, spell };
  return {
    question: question.id,
    prompt: spell(ids),
    promptTokens: ids.length,
    promptStart: ids.slice(0, ENDS).map(spelled),
    promptEnd: ids.slice(Math.max(ENDS, ids.length - ENDS)).map(spelled),
    eos: spelled(tokenizer.eosTokenId),
    stops: tokenizer.stopTokenIds.map(spelled),
    pad: spelled(tokenizer.padTokenId),
    sample,
    warnings: [
      ...vocabularyWarnings(policy, asked),
      ...promptWarnings(policy, asked),
      ...endWarnings(policy, asked),
    ],
  };
}

/** The most probable completion, or as much of it as there is room for. */
async function greedySample(
  policy: Policy,
  question: Question,
  ids: readonly number[],
  maxNewTokens: number,
): Promise<GreedySample | undefined> {
  const { vocab_size, max_position_embeddings } = policy.config;
  const room = Math.min(maxNewTokens, max_position_embeddings - ids.length);
  if (room < 1 || ids.length === 0 || ids.some((id) => id >= vocab_size)) return;
  const [{ completions }] = await rollout(policy, [question], {
    temperature: 0,
    topP: 1,
    topK: 0,
    groupSize: 1,
    maxNewTokens: room,
    random: () => randomKey(0, "preflight"), // which greedy decoding never draws from
  }) as [Awaited<ReturnType<typeof rollout>>[number]];
  const { text, tokens, finishReason } = completions[0]!;
  return { text, tokens, finishReason };
}

/** A question as the policy got it. */
interface Asked {
  readonly question: Question;
  readonly ids: readonly number[];
  readonly sample?: GreedySample;
  /** Ids as text, special tokens spelled out. */
  readonly spell: (ids: readonly number[]) => string;
}

function vocabularyWarnings({ tokenizer, config }: Policy, { spell }: Asked): string[] {
  const warnings: string[] = [];
  if (tokenizer.vocabSize > config.vocab_size) {
    warnings.push(
      `The tokenizer has ${tokenizer.vocabSize} ids, the model only ${config.vocab_size}: ` +
        `it cannot read the others`,
    );
  }
  if (tokenizer.stopTokenIds.includes(tokenizer.padTokenId)) {
    warnings.push(
      `${spell([tokenizer.padTokenId])} both fills rows up and ends a completion: ` +
        `here padding is masked by place, but tools that mask it by id would hide the end as well`,
    );
  }
  return warnings;
}

function promptWarnings(
  { tokenizer, config }: Policy,
  { question, ids, spell }: Asked,
): string[] {
  const warnings: string[] = [];
  const { max_position_embeddings: room } = config;
  if (ids.length === 0) warnings.push("The prompt is empty");
  if (ids.length >= room) {
    warnings.push(
      `The prompt has ${ids.length} tokens and leaves no room for a completion: the policy reads ` +
        `${room} in all`,
    );
  }
  if (ids.length > 1 && ids[0] === ids[1] && tokenizer.decode([ids[0]!]) === "") {
    warnings.push(`The prompt starts with ${spell([ids[0]!])} twice`);
  }
  const template = chatTemplateOf(tokenizer.files());
  if (template !== undefined && isBare(tokenizer.encode(question.prompt), ids)) {
    warnings.push(
      "The tokenizer has a chat template, but questions are asked without it: a policy that was " +
        "taught to chat may not answer",
    );
  } else if (template?.includes("strftime_now")) {
    warnings.push("The chat template may write today's date: prompts can change from day to day");
  }
  return warnings;
}

function endWarnings({ tokenizer }: Policy, { ids, sample, spell }: Asked): string[] {
  const warnings: string[] = [];
  const { eosTokenId, stopTokenIds } = tokenizer;
  const turnEnd = stopTokenIds.find((id) => id !== eosTokenId && ids.includes(id));
  if (turnEnd !== undefined && !ids.includes(eosTokenId)) {
    warnings.push(
      `Turns of the prompt end with ${spell([turnEnd])}, but demonstrations with ` +
        spell([eosTokenId]),
    );
  }
  if (sample?.finishReason === "length") {
    warnings.push(
      `The greedy sample did not end within ${sample.tokens.length} tokens: if none does, none is ` +
        `graded as a whole, and stops are not learnt`,
    );
  }
  if (sample?.finishReason === "stop" && sample.tokens.length === 1) {
    warnings.push("The greedy sample is empty: the policy ends it at once");
  }
  return warnings;
}

/** The chat template among a tokenizer's files, as text. */
function chatTemplateOf(files: Readonly<Record<string, string>>): string | undefined {
  const config = JSON.parse(files["tokenizer_config.json"] ?? "{}") as { chat_template?: unknown };
  const template = files["chat_template.jinja"] ?? config.chat_template ?? undefined;
  return template === undefined ? undefined : JSON.stringify(template);
}

/** Whether a prompt is a text alone, but for one token that starts it. */
function isBare(text: readonly number[], prompt: readonly number[]): boolean {
  const added = prompt.length - text.length;
  return added <= 1 && text.every((id, at) => prompt[at + added] === id);
}

/** A report as lines for people. */
export function preflightText(report: PreflightReport): string {
  const { question, prompt, promptTokens, promptStart, promptEnd, sample, warnings } = report;
  const token = ({ id, text }: SpelledToken) => `${id} ${JSON.stringify(text)}`;
  const tokens = (list: readonly SpelledToken[]) => list.map(token).join(", ");
  const indented = (text: string) => text.split("\n").map((line) => `  | ${line}`);
  return [
    `Prompt of question ${question}, ${promptTokens} tokens:`,
    ...indented(prompt),
    `  starts  ${tokens(promptStart)}`,
    ...promptEnd.length > 0 ? [`  ends    ${tokens(promptEnd)}`] : [],
    `EOS     ${token(report.eos)}`,
    `Stops   ${tokens(report.stops)}`,
    `Padding ${token(report.pad)}`,
    ...sample
      ? [
        `Greedy sample, ${sample.tokens.length} tokens, finish reason ${sample.finishReason}:`,
        ...indented(sample.text),
      ]
      : ["No greedy sample: the policy cannot read this prompt and go on"],
    ...warnings.map((warning) => `Warning: ${warning}`),
  ].join("\n");
}
