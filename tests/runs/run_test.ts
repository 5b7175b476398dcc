import * as tf from "@tensorflow/tfjs";
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { openDevice } from "../../lib/compute/device.ts";
import { startMethod } from "../../lib/methods/registry.ts";
import {
  disposeState,
  type Metrics,
  type TrainingState,
  trainingState,
} from "../../lib/methods/training.ts";
import { policyFingerprint } from "../../lib/model/io/policy_folder.ts";
import { disposePolicy, type Policy } from "../../lib/model/policy.ts";
import { adamwState } from "../../lib/optim/adamw.ts";
import { loadCheckpoint, saveCheckpoint } from "../../lib/runs/checkpoint.ts";
import {
  continueRun,
  createRun,
  currentCommit,
  disposeRun,
  isRun,
  readRunConfig,
  resumeRun,
  runConfig,
  saveRun,
} from "../../lib/runs/run.ts";
import { statusLine } from "../../lib/runs/status.ts";
import { eachDevice } from "../_devices.ts";
import { CHECKPOINT_EVERY, startTinyRun, tinyDataset } from "./_tiny_run.ts";

/** Runs a test in a folder of its own and removes it. */
async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Registers a test that has a folder of its own. */
function inFolder(
  name: string,
  test: (folder: string, device: string) => Promise<void>,
  devices: readonly string[] = ["cpu"],
): void {
  eachDevice(name, (device) => withFolder((folder) => test(folder, device)), { devices });
}

/** Every file below a folder: texts as they are, of others a digest. */
async function contents(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) {
      for (const [file, text] of Object.entries(await contents(path))) {
        files[`${name}/${file}`] = text;
      }
    } else {
      const bytes = await Deno.readFile(path);
      const digest = async () =>
        new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
      files[name] = name.endsWith(".safetensors")
        ? await digest()
        : new TextDecoder().decode(bytes);
    }
  }
  return files;
}

