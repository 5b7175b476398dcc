import type { ChatReply, FaultKind } from "./chat.ts";
import type { Verdict } from "./store.ts";

/** What a million tokens cost. */
export interface Price {
  readonly prompt: number;
  readonly completion: number;
}

/** What a teacher has done in this session. */
export interface TeacherCounts {
  /** Questions it was asked for. */
  readonly asked: number;
  /** Questions that wait for it or are under way. */
  readonly waiting: number;
  /** Requests that came to an end. */
  readonly requests: number;
  /** Replies by verdict: `accepted` are demonstrations. */
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** Requests without a reply, by kind. */
  readonly faults: Readonly<Record<FaultKind, number>>;
  /** Replies whose account of tokens was nonsense. */
  readonly badUsage: number;
  /** Questions left out for this session: refused, never answered, or neither judged nor stored. */
  readonly givenUp: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Where known. */
  readonly cost: number;
}

/** Counts as they grow. */
export interface Tally {
  givenUp: number;
  readonly faults: Record<FaultKind, number>;
  /** Counts a reply; gives what it cost, null where nobody knows. */
  replied(reply: ChatReply, verdict: Verdict): number | null;
  counts(): Omit<TeacherCounts, "asked" | "waiting">;
}

/** Opens a tally at zero. */
export function openTally(price: Price | undefined): Tally {
  const verdicts = { accepted: 0, wrong: 0, cut: 0, empty: 0, unfit: 0, ungraded: 0 };
  const faults = { down: 0, busy: 0, denied: 0, refused: 0, nonsense: 0 };
  const sums = { badUsage: 0, promptTokens: 0, completionTokens: 0, cost: 0 };
  return {
    givenUp: 0,
    faults,
    replied({ usage, badUsage }, verdict): number | null {
      const { promptTokens, completionTokens } = usage;
      verdicts[verdict]++;
      if (badUsage) sums.badUsage++;
      sums.promptTokens += promptTokens ?? 0;
      sums.completionTokens += completionTokens ?? 0;
      const isKnown = price && promptTokens !== null && completionTokens !== null;
      const cost = usage.cost ??
        (isKnown
          ? (price.prompt * promptTokens + price.completion * completionTokens) / 1e6
          : null);
      sums.cost += cost ?? 0;
      return cost;
    },
    counts(): Omit<TeacherCounts, "asked" | "waiting"> {
      const ends = [...Object.values(verdicts), ...Object.values(faults)];
      const requests = ends.reduce((sum, count) => sum + count, 0);
      const { givenUp } = this;
      return { requests, givenUp, ...sums, verdicts: { ...verdicts }, faults: { ...faults } };
    },
  };
}
