import {
  demonstrationRow,
  openTeacher,
  publicAddress,
  type Question,
  type Run,
  type RunConfig,
  type Teacher,
  withTeacher,
} from "../../mod.ts";
import { UsageError } from "../_cli.ts";
import type { TrainFlags } from "./flags.ts";

/** A run, and who is asked for demonstrations meanwhile. */
export interface TaughtRun extends Run {
  readonly teacher?: Teacher;
}

/**
 * Checks the flags of the teacher, who is asked only when the run has begun.
 *
 * @throws {UsageError} When one lacks the other, or there is no such address.
 */
export function checkTeacher({ teacher, "teacher-model": model }: TrainFlags): void {
  if ((teacher === undefined) !== (model === undefined)) {
    throw new UsageError("--teacher and --teacher-model go together: one is not given");
  }
  if (teacher !== undefined && !/^https?:$/.test(URL.parse(teacher)?.protocol ?? "")) {
    throw new UsageError(
      `--teacher must be an address of http or https: current value is ${teacher}`,
    );
  }
}

/** The teacher that flags ask for, as it is stored. */
export function teacherOf(
  { teacher: url, "teacher-model": model }: TrainFlags,
): RunConfig["teacher"] {
  return url === undefined || model === undefined ? undefined : { url: publicAddress(url), model };
}

/** Opens the teacher that flags ask for, or the one that the run began with. */
export async function withTeacherOf(
  run: Run,
  flags: TrainFlags,
  say: (text: string) => void,
): Promise<TaughtRun> {
  const { policy, dataset, config: { settings, teacher: began, ...about } } = run;
  const { teacher: url = began?.url, "teacher-model": model = began?.model } = flags;
  if (url === undefined || model === undefined) return run;
  const { config } = settings;
  const fits = (question: Question, demonstration: string) =>
    demonstrationRow(policy, { ...question, demonstration }, config.maxNewTokens) !== undefined;
  const teacher = await openTeacher({
    url,
    key: Deno.env.get("RELIFT_TEACHER_KEY") || undefined,
    model,
    dataset,
    store: `${run.folder}/teacher.jsonl`,
    // The same wherever the folder is, and another where its store is given to another run.
    run: [about.preset, about.datasetFingerprint, about.policyFingerprint, config.seed].join("-"),
    seed: config.seed,
    fits,
    warn: say,
  });
  return { ...run, dataset: withTeacher(dataset, teacher), teacher };
}
