/**
 * Finds the answer in what a model, or a worked solution, wrote.
 *
 * What comes after the last `</think>` is looked at first. There, the first of these that is found
 * gives the answer:
 *
 * 1. the last `\boxed{}` or `\fbox{}`, with those beside it in the same sentence: `\boxed{1}` and
 *    `\boxed{2}` is the list `1, 2` (twice the same is one; after a sentence ends, the last counts);
 * 2. the last `<answer>` element;
 * 3. the last line with `####`;
 * 4. what follows the last "the answer is", "final answer:" or "answer:", to its sentence's end;
 * 5. what follows a `#` in its last line, the form of the built-in families;
 * 6. all of it, when it is no prose: a few words or a formula;
 * 7. the last formula, point, interval or number, whichever is latest, of sentences that do not
 *    ask, and not behind a "not";
 * 8. the end of a short sentence that has none of these: "the winner is Alice".
 *
 * When nothing of 1 to 5 comes after `</think>`, and none of 6 to 8 finds anything, 1 to 5 are
 * tried before it. A gold is looked at in the same way, but 6 comes first: a gold is an answer
 * unless it is prose. Text after a chat's end marks (`<|im_end|>`) does not count.
 *
 * @module
 */

import { type Formula, formulasIn, looseFormula, protectedMath } from "./formulas.ts";

/** An answer, and what gave it. */
export interface Extracted {
  readonly text: string;
  readonly rule:
    | "boxed"
    | "tag"
    | "hashes"
    | "phrase"
    | "hash"
    | "whole"
    | "last formula"
    | "last number";
}

/** Characters from the end that are looked at: an answer stands at the end. */
const MAX_TEXT = 200_000;

/** Longest text that is looked at as a formula, characters. */
const MAX_FORMULA = 4000;

/** The answer in a completion; undefined when it has none. */
export function extractAnswer(completion: string): Extracted | undefined {
  const text = spoken(completion);
  const thought = text.lastIndexOf("</think>");
  if (thought < 0) return answerIn(text);
  return answerIn(text.slice(thought + "</think>".length)) ?? anchored(text.slice(0, thought));
}

/** The answer in a gold: all of it, unless it is prose. */
export function extractGold(gold: string): Extracted | undefined {
  const text = spoken(gold);
  const anchor = lastBoxed(text) ?? hashes(text);
  if (anchor) return anchor;
  if (!isProse(text)) return whole(text);
  const [formula, ...others] = formulasIn(text.slice(-MAX_FORMULA));
  const sole = formula && others.length === 0 ? found(formula.text, "last formula") : undefined;
  return anchored(text) ?? sole ?? whole(text);
}

function answerIn(text: string): Extracted | undefined {
  const found = anchored(text);
  if (found) return found;
  return isProse(text) ? lastOf(text) ?? remark(text) : whole(text);
}

