/**
 * Answers in words, and letters of multiple choice.
 *
 * @module
 */
import type { Grade } from "./grade.ts";

/** The letters of an answer without its dress: case, fonts, dollar signs, punctuation at its ends. */
export function plainText(text: string): string {
  const bare = text
    .replace(/\\(?:text[a-z]*|mathrm|mathbf|mathit|mbox|hbox|operatorname)\s*\{([^{}]*)\}/g, "$1")
    .replace(
      /\\(?:left|right|displaystyle|quad|qquad)(?![A-Za-z])|(?<!\\)\\[,;:! ()[\]]|[$~]|\*\*/g,
      " ",
    )
    .replace(/\\([%&#_])/g, "$1")
    .replace(/\s+/g, " ").trim()
    .replace(/^[,;:!?"\s]+|[.,;:?"\s]+$/g, "")
    .replace(/(?<![A-Za-z\d]) | (?![A-Za-z\d\\])|(?<=\d) (?=[A-Za-z])|(?<=[A-Za-z]) (?=\d)/g, "");
  return isWords(bare)
    ? bare.toLowerCase().replace(/^(?:(?:it|this|that) is )?(?:(?:the|an?) )?/, "")
    : bare;
}

/** Whether a text is words throughout, and not unknowns: `A sin x` has a letter alone. */
function isWords(text: string): boolean {
  return /^[A-Za-z][A-Za-z ,'\d-]*$/.test(text) && /[a-z]{3}|[a-z]{2}$|[A-Z]{4}|^No$/.test(text) &&
    !/(?<![A-Za-z'])[B-Zb-z](?![A-Za-z'])/.test(text);
}

/** A letter that chooses, and what stands beside it. */
interface Choice {
  readonly letter: string;
  readonly rest: string;
}

/** The choice that an answer makes: `(B)`, `B.`, `\text{(B)} 14`, `option B`; undefined for none. */
function choiceOf(plain: string): Choice | undefined {
  const marked = /^(?:(?:option|choice)\s*)?\(([A-Ja-j])\)\s*(.*)$/i.exec(plain) ??
    /^(?:(?:[Oo]ption|[Cc]hoice)\s+)?([A-J])(?:[.):]\s*(.*)|$)/.exec(plain) ??
    /^([a-j])\)\s*(.*)$/.exec(plain) ??
    /^(?:option|choice)\s+([a-j])()$/.exec(plain);
  if (!marked || /\([A-Ja-j]\)|^(?:and|or)\b/.test(marked[2] ?? "")) return undefined;
  return { letter: marked[1]!.toUpperCase(), rest: (marked[2] ?? "").trim() };
}

/** The letters of several choices, sorted: of `A, C`, `(C) and (A)`; undefined for anything else. */
function choicesOf(plain: string): string | undefined {
  const letters = plain.replace(/\(([A-J])\)/g, "$1").split(/[,;& ]+(?:and )?/);
  const areChoices = letters.length > 1 && letters.every((letter) => /^[A-J]$/.test(letter));
  return areChoices ? letters.sort().join("") : undefined;
}

/** Words between commas and "and", sorted. */
const listed = (words: string) =>
  words.split(/(?:,| and )(?:and )?/).map((word) => word.trim()).sort().join();

/** Whether an answer's text alone decides it; undefined when it has to be read as mathematics. */
export function compareTexts(gold: string, answer: string): Grade | undefined {
  const [asked, given] = [plainText(gold), plainText(answer)];
  if (given === "" || asked === "") return { correct: false, reason: "the answer is empty" };
  if (asked === given) return { correct: true, reason: "the texts are equal" };
  const [goldChoice, choice] = [choiceOf(asked), choiceOf(given)];
  if (goldChoice && choice) {
    const correct = goldChoice.letter === choice.letter;
    return { correct, reason: correct ? "the choices are equal" : "another choice was made" };
  }
  const [choices, chosen] = [choicesOf(asked), choicesOf(given)];
  if ((choices ?? asked) === (chosen ?? given)) {
    return { correct: true, reason: "the choices are equal" };
  }
  if (isWords(asked) && isWords(given) && listed(asked) === listed(given)) {
    return { correct: true, reason: "the words are equal" };
  }
  if (/^(?:yes|no|true|false)$/.test(asked)) {
    const correct = new RegExp(`^${asked}(?:$|[,.;:!])`, "i").test(given);
    return { correct, reason: correct ? "the words are equal" : "the words differ" };
  }
  if (/^[a-z]{4,}(?:[ -][a-z]+)*$/i.test(asked) && /[a-z]/i.test(given)) {
    return { correct: false, reason: "the words differ" };
  }
  return undefined;
}

/** What stands beside an answer's letter of multiple choice, when the gold is no letter. */
export function besideChoice(answer: string): string | undefined {
  const choice = choiceOf(plainText(answer));
  return choice && choice.rest !== "" ? choice.rest : undefined;
}
