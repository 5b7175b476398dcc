// deno task train --method relift --steps 60
// deno-lint-ignore-file no-console
import {
  continueRun,
  demonstrationMetrics,
  disposeRun,
  openProgress,
  saveRun,
  statusLine,
  writeWhole,
} from "../mod.ts";
import { runTask } from "./_cli.ts";
import { DATASET } from "./_flags.ts";
import { begin } from "./_train/begin.ts";
import { command, type TrainFlags } from "./_train/flags.ts";
import { judgeTaught, openJudge, report } from "./_train/judge.ts";
import { reopen } from "./_train/reopen.ts";
import { checkTeacher, type TaughtRun, withTeacherOf } from "./_train/teacher.ts";

/** Trains and evaluates. */
async function train(flags: TrainFlags): Promise<void> {
  const say = flags.quiet ? () => {} : (text: string) => console.log(text);
  const { method = "relift", dataset = DATASET.default, seed = 1 } = flags;
  checkTeacher(flags);
  const name = dataset.split(/[\\/]/).at(-1)!.replace(/\.\w+$/, "");
  const id = method.split(/[\\/]/).at(-1)!.replace(/\.[jt]s$/, "");
  const out = flags.out ?? `runs/${id}-${name}-${seed}`;
  const run = flags.resume ? await reopen(out, flags) : await begin(out, flags, say);
  say(`${run.config.device.description}; run folder ${out}`);
  const judged = await openJudge(run, flags.validation, say);
  if (judged) say("sampling the policy it begins with");
  const before = judged && await judged.base();

  const finished = await steps(await withTeacherOf(run, flags, say), flags);
  if (!finished) {
    say(`stopped after step ${run.state.step}; to go on: deno task train --resume --out ${out}`);
    Deno.exit(130);
  }
  if (judged) say("sampling the policy it ends with");
  const after = await judged?.judge(run.policy);
  const used = demonstrationMetrics(run.state, run.dataset);
  const taught = judged && await judgeTaught(run, judged);
  const outcome = {
    before,
    after,
    taught,
    demonstrations: used["demonstrations/used"],
    demonstrationShare: used["demonstrations/share"],
  };
  await writeWhole(`${out}/evaluation.json`, JSON.stringify(outcome, null, 2) + "\n");
  say(report(run, before, after, taught));
  disposeRun(run);
}

/** Runs the steps that are left; false when an interrupt ended them early. */
async function steps(run: TaughtRun, flags: TrainFlags): Promise<boolean> {
  const { quiet, "checkpoint-every": checkpointEvery } = flags;
  const total = run.config.settings.config.steps;
  await using teacher = run.teacher;
  await teacher?.beginStep(run.state.step);
  let interrupted = false;
  const interrupt = () => void (interrupted = true);
  Deno.addSignalListener("SIGINT", interrupt);
  using progress = openProgress({ total, start: run.state.step, quiet });
  for await (const metrics of continueRun(run, checkpointEvery)) {
    progress.step(run.state.step, statusLine(metrics));
    await teacher?.beginStep(run.state.step);
    if (interrupted) break;
  }
  Deno.removeSignalListener("SIGINT", interrupt);
  if (interrupted) await saveRun(run);
  return run.state.step === total;
}

if (import.meta.main) await runTask(command, train);
