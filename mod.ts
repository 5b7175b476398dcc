/**
 * ReLIFT Lab: reinforcement learning, supervised fine-tuning and ReLIFT (arXiv:2506.07527) for
 * language models, on Deno. Everything the commands use, for notebooks and scripts.
 *
 * @example One step of ReLIFT with an untrained policy
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import {
 *   charTokenizer, createPolicy, modelConfig, openDevice, operators, relift,
 * } from "./mod.ts";
 *
 * await openDevice({ prefer: "cpu" });
 * const tokenizer = charTokenizer();
 * const shape = modelConfig({
 *   vocab_size: tokenizer.vocabSize, hidden_size: 8, intermediate_size: 16,
 *   num_hidden_layers: 1, num_attention_heads: 2,
 * });
 * const policy = createPolicy(shape, tokenizer, 1);
 * const config = { ...relift.config, steps: 1, questionsPerStep: 2 };
 *
 * for await (const metrics of relift(policy, operators(), config)) {
 *   assertEquals(metrics["groups/all_wrong"], 2); // it knows nothing yet
 *   assertEquals(metrics["buffer/length"], 2); // both wait to be taught
 * }
 * ```
 *
 * @module
 */
export * from "./lib/random.ts";
export * from "./lib/files.ts";
export * from "./lib/compute/device.ts";
export * from "./lib/compute/doctor.ts";
export { type Gpu, openedGpu } from "./lib/compute/gpu.ts";
export { type Blas, findBlas } from "./lib/compute/blas_library.ts";
export * from "./lib/compute/ops/adamw.ts";
export * from "./lib/compute/ops/attention.ts";
export * from "./lib/compute/ops/decode_attention.ts";
export * from "./lib/compute/ops/embedding.ts";
export * from "./lib/compute/ops/gated_linear_unit.ts";
export * from "./lib/compute/ops/linear.ts";
export * from "./lib/compute/ops/rms_norm.ts";
export * from "./lib/compute/ops/rotary.ts";
export * from "./lib/compute/ops/sample.ts";
export * from "./lib/compute/ops/token_log_probs.ts";
export * from "./lib/data/answer_reward.ts";
export * from "./lib/data/compose.ts";
export * from "./lib/data/files.ts";
export * from "./lib/data/generate.ts";
export * from "./lib/data/question.ts";
export * from "./lib/text/char_tokenizer.ts";
export * from "./lib/text/tokenizer.ts";
export * from "./lib/model/config.ts";
export * from "./lib/model/flops.ts";
export * from "./lib/model/kv_cache.ts";
export * from "./lib/model/policy.ts";
export * from "./lib/model/transformer.ts";
export { loadPolicy, policyFingerprint, savePolicy } from "./lib/model/io/policy_folder.ts";
export * from "./lib/rollout/rollout.ts";
export * from "./lib/grading/group.ts";
export * from "./lib/objectives/advantages.ts";
export * from "./lib/objectives/batch.ts";
export * from "./lib/objectives/log_probs.ts";
export * from "./lib/objectives/objective.ts";
export * from "./lib/objectives/policy_loss.ts";
export * from "./lib/objectives/reduce.ts";
export * from "./lib/objectives/weigh.ts";
export * from "./lib/optim/accumulate.ts";
export * from "./lib/optim/adamw.ts";
export * from "./lib/optim/schedule.ts";
export * from "./lib/methods/demonstrations.ts";
export * from "./lib/methods/grpo.ts";
export * from "./lib/methods/luffy.ts";
export * from "./lib/methods/method.ts";
export * from "./lib/methods/metrics.ts";
export * from "./lib/methods/registry.ts";
export * from "./lib/methods/relift.ts";
export * from "./lib/methods/rl.ts";
export * from "./lib/methods/rollouts.ts";
export * from "./lib/methods/sft.ts";
export * from "./lib/methods/training.ts";
export * from "./lib/methods/update.ts";
export * from "./lib/evaluation/base.ts";
export * from "./lib/evaluation/evaluate.ts";
export * from "./lib/evaluation/metrics.ts";
export * from "./lib/evaluation/strata.ts";
export * from "./lib/evaluation/table.ts";
export * from "./lib/runs/checkpoint.ts";
export * from "./lib/runs/compare.ts";
export * from "./lib/runs/metrics_log.ts";
export * from "./lib/runs/progress.ts";
export * from "./lib/runs/run.ts";
export * from "./lib/runs/status.ts";
export * from "./datasets/addition.ts";
export * from "./datasets/countdown.ts";
export * from "./datasets/multiplication.ts";
export * from "./datasets/operators.ts";
export * from "./datasets/registry.ts";