/** The lines of a file of JSON Lines. */
async function linesOf(path: string): Promise<Metrics[]> {
  const text = await Deno.readTextFile(path);
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** Everything of a run's state, the optimizers' moments as bits. */
async function bitsOf(
  { weights }: Policy,
  { optimizers, ...state }: TrainingState,
): Promise<unknown> {
  const bits = async (tensors: Record<string, tf.Tensor>): Promise<[string, number[]][]> =>
    await Promise.all(
      Object.entries(tensors).map(async ([name, tensor]): Promise<[string, number[]]> => {
        const values = new Float32Array(await tensor.data<"float32">());
        return [name, [...new Uint32Array(values.buffer)]];
      }),
    );
  const moments = Object.entries(optimizers).map(async ([name, { step, m, v }]) =>
    [name, step, await bits(m), await bits(v)] as const
  );
  return { state, weights: await bits(weights), moments: await Promise.all(moments) };
}

inFolder("createRun() refuses a folder that holds a run, and changes nothing", async (folder) => {
  const run = await startTinyRun(folder, "cpu");
  for await (const { step } of continueRun(run, CHECKPOINT_EVERY)) if (step === 1) break;
  const before = await contents(folder);
  await assertRejects(
    () => createRun(folder, run.config, run.policy, run.dataset),
    RangeError,
    `Cannot start a run in ${folder} as it holds one: continue it with --resume or name another --out`,
  );
  assertEquals(await contents(folder), before);
  disposeRun(run);
});

inFolder("resumeRun() refuses a checkpoint of questions that are not there", async (folder) => {
  const run = await startTinyRun(folder, "cpu");
  disposeRun(run);
  const path = `${folder}/checkpoint/state.json`;
  const saved = JSON.parse(await Deno.readTextFile(path));
  const outside = [{ index: tinyDataset.size, step: 0 }];
  for (const wrong of [{ hardest: outside }, { wanted: outside }, { taught: { 8: 1 } }]) {
    await Deno.writeTextFile(path, JSON.stringify({ ...saved, ...wrong }));
    await assertRejects(
      () => resumeRun(folder, run.config, tinyDataset),
      RangeError,
      "as questions must be in [0, 8): current value is 8",
    );
  }
});

inFolder("config.json tells who demonstrates", async (folder) => {
  const run = await startTinyRun(`${folder}/a`, "cpu");
  const { config, policy, dataset } = run;
  const teacher = { url: "http://127.0.0.1:1/v1/chat/completions", model: "m" };
  const taught = await runConfig({ ...config, teacher }, { policy, dataset });
  await createRun(`${folder}/b`, taught, policy, dataset);
  assertEquals((await readRunConfig(`${folder}/b`)).teacher, teacher);
  disposeRun(run);
});

inFolder("createRun() makes a folder that can be resumed from its first moment", async (folder) => {
  const path = `${folder}/deep/run`;
  assertEquals(await isRun(path), false);
  const run = await startTinyRun(path, "cpu");
  assertEquals(await isRun(path), true);
  const resumed = await resumeRun(path, await readRunConfig(path), tinyDataset);
  assertEquals(
    await bitsOf(resumed.policy, resumed.state),
    await bitsOf(run.policy, trainingState()),
  );
  assertEquals([resumed.log.records, resumed.samples], [[], []]);
  disposeRun(run);
  disposeRun(resumed);
});

inFolder("config.json holds everything a run was started with", async (folder) => {
  const run = await startTinyRun(folder, "cpu");
  const read = await readRunConfig(folder);
  assertEquals(read, run.config);
  const written = JSON.parse(await Deno.readTextFile(`${folder}/config.json`));
  assertEquals(written, run.config);
  assertEquals(Object.keys(written), [
    "settings",
    "preset",
    "dataset",
    "datasetFingerprint",
    "policy",
    "policyFingerprint",
    "device",
    "versions",
    "commit",
  ]);
  assertEquals(Object.keys(written.settings.config).sort(), [
    "adamw",
    "bufferSize",
    "clip",
    "drain",
    "entropyCoefficient",
    "gate",
    "groupSize",
    "learningRate",
    "maxAge",
    "maxBuffered",
    "maxNewTokens",
    "maxTokens",
    "normalizeStd",
    "optimizerSteps",
    "order",
    "passes",
    "questionsPerStep",
    "recheck",
    "reduction",
    "seed",
    "sft",
    "sharedOptimizer",
    "steps",
  ]);
  assertEquals(written.policyFingerprint, await policyFingerprint(run.policy));
  assertMatch(written.policyFingerprint, /^[0-9a-f]{12}$/);
  assertEquals(written.versions.deno, Deno.version.deno);
  assertEquals(written.versions.tfjs, tf.version_core);
  assertMatch(written.versions.relift, /^\d+\.\d+\.\d+$/);
  disposeRun(run);
});

Deno.test("currentCommit() is a commit, or null outside a checkout", async () => {
  assertMatch(await currentCommit() ?? "null", /^([0-9a-f]{40}(-dirty)?|null)$/);
});

inFolder("readRunConfig() tells in a line what is wrong with config.json", async (folder) => {
  const run = await startTinyRun(folder, "cpu");
  disposeRun(run);
  const path = `${folder}/config.json`;
  const text = await Deno.readTextFile(path);
  const { device: _, ...lacking } = run.config;
  const { settings } = run.config;
  const wrong: [string, new (message: string) => Error, string][] = [
    [text.slice(0, 100), SyntaxError, `Cannot read ${path} as it must be JSON: `],
    ["", SyntaxError, `Cannot read ${path} as it must be JSON: `],
    [JSON.stringify(lacking), TypeError, `Cannot read ${path} as device is wrong: Required`],
    [
      JSON.stringify({ ...run.config, settings: { ...settings, method: 7 } }),
      TypeError,
      `Cannot read ${path} as settings.method is wrong: `,
    ],
  ];
  for (const [content, type, message] of wrong) {
    await Deno.writeTextFile(path, content);
    await assertRejects(() => readRunConfig(folder), type, message);
  }
  await Deno.remove(path);
  const message = `Cannot read ${path}: there is no such file`;
  await assertRejects(() => readRunConfig(folder), Deno.errors.NotFound, message);
});

inFolder("continueRun() logs each step, and keeps two samples of two groups", async (folder) => {
  const run = await startTinyRun(folder, "cpu");
  const yielded: Metrics[] = [];
  for await (const metrics of continueRun(run, CHECKPOINT_EVERY)) {
    yielded.push(metrics);
    const logged = await linesOf(`${folder}/metrics.jsonl`);
    assertEquals(logged.length, yielded.length); // on disk when it is yielded
    const { step } = JSON.parse(await Deno.readTextFile(`${folder}/checkpoint/state.json`));
    assertEquals(step, CHECKPOINT_EVERY * Math.floor(yielded.length / CHECKPOINT_EVERY));
    if (yielded.length === 5) break;
  }
  await saveRun(run);
  const { step } = JSON.parse(await Deno.readTextFile(`${folder}/checkpoint/state.json`));
  assertEquals(step, 5);
  const logged = await linesOf(`${folder}/metrics.jsonl`);
  assertEquals(logged.map(({ accuracy }) => accuracy), yielded.map(({ accuracy }) => accuracy));
  const samples = await linesOf(`${folder}/samples.jsonl`) as Record<string, unknown>[];
  assertEquals(samples.map((sample) => sample.step), [0, 1, 2, 3, 4].flatMap((s) => [s, s, s, s]));
  assertEquals(Object.keys(samples[0]!), [
    "step",
    "question",
    "prompt",
    "answer",
    "completion",
    "tokens",
    "finishReason",
    "reward",
    "correct",
    "parts",
  ]);
  disposeRun(run);
});

inFolder("resumeRun() drops what was logged after the checkpoint", async (folder) => {
  const run = await startTinyRun(folder, "cpu");
  for await (const { step } of continueRun(run, CHECKPOINT_EVERY)) if (step === 4) break;
  disposeRun(run); // five steps are logged, three are in the checkpoint
  assertEquals((await linesOf(`${folder}/metrics.jsonl`)).length, 5);
  const resumed = await resumeRun(folder, run.config, tinyDataset);
  assertEquals(resumed.state.step, 3);
  assertEquals(resumed.log.records.map(({ step }) => step), [0, 1, 2]);
  assertEquals((await linesOf(`${folder}/metrics.jsonl`)).length, 3);
  assertEquals(resumed.samples.length, 3 * 4);
  disposeRun(resumed);
});

inFolder(
  "resumeRun() refuses settings that no method has, before it changes anything",
  async (folder) => {
    const run = await startTinyRun(folder, "cpu");
    for await (const { step } of continueRun(run, CHECKPOINT_EVERY)) if (step === 4) break;
    disposeRun(run);
    const before = await contents(folder);
    const { settings } = run.config;
    const wrong: [typeof settings, string][] = [
      [{ ...settings, method: "ppo" }, "current value is ppo"],
      [{ ...settings, config: { ...settings.config, questionsPerStep: 0 } }, "questionsPerStep"],
    ];
    for (const [changed, message] of wrong) {
      const config = { ...run.config, settings: changed };
      await assertRejects(() => resumeRun(folder, config, tinyDataset), RangeError, message);
    }
    assertEquals(await contents(folder), before);
  },
);

/** The state of a run after some steps: both optimizers, a buffer, taught questions. */
async function trained(folder: string, device: string): Promise<[Policy, TrainingState]> {
  const { policy, state, config } = await startTinyRun(folder, device);
  for await (const _ of startMethod(config.settings, policy, tinyDataset, state)) {
    const { optimizers: { rl, sft }, hardest } = state;
    if (rl && rl.step > 0 && sft && hardest.length > 0) return [policy, state];
  }
  throw new Error("the run never had everything at once");
}

inFolder(
  "a checkpoint holds weights, moments, buffer and counts bit for bit",
  async (folder, device) => {
    const [policy, state] = await trained(`${folder}/run`, device);
    await saveCheckpoint(`${folder}/checkpoint`, policy, state);
    const loaded = await loadCheckpoint(`${folder}/checkpoint`);
    const bits = await bitsOf(policy, state);
    assertEquals(await bitsOf(loaded.policy, loaded.state), bits);
    assertEquals(loaded.policy.config, policy.config);
    assertEquals(loaded.policy.tokenizer.files(), policy.tokenizer.files());
    assert(state.sftEvents > 0 && Object.keys(state.taught).length > 0);

    // Saving what was loaded gives the same files, byte for byte.
    await saveCheckpoint(`${folder}/again`, loaded.policy, loaded.state);
    assertEquals(await contents(`${folder}/again`), await contents(`${folder}/checkpoint`));

    // The loaded moments are copies: the run that was saved may go on.
    const fresh = adamwState(policy.weights);
    assertNotEquals(
      await bitsOf(loaded.policy, { ...loaded.state, optimizers: { rl: fresh } }),
      bits,
    );
    disposeState({ ...state, optimizers: { fresh } });
    for (const { policy: p, state: s } of [loaded, { policy, state }]) {
      disposePolicy(p);
      disposeState(s);
    }
  },
  ["cpu", "wasm", "wasm with BLAS", "webgpu"],
);

Deno.test("loadCheckpoint() tells in a line which file is cut off or gone", async () => {
  await openDevice({ prefer: "cpu" });
  await withFolder(async (folder) => {
    const [policy, state] = await trained(`${folder}/run`, "cpu");
    const path = `${folder}/checkpoint`;
    const names = [
      "config.json",
      "tokenizer.json",
      "model.safetensors",
      "optimizers.safetensors",
      "state.json",
    ];
    for (const name of names) {
      await saveCheckpoint(path, policy, state);
      const bytes = await Deno.readFile(`${path}/${name}`);
      for (const length of [0, 5, Math.floor(bytes.length / 2), bytes.length - 2]) {
        await Deno.writeFile(`${path}/${name}`, bytes.slice(0, length));
        const error = await assertRejects(() => loadCheckpoint(path), SyntaxError);
        assertStringIncludes(error.message, `Cannot read ${path}/${name} as `);
        assert(!error.message.includes("\n"), error.message);
      }
      await Deno.remove(`${path}/${name}`);
      const message = `Cannot read ${path}/${name}: there is no such file`;
      await assertRejects(() => loadCheckpoint(path), Deno.errors.NotFound, message);
    }
  });
});

Deno.test("loadCheckpoint() rejects files that do not belong together", async () => {
  await openDevice({ prefer: "cpu" });
  await withFolder(async (folder) => {
    const [policy, state] = await trained(`${folder}/run`, "cpu");
    const path = `${folder}/checkpoint`;
    await saveCheckpoint(path, policy, state);
    const saved = JSON.parse(await Deno.readTextFile(`${path}/state.json`));
    const wrong: [Record<string, unknown>, string][] = [
      [{ ...saved, step: -1 }, `Cannot read ${path}/state.json as step is wrong: `],
      [{ ...saved, drawn: undefined }, "drawn is wrong: Required"],
      [{ ...saved, budget: { ...saved.budget, flops: -1 } }, "budget.flops is wrong: "],
      [{ ...saved, hardest: [{ index: 1 }] }, "hardest.0.step is wrong: Required"],
      [{ ...saved, taught: { q1: 1 } }, "taught.q1 is wrong: "],
      [{ ...saved, optimizers: { rl: 1 } }, "optimizers.safetensors as it has no place for sft.m."],
      [{ ...saved, optimizers: { ...saved.optimizers, third: 1 } }, "third.m."],
    ];
    for (const [value, message] of wrong) {
      await Deno.writeTextFile(`${path}/state.json`, JSON.stringify(value));
      await assertRejects(() => loadCheckpoint(path), TypeError, message);
    }
  });
});

inFolder("loadCheckpoint() leaves no tensor behind when it fails", async (folder) => {
  const run = await startTinyRun(folder, "cpu");
  const path = `${folder}/checkpoint`;
  const left = tf.memory().numTensors;
  for (const name of ["state.json", "optimizers.safetensors", "model.safetensors"]) {
    await saveRun(run);
    await Deno.remove(`${path}/${name}`);
    await assertRejects(() => loadCheckpoint(path), Deno.errors.NotFound, name);
    assertEquals(tf.memory().numTensors, left, `without ${name}`);
  }
  disposeRun(run);
});

Deno.test("statusLine() shows what a step has, and leaves out what it has not", () => {
  const rl = { "reward/mean": 0.25, "groups/dead": 3, "completion/tokens": 12.34 };
  assertEquals(statusLine(rl), "reward 0.250, dead groups 3, length 12.3");
  assertEquals(statusLine({ "sft/loss": NaN, "sft/events": 2, "rl/loss": 1 }), "SFT events 2");
});
