import { FetchFault } from "./source.ts";

/** How often and how patiently something is asked for. */
export interface RetryOptions {
  /** How often in a row it may be in vain; 5 unless given. */
  readonly attempts?: number;
  /** Lets time pass, in milliseconds; the clock unless a test has none to spare. */
  readonly wait?: (milliseconds: number) => Promise<void>;
}

/** Longest pause that another side may ask for before it is an error, in milliseconds. */
const LONGEST_PAUSE = 60_000;

/**
 * Tries until it works, with pauses of 1, 2, 4, ... seconds or as long as the other side asks for.
 * A fault that will not pass is final; so is a side that was never reached, as there is then likely
 * no network at all.
 *
 * @param attempt Calls what it is given whenever something has arrived: the count begins anew.
 * @throws {FetchFault} The last one.
 */
export async function retrying<T>(
  attempt: (arrived: () => void) => Promise<T>,
  { attempts = 5, wait = pause }: RetryOptions = {},
): Promise<T> {
  let [failures, reached] = [0, false];
  const arrived = () => {
    [failures, reached] = [0, true];
  };
  while (true) {
    try {
      return await attempt(arrived);
    } catch (error) {
      if (!(error instanceof FetchFault && error.passing)) throw error;
      if (++failures >= attempts || (error.unreachable && !reached)) throw error;
      const { retryAfter = 1000 * 2 ** (failures - 1) } = error;
      if (retryAfter > LONGEST_PAUSE) throw error;
      reached ||= !error.unreachable;
      await wait(retryAfter);
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
