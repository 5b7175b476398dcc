/**
 * Completions as HTML tables, each token coloured by its log-probability, for `showHtml()`.
 *
 * Colours and texts are in the elements' own attributes and the page's own ink, so that tables can be
 * read in light and dark themes, in exported pages, and where a viewer takes scripts and style sheets
 * away; only sorting needs the script.
 *
 * @module
 */
import type { Group } from "../grading/group.ts";
import { groupAdvantages } from "../objectives/advantages.ts";
import type { Completion } from "../rollout/rollout.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { escapeText } from "./html.ts";
import { translucent } from "./theme.ts";

/** What tables need of a tokenizer. */
type Decoder = Pick<Tokenizer, "decode" | "eosTokenId">;

/** How {@linkcode rolloutBrowser} shows groups. */
export interface RolloutBrowserOptions {
  /** The policy's. */
  readonly tokenizer: Decoder;
  /** A group's rewards as advantages; {@linkcode groupAdvantages} unless given. */
  readonly advantages?: (rewards: readonly number[]) => number[];
}

/** Tokens and what a policy says of them. */
export interface TokenRow {
  /** What they are, in plain text. */
  readonly label: string;
  readonly tokens: readonly number[];
  /** `[tokens]`, nats. */
  readonly logProbs: ArrayLike<number>;
}

/**
 * Groups as a table of their completions: question, tokens, log-probability, whether it is right,
 * reward with its parts, advantage, length, and why it ended. A click on a column's head sorts by it,
 * another one turns the order round; without scripts the order is the groups' own.
 *
 * @returns HTML; texts are escaped.
 *
 * @example Usage
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 * import { charTokenizer } from "../text/char_tokenizer.ts";
 * import { rolloutBrowser } from "./rollout_browser.ts";
 *
 * const tokenizer = charTokenizer();
 * const completion = {
 *   tokens: [...tokenizer.encode("12"), tokenizer.eosTokenId],
 *   text: "12",
 *   logProbs: [-0.7, -0.01, 0],
 *   samplingLogProbs: [-0.7, -0.01, 0],
 *   entropy: 0.2,
 *   finishReason: "stop" as const,
 * };
 * const html = rolloutBrowser([{
 *   question: { id: "0", prompt: "7+5=", answer: "12" },
 *   prompt: tokenizer.encode("7+5="),
 *   completions: [completion],
 *   rewards: [{ total: 1, correct: true, parts: { correct: 1 } }],
 *   accuracy: 1,
 * }], { tokenizer });
 * assertStringIncludes(html, 'title="−0.70 nats">1</span>');
 * ```
 */
export function rolloutBrowser(
  groups: readonly Group[],
  { tokenizer, advantages = groupAdvantages }: RolloutBrowserOptions,
): string {
  const parts = tellingParts(groups);
  const rows = groups.flatMap((group, place) => {
    const ofGroup = advantages(group.rewards.map(({ total }) => total));
    const { prompt, answer } = group.question;
    return group.completions.map((completion, i) => {
      const { total, correct, parts: earned } = group.rewards[i]!;
      const { tokens, logProbs, finishReason } = completion;
      return [
        cell(
          escapeText(prompt),
          `${CODE};${wide(prompt, 0, 16)}`,
          place + i / group.completions.length,
        ),
        cell(escapeText(answer), CODE),
        cell(
          startOf(completion, tokenizer) + coloredTokens(tokens, logProbs, tokenizer),
          `${CODE};${wide(completion.text, 17, 30)}`,
        ),
        numberCell(sum(logProbs), 2),
        cell(correct ? "✓" : "✗", NUMBER, Number(correct)),
        numberCell(total),
        ...parts.map((name) => numberCell(earned[name])),
        numberCell(ofGroup[i]!, 3),
        numberCell(tokens.length),
        cell(finishReason === "stop" ? "EOS" : "cut off", TEXT),
      ];
    });
  });
  const heads = [
    ...["question", "answer", "completion", "Σ log p", "right", "reward"],
    ...parts.map(escapeText),
    ...["A", "tokens", "ended"],
  ];
  return `<div style="overflow-x:auto">${SCALE}${table(heads, rows, SORTABLE)}${SORT}</div>`;
}

/** The parts of rewards that tell more than whether a completion is right. */
function tellingParts(groups: readonly Group[]): string[] {
  const rewards = groups.flatMap((group) => group.rewards);
  const names = new Set(rewards.flatMap(({ parts }) => Object.keys(parts)));
  const repeats = (name: string) =>
    rewards.every(({ correct, parts }) => parts[name] === Number(correct));
  return [...names].filter((name) => !repeats(name));
}

/**
 * Tokens as a table, a row for each sequence: for instance a demonstration before and after it is
 * taught.
 *
 * @returns HTML; texts are escaped.
 */
export function tokenTable(
  rows: readonly TokenRow[],
  { tokenizer }: Pick<RolloutBrowserOptions, "tokenizer">,
): string {
  const cells = rows.map(({ label, tokens, logProbs }) => [
    cell(escapeText(label), TEXT),
    cell(coloredTokens(tokens, logProbs, tokenizer), TOKENS),
    numberCell(sum(logProbs), 2),
    numberCell(tokens.length),
  ]);
  const heads = ["", "completion", "Σ log p", "tokens"];
  return `<div style="overflow-x:auto">${SCALE}${table(heads, cells)}</div>`;
}

