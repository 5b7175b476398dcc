import type { SeenRecord, TeacherStore } from "./store.ts";

/** Which demonstrations a run may see, by their questions' keys. */
export interface Sights {
  has(key: string): boolean;
  /** Notes that there is one; it is seen from the next step on. */
  arrived(key: string): void;
  /**
   * Shows what the run saw at its steps so far; when it has none further on record, what has
   * arrived since too, and records that.
   *
   * @param warn Told when that cannot be recorded.
   * @returns How many are new.
   */
  beginStep(step: number, warn: (line: string) => void): Promise<number>;
}

/** Opens what a run of this name has seen. */
export function openSights(run: string, store: Pick<TeacherStore, "seen" | "append">): Sights {
  const recorded = store.seen.filter((record) => record.run === run);
  const visible = new Set<string>();
  const arrived = new Set<string>();
  let last = Math.max(-1, ...recorded.map(({ step }) => step));
  const show = (keys: Iterable<string>) => {
    for (const key of keys) visible.add(key);
  };
  return {
    has: (key) => visible.has(key),
    arrived: (key) => void arrived.add(key),
    async beginStep(step, warn): Promise<number> {
      const before = visible.size;
      for (const record of recorded) if (record.step <= step) show(record.questions);
      const questions = [...arrived].filter((key) => !visible.has(key));
      if (step <= last || questions.length === 0) return visible.size - before;
      const record: SeenRecord = { kind: "seen", run, step, questions };
      recorded.push(record);
      [last] = [step];
      show(questions);
      arrived.clear();
      await store.append(record).catch(({ message }) => {
        warn(
          `what the run sees of its teacher cannot be stored, so it cannot be repeated: ${message}`,
        );
      });
      return visible.size - before;
    },
  };
}
