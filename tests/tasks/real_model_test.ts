/**
 * The commands on a published model: trained with an adapter, stopped and resumed, evaluated,
 * exported. The model has the files and the tokenizer of a published one, and 3,040 numbers.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import {
  charTokenizer,
  createPolicy,
  disposePolicy,
  huggingFaceTokenizer,
  type Metrics,
  modelConfig,
  openDataset,
  openDevice,
  openPolicy,
  questionsOf,
  savePolicy,
  type Tokenizer,
} from "../../mod.ts";
import { temporaryFolder } from "../fetch/_hub.ts";
import { logitsOf } from "../model/io/_reading.ts";
import { CHAT, toyFiles } from "../text/_toy_tokenizer.ts";
import { type Outcome, runCommand, type RunOptions } from "./_command.ts";

/** What every training here is told; a demonstration takes 15 tokens. */
const TRAIN = "train --dataset questions.csv --device cpu --questions-per-step 4 " +
  "--max-new-tokens 20";

/** That of the adapter: few questions are enough for SFT. */
const ADAPTED = `${TRAIN} --policy policy --steps 3 --lora 2 --lora-targets q_proj,v_proj ` +
  "--set groupSize=4,bufferSize=4,optimizerSteps=1 --validation 2";

/** Presses Ctrl+C when the samples of the first step are on the disk. */
const CTRL_C = `
const { rename } = Deno;
Deno.rename = async (from, to) => {
  await rename(from, to);
  if (!to.endsWith("/samples.jsonl")) return;
  const { promise, resolve } = Promise.withResolvers();
  Deno.addSignalListener("SIGINT", resolve);
  Deno.kill(Deno.pid, "SIGINT");
  await promise;
  Deno.removeSignalListener("SIGINT", resolve);
};
`;

/** Two policies, of a published model's files and of characters, and twelve questions. */
async function makeFixture(folder: string): Promise<void> {
  await openDevice({ prefer: "cpu" });
  const policies: Record<string, Tokenizer> = {
    policy: huggingFaceTokenizer(toyFiles({ config: { chat_template: CHAT } })),
    characters: charTokenizer("0123456789+= What is?It\\boxed{}"),
  };
  for (const [name, tokenizer] of Object.entries(policies)) {
    const config = modelConfig({
      model_type: "llama",
      vocab_size: tokenizer.vocabSize,
      hidden_size: 8,
      intermediate_size: 16,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      num_key_value_heads: 1,
      max_position_embeddings: 256,
      tie_word_embeddings: true,
    });
    const policy = createPolicy(config, tokenizer, 1);
    await savePolicy(policy, `${folder}/${name}`);
    disposePolicy(policy);
  }
  const rows = Array.from({ length: 12 }, (_, i) => `What is ${i}+1?,${i + 1},\\boxed{${i + 1}}\n`);
  await Deno.writeTextFile(
    `${folder}/questions.csv`,
    `question,answer,demonstration\n${rows.join("")}`,
  );
  await Deno.writeTextFile(`${folder}/ctrl_c.js`, CTRL_C);
}