/** Least log-probabilities and how strongly a token above them is coloured, likely ones first. */
const SHADES: readonly { readonly above: number; readonly opacity: number }[] = [
  { above: -0.1, opacity: 0 },
  { above: -0.5, opacity: 0.15 },
  { above: -1, opacity: 0.3 },
  { above: -2, opacity: 0.45 },
  { above: -4, opacity: 0.6 },
  { above: -Infinity, opacity: 0.8 },
];

/** One hue, so that only strength speaks: the same to colour-blind readers, and in grey. */
const HUE = "#D55E00";

/** A style attribute that shades the ground behind the page's own ink; empty for none. */
function shading(opacity: number): string {
  return opacity === 0 ? "" : ` style="background-color:${translucent(HUE, opacity)}"`;
}

/** Tokens one by one, each with its number to point at. */
function coloredTokens(
  tokens: readonly number[],
  logProbs: ArrayLike<number>,
  tokenizer: Decoder,
): string {
  return tokens.map((token, i) => {
    const { opacity } = SHADES.find(({ above }) => logProbs[i]! > above) ?? SHADES.at(-1)!;
    const title = `${signed(logProbs[i]!, 2)} nats`;
    return `<span${shading(opacity)} title="${title}">${tokenText(token, tokenizer)}</span>`;
  }).join("");
}

/** What a token stands for; the end, line breaks and what has no text are made visible. */
function tokenText(token: number, { decode, eosTokenId }: Decoder): string {
  if (token === eosTokenId) return "<small>[EOS]</small>";
  const text = decode([token]);
  return text === "" ? `<small>[${token}]</small>` : escapeText(text).replaceAll("\n", "↵\n");
}

/** What the colours mean. */
const SCALE = `<p style="margin:4px 0">log p of each token, nats: ${
  SHADES.map(({ above, opacity }, i) => {
    const from = signed(SHADES[i - 1]?.above ?? 0);
    const words = above === -Infinity ? `below ${from}` : `${from} to ${signed(above)}`;
    return `<span${shading(opacity)}>&nbsp;${words}&nbsp;</span>`;
  }).join(" · ")
} (point at a token for its number)</p>`;

/** A number with a true minus, and none before zero. */
function signed(value: number, digits?: number): string {
  const text = digits === undefined ? String(value) : value.toFixed(digits);
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text.replace("-", "−");
}

function sum(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0);
}

/** How cells are set. */
const TEXT = "text-align:left";
const NUMBER = "text-align:right;white-space:nowrap";
const CODE = `${TEXT};font-family:monospace;white-space:pre-wrap;overflow-wrap:anywhere`;
const TOKENS = `${CODE};min-width:17em`;

/** A long text is not squeezed into a narrow column. */
const wide = (text: string, least: number, most: number) =>
  `min-width:clamp(${least}em,${text.length}ch,${most}em)`;

/**
 * A cell of a table around HTML.
 *
 * @param value What it is sorted by; its text unless given.
 */
function cell(html: string, style: string, value?: number): string {
  const sorted = value === undefined ? "" : ` data-value="${value}"`;
  return `<td${sorted} style="${style}">${html}</td>`;
}

function numberCell(value: number | undefined, digits?: number): string {
  return value === undefined ? cell("–", NUMBER) : cell(signed(value, digits), NUMBER, value);
}

/** In small print, what a completion was made to start from and did not draw; mostly nothing. */
function startOf({ tokens, text }: Completion, tokenizer: Decoder): string {
  const start = text.slice(0, text.length - tokenizer.decode(tokens).length);
  return start === "" ? "" : `<small>${escapeText(start)}</small>`;
}

function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  attribute: string = "",
): string {
  const head = heads.map((name) => `<th style="${TEXT};white-space:nowrap">${name}</th>`).join("");
  const body = rows.map((cells) => `<tr>${cells.join("")}</tr>\n`).join("");
  return `<table cellpadding="3" ${attribute}><thead><tr>${head}</tr></thead>\n` +
    `<tbody>\n${body}</tbody></table>`;
}

/** Marks tables that wait for {@linkcode SORT}. */
const SORTABLE = "data-to-sort";

/** Makes the heads of tables sort them, by click, Enter or space. */
const SORT = `<script>
for (const table of document.querySelectorAll("table[${SORTABLE}]")) {
  table.removeAttribute("${SORTABLE}");
  const heads = [...table.tHead.rows[0].cells];
  const [body] = table.tBodies;
  heads.forEach((head, column) => {
    const arrow = head.appendChild(document.createElement("span"));
    const valueOf = ({ cells: { [column]: cell } }) =>
      "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent;
    const sort = () => {
      const turn = head.ariaSort === "ascending" ? -1 : 1;
      for (const other of heads) {
        other.removeAttribute("aria-sort");
        other.lastChild.textContent = "";
      }
      head.ariaSort = turn === 1 ? "ascending" : "descending";
      arrow.textContent = turn === 1 ? " ▲" : " ▼";
      const rows = [...body.rows].map((row) => ({ row, value: valueOf(row) }));
      rows.sort((a, b) => turn * (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
      body.append(...rows.map(({ row }) => row));
    };
    head.tabIndex = 0;
    head.style.cursor = "pointer";
    head.title = "sort";
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      sort();
    });
  });
}
</script>`;
