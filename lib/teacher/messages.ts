import type { ChatReply, FaultKind } from "./chat.ts";

/** A question as it is asked: which sample of it, from 0. */
export interface Sample {
  readonly id: string;
  readonly prompt: string;
  readonly attempt: number;
}

/** A sample that came. */
export interface SampleReply extends Sample {
  readonly reply: ChatReply;
  /** That the server was given. */
  readonly seed: number;
  readonly seconds: number;
  /** ISO 8601. */
  readonly time: string;
}

/** To the collector's thread. */
export type ToCollector =
  | { readonly kind: "ask"; readonly sample: Sample }
  /** Wants the same back: whatever was sent before it has arrived by then. */
  | { readonly kind: "sync"; readonly count: number }
  | { readonly kind: "close" };

/** From the collector's thread. */
export type FromCollector =
  | { readonly kind: "reply"; readonly sample: SampleReply }
  | { readonly kind: "fault"; readonly fault: FaultKind }
  | { readonly kind: "givenUp"; readonly sample: Sample }
  | { readonly kind: "warn"; readonly line: string }
  /** From its keeper: the thread has ended by a fault. */
  | { readonly kind: "gone"; readonly why: string }
  | { readonly kind: "sync"; readonly count: number };