/** Runs a command that must work. */
async function run(line: string, folder: string, options?: RunOptions): Promise<Outcome> {
  const outcome = await runCommand(line, folder, options);
  assertEquals(outcome.code, 0, `${line}: ${outcome.stderr}`);
  return outcome;
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** The metrics of a run that do not depend on the clock. */
async function metricsOf(run: string): Promise<Metrics[]> {
  const lines = (await Deno.readTextFile(`${run}/metrics.jsonl`)).trimEnd().split("\n");
  return lines.map((line) =>
    Object.fromEntries(
      Object.entries(JSON.parse(line) as Metrics)
        .filter(([name]) => !/^(time|throughput)\//.test(name)),
    )
  );
}

/** The logits of a saved policy after a question. */
async function logitsAt(path: string, folder: string): Promise<Float32Array> {
  const base = `${folder}/policy`; // an adapter names it as it was typed there
  const policy = await openPolicy(`${folder}/${path}`, { base });
  const logits = await logitsOf(policy, policy.tokenizer.encodePrompt("What is 3+4?"));
  disposePolicy(policy);
  return logits;
}

Deno.test("a published model is trained with an adapter, resumed, evaluated, exported", async (t) => {
  await using home = await temporaryFolder();
  const folder = home.path;
  const alone = `${folder}/runs/alone`, stopped = `${folder}/runs/stopped`;
  await makeFixture(folder);

  await t.step("train --lora keeps the adapter alone, and tells what it is judged on", async () => {
    const { stdout } = await run(`${ADAPTED} --out runs/alone`, folder);
    assertMatch(
      stdout,
      /\n2 of 2 validation questions are trained on, too, such as question 0: how they are /,
    );
    assertMatch(stdout, /\nrelift on questions\.csv, 3 steps, seed 1: 2 questions, those it /);
    assertEquals(namesIn(`${alone}/checkpoint`), [
      "adapter_config.json",
      "adapter_model.safetensors",
      "optimizers.safetensors",
      "state.json",
    ]);
    const { lora, settings } = JSON.parse(await Deno.readTextFile(`${alone}/config.json`));
    assertEquals(lora, { r: 2, lora_alpha: 4, target_modules: ["q_proj", "v_proj"] });
    assertEquals([settings.config.groupSize, settings.config.bufferSize], [4, 4]);
    const { before, after, taught, demonstrations } = JSON.parse(
      await Deno.readTextFile(`${alone}/evaluation.json`),
    );
    assertEquals([before.questions, after.questions], [2, 2]);
    assert(demonstrations > 0); // it did learn; the questions it was taught have no stratum
    assertEquals([taught.questions, taught.strata], [demonstrations, undefined]);
  });

  await t.step("a run stopped by Ctrl+C and resumed ends as the one left alone", async () => {
    const preload = `${folder}/ctrl_c.js`;
    const { code, stdout } = await runCommand(`${ADAPTED} --out runs/stopped`, folder, { preload });
    assertEquals(code, 130);
    const words = "stopped after step 1; to go on: deno task train --resume --out runs/stopped\n";
    assert(stdout.endsWith(words), stdout);
    await run("train --resume --out runs/stopped", folder);
    assertEquals(await metricsOf(stopped), await metricsOf(alone));
    for (
      const name of [
        "samples.jsonl",
        ...namesIn(`${alone}/checkpoint`).map((f) => `checkpoint/${f}`),
      ]
    ) {
      assertEquals(
        await Deno.readFile(`${stopped}/${name}`),
        await Deno.readFile(`${alone}/${name}`),
        name,
      );
    }
  });

  await t.step("train --resume takes what the run began with, and nothing else", async () => {
    const same = "--lora 2 --lora-targets q_proj,v_proj --set bufferSize=4 --policy policy";
    await run(`train --resume --out runs/alone --validation 0 ${same}`, folder);
    for (
      const [flags, words] of [
        ["--lora-alpha 5", "--lora-alpha must be what the run in runs/alone began with, 4: "],
        ["--template relift", "--template must be what the run in runs/alone began with, none: "],
        ["--set bufferSize=8", "--set must be what the run in runs/alone began with, told in its"],
      ] as const
    ) {
      const { code, stderr } = await runCommand(`train --resume --out runs/alone ${flags}`, folder);
      assertEquals(code, 2);
      assert(stderr.startsWith(`error: ${words}`), stderr);
    }
  });

  await t.step(
    "evaluate asks so many questions, and tells its error and how it asked",
    async () => {
      const line =
        "evaluate --policy runs/alone --dataset questions.csv --questions 5 --samples 2 " +
        "--max-new-tokens 8 --device cpu --quiet";
      const { stdout } = await run(line, folder);
      assertMatch(stdout, /\n {2}all +5 +0\.0 %\n/);
      assertMatch(stdout, /\navg@2 0\.0 ± 0\.0 % \(standard error over questions\), /);

      const { stdout: json, stderr } = await run(`${line} --json --template relift-llama`, folder);
      assertEquals([json.split("\n").length, stderr], [2, ""]);
      const { policy, prompt, sampling, questions, samples, average } = JSON.parse(json);
      assertEquals([policy, questions, samples], ["runs/alone", 5, 2]);
      assertEquals(prompt, { template: "relift-llama" });
      assertEquals(sampling, {
        temperature: 1,
        topP: 1,
        topK: 0,
        maxNewTokens: 8,
        samples: 2,
        seed: 1001,
      });
      assertEquals(average, { mean: 0, standardError: 0 });
    },
  );

  await t.step("export merges the adapter, or saves it alone", async () => {
    await run("export --policy runs/alone --out exports/merged", folder);
    assert(namesIn(`${folder}/exports/merged`).includes("model.safetensors"));
    await run("export --policy runs/alone --out exports/adapter --adapter", folder);
    assertEquals(namesIn(`${folder}/exports/adapter`), [
      "adapter_config.json",
      "adapter_model.safetensors",
    ]);
    const [trained, base, adapter, merged] = await Promise.all(
      ["runs/alone", "policy", "exports/adapter", "exports/merged"]
        .map((path) => logitsAt(path, folder)),
    );
    assertNotEquals(trained, base);
    assertEquals(adapter, trained);
    const gap = Math.max(...trained!.map((logit, i) => Math.abs(logit - merged![i]!)));
    assert(gap < 1e-5, `logits differ by ${gap}`);
  });

  await t.step("export --samples writes what openDataset() reads", async () => {
    const { stdout } = await run("export --policy runs/alone --out kept.parquet --samples", folder);
    assertEquals(stdout, "kept.parquet: 12 completions\n"); // 3 steps, 2 groups, 2 of each
    const [first, ...rest] = questionsOf(await openDataset(`${folder}/kept.parquet`));
    assertEquals([rest.length, first?.id, first?.metadata?.step], [11, "alone/0", "0"]);
  });

  await t.step("export says in one line what it cannot export, and writes nothing", async () => {
    const before = namesIn(folder);
    for (
      const [flags, words] of [
        ["--policy runs/alone", "--out lacks its value"],
        ["--policy runs/alone --out policy", "--out must be new: current value is policy, which "],
        ["--policy policy --out new --adapter", "--adapter needs a policy that has one: policy "],
        ["--policy policy --out new --samples", "--samples needs --policy to be a run that kept "],
        ["--policy none --out new --samples", "--samples needs --policy to be a run that kept "],
        ["--policy runs/alone --out new --samples --adapter", "--samples and --adapter are two "],
      ] as const
    ) {
      const { code, stderr } = await runCommand(`export ${flags}`, folder);
      assertEquals([code, stderr.trimEnd().split("\n").length], [2, 1], stderr);
      assert(stderr.startsWith(`error: ${words}`), stderr);
    }
    assertEquals(namesIn(folder), before);
  });

  await t.step("train --lora wants a policy that has no adapter", async () => {
    const line = `${TRAIN} --lora 1 --policy runs/alone --out new`;
    const { code, stderr } = await runCommand(line, folder);
    const words = "--lora needs a policy without an adapter: deno task export merges that of ";
    assertEquals([code, stderr], [2, `error: ${words}runs/alone\n`]);
  });
});

Deno.test("a run in a template is asked in it by every command, and can be trained on", async () => {
  await using home = await temporaryFolder();
  const folder = home.path;
  await makeFixture(folder);
  const source = "Q: {{ messages[-1].content }}";
  await Deno.writeTextFile(`${folder}/frame.jinja`, source);
  const train = `${TRAIN} --method sft --steps 1 --validation 0`;
  await run(`${train} --policy policy --template frame.jinja --out runs/first`, folder);
  await run("train --resume --out runs/first --template frame.jinja --validation 0", folder);
  await run(`${train} --policy runs/first --lora 1 --out runs/second`, folder);
  await run("train --resume --out runs/second --validation 0", folder);
  const evaluate = "evaluate --dataset questions.csv --questions 1 --samples 1 --device cpu --json";
  for (const name of ["first", "second"]) {
    const line = `${evaluate} --max-new-tokens 4 --quiet --policy runs/${name}`;
    assertEquals(JSON.parse((await run(line, folder)).stdout).prompt, { template: source });
  }
  const { base_model_name_or_path: base } = JSON.parse(
    await Deno.readTextFile(`${folder}/runs/second/checkpoint/adapter_config.json`),
  );
  assertEquals(base, "runs/first/checkpoint");
});

Deno.test("train tells a flag that makes no sense in one line, and writes nothing", async () => {
  await using home = await temporaryFolder();
  const folder = home.path;
  await makeFixture(folder);
  const before = namesIn(folder);
  for (
    const [flags, code, words] of [
      ["--lora-alpha 8", 2, "--lora-alpha needs --lora, the adapter's rank"],
      ["--lora-targets q_proj", 2, "--lora-targets needs --lora, the adapter's rank"],
      ["--lora 2 --lora-targets q_proj,lm_head", 1, "Cannot make an adapter as its targets must "],
      ["--set nope=3", 1, "Cannot change nope as it must be a setting of the method, seed, steps"],
      ["--set groupSize=four", 1, "Cannot change groupSize as it must be a number like 8: "],
      ["--set groupSize", 1, "Cannot change a setting as it must be name=value: current value is "],
      ["--set groupSize=1", 1, "Cannot compare completions as groupSize must be >= 2: "],
      ["--template nope", 1, "Cannot ask as template must be chat, none, relift, relift-llama or "],
      ["--template nope.jinja", 1, "Cannot read nope.jinja: there is no such file"],
      ["--policy=characters --template chat", 1, "Cannot ask in a frame as characters has a "],
      ["--teacher http://127.0.0.1:9", 2, "--teacher and --teacher-model go together: one is "],
      ["--teacher-model x", 2, "--teacher and --teacher-model go together: one is not given"],
      ["--teacher nowhere --teacher-model x", 2, "--teacher must be an address of http or https"],
    ] as const
  ) {
    const policy = flags.includes("--policy") ? "" : " --policy policy";
    const { code: found, stderr } = await runCommand(
      `${TRAIN}${policy} ${flags} --out new`,
      folder,
    );
    assertEquals([found, stderr.trimEnd().split("\n").length], [code, 1], stderr);
    assert(stderr.startsWith(`error: ${words}`), stderr);
  }
  assertEquals(namesIn(folder), before);
});
