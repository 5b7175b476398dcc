/**
 * The frame that a question is asked in: a folder's chat template, one of our own, or none.
 *
 * @module
 */
// The engine that Hugging Face's own JavaScript tools render chat templates with.
import { Template } from "@huggingface/jinja";

/** How questions are asked. */
export interface PromptOptions {
  /**
   * `chat` is the folder's own template, `none` the bare question; else a name of
   * {@linkcode PROMPT_TEMPLATES} or the source of a Jinja template. `chat` unless given, or `none`
   * where the folder has no template.
   */
  readonly template?: string;
  /** Text of a system message; unless given the template's own, if it has one. */
  readonly system?: string;
}

/** One turn of a conversation. */
export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** A frame that has a name. */
export interface PromptTemplate {
  /** Jinja source; it is given what a chat template is. Jinja drops a line feed at its very end. */
  readonly source: string;
  /** The system message unless the user gives another. */
  readonly system?: string;
}

/**
 * The frames that ReLIFT and LUFFY ask base models in, which have learnt no chat template
 * (arXiv:2504.14945, appendix; arXiv:2506.07527 takes them over).
 *
 * `relift` has their layout: a system text that wants long, systematic reasoning in two parts, the
 * thought between `<think>` and `</think>` and the solution with its answer in `\boxed{}`; a user's
 * line that introduces the problem; and the assistant's turn, already begun with `<think>` and a
 * line feed. `relift-llama` is the plain form for Llama: step by step, without marks of thinking.
 * The wording is our own. Data that brings a system message of its own gives it as `system`.
 */
export const PROMPT_TEMPLATES: Readonly<Record<string, PromptTemplate>> = {
  relift: {
    system: "Reason about the problem at length and systematically before you answer it. Write " +
      "two parts, a Thought and a Solution. The Thought stands inside <think> and </think>: " +
      "analyse the problem, try ideas, check every step, and correct what proves wrong. The " +
      "Solution follows </think>: give the steps that lead to the answer, and put the final " +
      "answer in \\boxed{}.",
    source: "{% if messages[0].role == 'system' %}{{ messages[0].content }}\n\n{% endif %}" +
      "User: Please solve this problem:\n{{ messages[-1].content }}\nAssistant: <think>{{ '\\n' }}",
  },
  "relift-llama": {
    source: "{% if messages[0].role == 'system' %}{{ messages[0].content }}\n\n{% endif %}" +
      "User: {{ messages[-1].content }}\nAnswer: We solve this step by step.{{ '\\n' }}",
  },
};

/** A frame that is ready to be filled. */
export interface PromptFrame {
  /** Whether it is the folder's own chat template. */
  readonly chat: boolean;
  /** The system message that goes first, if any. */
  readonly system?: string;
  /**
   * The text of a conversation.
   *
   * @param answer Whether the assistant's turn is to be begun at its end.
   * @throws {SyntaxError} When the template refuses it.
   */
  render(messages: readonly Message[], answer: boolean): string;
}

/**
 * Chooses and parses the frame that options ask for; undefined when questions are asked bare.
 *
 * @param chatTemplate Source of the folder's own, if it has one.
 * @param variables What templates are given besides the messages, such as `bos_token`.
 * @param where Named in errors: the folder.
 * @throws {RangeError} When the options name a template that is not there.
 * @throws {SyntaxError} When a template's source is wrong.
 */
export function promptFrame(
  { template, system }: PromptOptions,
  chatTemplate: string | undefined,
  variables: Readonly<Record<string, unknown>>,
  where: string,
): PromptFrame | undefined {
  const name = template ?? (chatTemplate === undefined ? "none" : "chat");
  if (name === "none") {
    if (system === undefined) return;
    throw new RangeError(
      `Cannot ask with a system message as the template must have a place for it: current value ` +
        `is none`,
    );
  }
  const chosen = name === "chat" && chatTemplate !== undefined
    ? { source: chatTemplate }
    : /\{[{%]/.test(name)
    ? { source: name }
    : Object.hasOwn(PROMPT_TEMPLATES, name)
    ? PROMPT_TEMPLATES[name]!
    : undefined;
  if (chosen === undefined) throw unknownTemplate(name, where);
  const parsed = inTemplate(where, () => new Template(chosen.source));
  return {
    chat: name === "chat",
    system: system ?? chosen.system,
    render: (messages, answer) =>
      inTemplate(where, () =>
        parsed.render({
          tools: null, // as transformers passes it: templates ask whether it is none
          documents: null,
          ...variables,
          messages,
          add_generation_prompt: answer,
        })),
  };
}

function unknownTemplate(name: string, where: string): RangeError {
  if (name === "chat") {
    return new RangeError(`Cannot ask by chat template as ${where} has none`);
  }
  const names = ["chat", "none", ...Object.keys(PROMPT_TEMPLATES)].join(", ");
  return new RangeError(
    `Cannot ask as template must be ${names} or the source of a Jinja template: current value is ` +
      JSON.stringify(name),
  );
}

/** Tells errors of the engine, and those that a template raises, in one line. */
function inTemplate<T>(where: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new SyntaxError(
      `Cannot use the prompt template of ${where}: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
