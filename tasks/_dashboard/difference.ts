import type { RunView } from "../../mod.ts";
import type { DifferenceReply } from "./protocol.ts";

/**
 * The settings in which runs differ, and those they share, each in the order of the files. Runs whose
 * settings are unknown are left out.
 */
export function differenceOf(
  views: readonly Pick<RunView, "name" | "settings">[],
): DifferenceReply {
  const runs = views.filter(({ settings }) => Object.keys(settings).length > 0);
  const names = [...new Set(runs.flatMap(({ settings }) => Object.keys(settings)))];
  const rows = names.map((setting) => ({
    setting,
    values: runs.map(({ settings: { [setting]: value } }) =>
      value === undefined ? null : String(value)
    ),
  }));
  const differs = ({ values }: { values: readonly (string | null)[] }) => new Set(values).size > 1;
  return {
    runs: runs.map(({ name }) => name),
    differ: rows.filter(differs),
    shared: rows.filter((row) => !differs(row))
      .map(({ setting, values }) => ({ setting, value: values[0]! })),
  };
}
