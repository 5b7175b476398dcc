/**
 * Settings of a method changed: to the size of a published policy, or one by one by name.
 *
 * @module
 */
import type { MethodConfig } from "./method.ts";

/** Whether a policy of this many parameters is of a published model's size, not of the built-in's. */
export function isPublishedSize(parameters: number): boolean {
  return parameters >= 1e7;
}

/**
 * Sizes and rates for a published model on a processor: a step of minutes, not of a second. Those
 * of the built-in policy are in the methods' files; the papers' stand there beside them.
 */
const PUBLISHED_SETTINGS: Readonly<Record<string, unknown>> = {
  steps: 20,
  questionsPerStep: 8,
  groupSize: 8,
  maxNewTokens: 256,
  maxTokens: 512, // some 2 MB of activations each, for 135 M parameters and an adapter
  optimizerSteps: 1,
  bufferSize: 8,
  passes: 1,
  learningRate: { peak: 5e-5, warmupSteps: 2, shape: "constant" },
  sft: { learningRate: { peak: 1e-4, warmupSteps: 1, shape: "constant" } },
};

/** Settings of a method for a policy of this many parameters: its own, or those of larger ones. */
export function sizedFor<Config extends MethodConfig>(config: Config, parameters: number): Config {
  return isPublishedSize(parameters) ? merged(config, PUBLISHED_SETTINGS) : config;
}

/** The fields that both have, taken from the second; of objects, field by field. */
function merged<T extends object>(config: T, changes: Readonly<Record<string, unknown>>): T {
  const fields = Object.entries(config).map(([name, value]) => {
    const change = changes[name] ?? value;
    const both = isRecord(value) && isRecord(change);
    return [name, both ? merged(value, change) : change];
  });
  return Object.fromEntries(fields) as T;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Settings with some changed by name: `groupSize=4,learningRate.peak=1e-5,clip=null`.
 *
 * @param changes A list with commas; a value is JSON, or a text as it is.
 * @throws {RangeError} When a name is no setting of this method, or its value of another type.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { relift } from "./relift.ts";
 * import { withSettings } from "./settings.ts";
 *
 * const config = withSettings(relift.config, "groupSize=4,sft.learningRate.peak=1e-5");
 * assertEquals([config.groupSize, config.sft.learningRate.peak], [4, 1e-5]);
 * assertEquals(config.bufferSize, relift.config.bufferSize);
 * ```
 */
export function withSettings<Config extends MethodConfig>(config: Config, changes: string): Config {
  return changes.split(",").map((each) => each.trim()).filter((each) => each !== "")
    .reduce((changed, change) => {
      const [, name, text] = /^([\w.]+)=(.+)$/.exec(change) ?? [];
      if (name === undefined) {
        throw new RangeError(
          `Cannot change a setting as it must be name=value: current value is ${change}`,
        );
      }
      return withSetting(changed, name.split("."), valueOf(text!), name) as Config;
    }, config);
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function withSetting(
  settings: object,
  [first, ...rest]: readonly string[],
  value: unknown,
  name: string,
): object {
  const fields = settings as Record<string, unknown>;
  if (!Object.hasOwn(fields, first!)) {
    throw new RangeError(
      `Cannot change ${name} as it must be a setting of the method, ${
        Object.keys(fields).join(", ")
      }: current value is ${first}`,
    );
  }
  const before = fields[first!];
  if (rest.length > 0 && isRecord(before)) {
    return { ...fields, [first!]: withSetting(before, rest, value, name) };
  }
  const fits = before === null || value === null || kindOf(before) === kindOf(value);
  if (rest.length === 0 && fits) return { ...fields, [first!]: value };
  throw new RangeError(
    `Cannot change ${name} as it must be ${kindOf(before)} like ${JSON.stringify(before)}: ` +
      `current value is ${JSON.stringify(value)}`,
  );
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return value === null ? "null" : typeof value === "object" ? "a record" : `a ${typeof value}`;
}