/** A sentence that has no formula and no number may be the answer itself, or end with it. */
function remark(text: string): Extracted | undefined {
  if (text.trim().length > MAX_REMARK) return undefined;
  return whole(/\?|not\b|n't\b|\bnever\b/i.test(text) ? text : afterVerb(text.trim()));
}

/** Characters of an answer in words. */
const MAX_REMARK = 200;

const anchored = (text: string) =>
  lastBoxed(text) ?? tag(text) ?? hashes(text) ?? phrase(text) ?? hash(text);

/** The text up to a mark that ends a turn, without marks and null bytes. */
function spoken(text: string): string {
  const tail = text.length > MAX_TEXT ? text.slice(-MAX_TEXT) : text;
  const end = tail.search(/\S\s*<(?:\|(?:im_start|im_end|eot_id|endoftext|end_of_text)\||\/s)>/);
  return (end < 0 ? tail : tail.slice(0, end + 1)).replace(/<\|\w{1,40}\|>|\0/g, " ");
}

const BOX = /\\(?:boxed|fbox|framebox)(?![A-Za-z])/g;

/** Boxes that are looked at, from the end. */
const MAX_BOXES = 8;

interface Box {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The box whose command is at `start`: balanced braces, or the one thing that follows. */
function boxAt(text: string, start: number, length: number): Box | undefined {
  let open = start + length;
  while (/\s/.test(text[open] ?? "")) open++;
  if (text[open] !== "{") {
    const bare = /^(?:-?[\d.,]*\d|\\[A-Za-z]+|\S)/.exec(text.slice(open, open + 40))?.[0];
    return bare === undefined ? undefined : { start, end: open + bare.length, text: bare };
  }
  for (let [at, depth] = [open, 0]; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) {
      return { start, end: at + 1, text: text.slice(open + 1, at) };
    }
  }
  return undefined;
}

function lastBoxed(text: string): Extracted | undefined {
  const boxes = [...text.matchAll(BOX)].slice(-MAX_BOXES)
    .map(({ 0: { length }, index }) => boxAt(text, index, length))
    .filter((box) => box !== undefined);
  const last = boxes.pop();
  if (!last) return undefined;
  const beside = [withSuffix(text, last)];
  for (let next = last, box = boxes.pop(); box; next = box, box = boxes.pop()) {
    if (box.end > next.start || !continues(text.slice(box.end, next.start))) break;
    beside.unshift(withSuffix(text, box));
  }
  return { text: [...new Set(beside)].join(", "), rule: "boxed" };
}

/** What a box is followed by when it belongs to it: a percent sign or degrees. */
function withSuffix(text: string, box: Box): string {
  const after = text.slice(box.end, box.end + 24);
  const suffix = /^\s*\$?\s*(\\?%|percent|pct|\^\{?\s*\\circ\s*\}?)/.exec(after)?.[1] ?? "";
  return box.text.trim() + suffix.replace(/^(percent|pct)$/, "\\%");
}

/** Whether two boxes with this between them stand in one sentence. */
const continues = (between: string) =>
  between.length < 120 && !/[.!?](?:[\s*$\\]|$)|\n\s*\n|\*\*|wait|instead|actually/i.test(between);

function tag(text: string): Extracted | undefined {
  const end = text.lastIndexOf("</answer>");
  const start = end < 0 ? -1 : text.lastIndexOf("<answer>", end);
  const inner = start < 0 ? "" : text.slice(start + "<answer>".length, end);
  return found(phrase(inner)?.text ?? inner, "tag");
}

function hashes(text: string): Extracted | undefined {
  const start = text.lastIndexOf("####");
  return found(start < 0 ? "" : text.slice(start + 4).trimStart().split("\n", 1)[0]!, "hashes");
}

function hash(text: string): Extracted | undefined {
  const answer = /(?:^|[^#])#[ \t]*([^#\s](?:[^#\n]*[^#\s])?)\s*$/.exec(text.slice(-1000))?.[1];
  return found(answer ?? "", "hash");
}

function found(text: string, rule: Extracted["rule"]): Extracted | undefined {
  const trimmed = text.trim();
  return trimmed === "" ? undefined : { text: trimmed, rule };
}

const PHRASE = // every repetition is bounded, so that no text makes the search slow
  /\b(?:answers?|(?:correct|right|best)\s(?:option|choice))\b(?:\s(?:to|for)\s[^.\n:]{0,80}?)?\s{0,3}(?:\*\*)?\s{0,3}(?:\bis\b|\bare\b|\b(?:would|will|must|should)\sbe\b|:|=)\s{0,3}(?:\*\*)?\s{0,3}(?::|\bis\b)?\s{0,3}(?:(?:therefore|thus|hence|then|simply|just|indeed|exactly|equal\sto|given\sby),?\s{1,3}){0,2}/gi;

function phrase(text: string): Extracted | undefined {
  const last = [...text.matchAll(PHRASE)].at(-1);
  if (!last) return undefined;
  const clause = sentenceAt(text, last.index + last[0].length);
  return found(undisplayed(afterVerb(clause)), "phrase");
}

/** A sentence from where it goes on, to its end or to what only explains it. */
function sentenceAt(text: string, start: number): string {
  const rest = text.slice(start, start + 2000);
  const end = /[.!?]["')\]}*]*(?:\s|$)|\n\s*\n|\n(?=\S)(?<=\S\s*\n)/.exec(protectedMath(rest));
  const sentence = rest.slice(0, end && end.index > 0 ? end.index : undefined);
  const reason = /,?\s+(?:because|since|as|which|so)\s/.exec(protectedMath(sentence));
  return (reason ? sentence.slice(0, reason.index) : sentence).replace(/^["'*}\s]+|["'*\s]+$/g, "");
}

/** "The largest n is 34" says 34. */
function afterVerb(clause: string): string {
  if (!/^[A-Za-z]{2,}/.test(clause)) return clause;
  const verb = [...protectedMath(clause).matchAll(/\s(?:is|are|equals|equal to|be)\s+/g)].at(-1);
  return verb ? clause.slice(verb.index + verb[0].length) : clause;
}

/** Whether a text is sentences, and not an answer alone. */
function isProse(text: string): boolean {
  if (text.length > MAX_FORMULA) return true;
  const blanked = protectedMath(text);
  if (blanked !== text && /^\W*[A-Za-z]{2,}\W.*x{3}/s.test(blanked)) return true; // "Answer $9$"
  const rest = blanked
    .replace(/\\(?:text\w*|mathrm|mbox|operatorname|begin|end)\s*\{[^{}]*\}/g, " ")
    .replace(/\\[A-Za-z]+|\$/g, " ");
  if (COUNTED.test(rest)) return false;
  const words = (rest.match(/[A-Za-z]{2,}/g) ?? [])
    .filter((word) => isWord(word) && !CONNECTING.has(word.toLowerCase()));
  return words.length >= 2 || words.length === 1 && /[.!?]\s+\S|\n/.test(rest.trim());
}

/** A number with what it counts: `5 square units`. */
const COUNTED = /^\s*-?[\d.,/]+\s+(?:[A-Za-z]+[\^\d²³]*[\s.]+){0,3}[A-Za-z]+[\^\d²³]*[\s.]*$/;

/** Whether letters are a word, and not unknowns side by side. */
const isWord = (letters: string) =>
  /^[A-Z]?[a-z]*[aeiouy][a-z]*$/.test(letters) && letters.length >= 3 || SHORT_WORDS.has(letters);

const SHORT_WORDS = new Set(
  "is it we so to of in if at as he no on us my do go me So It We He If In".split(" "),
);

const CONNECTING = new Set("and or sqrt pi sin cos tan log ln infinity inf".split(" "));

function whole(text: string): Extracted | undefined {
  const bare = text.trim().replace(/^\*\*|\*\*$/g, "")
    .replace(/^(?:therefore|thus|hence|so|then|finally|consequently)\b[,:]?\s/i, "");
  return found(undisplayed(bare), "whole");
}

/** A formula by its environment, without it. */
function undisplayed(text: string): string {
  const [formula] = text.startsWith("\\begin{") ? formulasIn(text) : [];
  return formula?.start === 0 && formula.end === text.length ? formula.text : text;
}

const NUMBER =
  /(?<![A-Za-z\d.\\_{^])(?:(?<=^|[\s(=:,$€£])-\s?)?(?:negative\s)?\\?\$?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?:\s?\/\s?\d+)?(?:[eE][+-]?\d{1,4})?(?![A-Za-z]*\d)(?:\s?(?:\\?%|percent\b|pct\b|°))?/g;

/** Points and intervals of numbers, and not `(1,234)`. */
const TUPLE =
  /(?<![A-Za-z\d])(?!\(\d{1,3}(?:,\d{3})+\))[(\[](?:[^()[\]A-Za-z\n,]{1,40},){1,8}[^()[\]A-Za-z\n,]{1,40}[)\]]/g;

/** The last formula or number that is said: neither asked for nor denied. */
function lastOf(text: string): Extracted | undefined {
  const tail = text.slice(-MAX_FORMULA).replace(/\*\*/g, "")
    .replace(/(?<=\d[^.!?\n]{0,200}),?\s(?:because|since)\s[^.!?\n]*/gi, "");
  const isSaid = ({ start, end }: Formula) =>
    !/^[^.!\n]{0,200}\?/.test(tail.slice(end)) &&
    !/\b(?:not|cannot|can't|isn't)(?:\s+be)?\s*$/i.test(tail.slice(Math.max(0, start - 40), start));
  const blanked = protectedMath(tail);
  const formulas = [...formulasIn(tail), ...matchesOf(TUPLE, blanked)].filter(isSaid)
    .sort((a, b) => a.end - b.end);
  const formula = [...formulas, ...looseFormula(blanked, tail)]
    .sort((a, b) => a.end - b.end).at(-1);
  const numbers = matchesOf(NUMBER, blanked);
  const number = numbers.filter(isSaid).findLast(({ end }) =>
    /^(?:[^A-Za-z]|$|[a-z]{1,3}[²³]?(?:[^a-z]|$))/.test(blanked.slice(end))
  );
  if (number && number.start >= (formula?.end ?? 0)) {
    return found(withNeighbours(tail, numbers, number), "last number");
  }
  return formula && found(withNeighbours(tail, formulas, formula), "last formula");
}

const matchesOf = (pattern: RegExp, text: string): Formula[] =>
  [...text.matchAll(pattern)].map(({ 0: text, index }) => (
    { start: index, end: index + text.length, text }
  ));

/** A piece with those before it that "and", "or" or a comma join to it: several answers, or guesses. */
function withNeighbours(text: string, pieces: readonly Formula[], last: Formula): string {
  const joined = [last.text.trim()];
  for (let at = pieces.indexOf(last), next = last; at > 0; next = pieces[--at]!) {
    const before = pieces[at - 1]!;
    const between = text.slice(before.end, next.start);
    const [link, name] = /^\s*(?:,|,?\s*(?:and|or))\s*(?:([A-Za-z])\s*=\s*)?$/.exec(between) ?? [];
    if (link === undefined) break;
    if (name && !new RegExp(`\\b${name}\\s*=\\s*$`).test(text.slice(0, before.start))) break;
    joined.unshift(before.text.trim());
  }
  return joined.join(", ");
}
