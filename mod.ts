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
export {
  changedFiles,
  type FetchedFolder,
  fetchFolder,
  type FetchProgress,
  type FolderOptions,
  type FolderOrigin,
  type FolderRecord,
  readFolderRecord,
} from "./lib/fetch/folder.ts";
export {
  HUB,
  hubFile,
  hubFolder,
  type HubOptions,
  type HubRepo,
  remoteSources,
  resolveHub,
  withKnown,
} from "./lib/fetch/hub.ts";
export { localSources, nameOf } from "./lib/fetch/local.ts";
export { isModelFile, modelFiles, type PublishedModel } from "./lib/fetch/model_files.ts";
export { type ReceivedFile, receiveFile, type ReceiveOptions } from "./lib/fetch/receive.ts";
export {
  checkRelativePath,
  type HubFile,
  type RemoteFile,
  type RepoType,
} from "./lib/fetch/remote_file.ts";
export type { RetryOptions } from "./lib/fetch/retry.ts";
export {
  type Digest,
  FetchFault,
  type FileSource,
  type OpenedSource,
  storedDigest,
} from "./lib/fetch/source.ts";
export { type WebOptions, webSource } from "./lib/fetch/web.ts";
export * from "./lib/compute/device.ts";
export * from "./lib/compute/doctor.ts";
export { type Gpu, openedGpu, type Program, programSource } from "./lib/compute/gpu.ts";
export * from "./lib/compute/timing.ts";
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
export { RMS_NORM } from "./lib/compute/wgsl/rms_norm.ts";
export * from "./lib/data/answer_reward.ts";
export * from "./lib/data/compose.ts";
export * from "./lib/data/duplicates.ts";
export * from "./lib/data/files.ts";
export * from "./lib/data/generate.ts";
export * from "./lib/data/paper_layout.ts";
export * from "./lib/data/question.ts";
export { type Schema, SCHEMAS } from "./lib/data/schemas.ts";
export * from "./lib/text/char_tokenizer.ts";
export * from "./lib/text/gguf_tokenizer.ts";
export * from "./lib/text/hugging_face_tokenizer.ts";
export {
  PROMPT_TEMPLATES,
  type PromptOptions,
  type PromptTemplate,
} from "./lib/text/prompt_template.ts";
export * from "./lib/text/read_tokenizer.ts";
export * from "./lib/text/speller.ts";
export * from "./lib/text/tokenizer.ts";
export { type Adapter, type LoraConfig } from "./lib/model/adapter.ts";
export * from "./lib/model/config.ts";
export * from "./lib/model/flops.ts";
export * from "./lib/model/kv_cache.ts";
export * from "./lib/model/lora.ts";
export * from "./lib/model/policy.ts";
export * from "./lib/model/rope.ts";
export * from "./lib/model/transformer.ts";
export { loadAdapter, saveAdapter } from "./lib/model/io/adapter_folder.ts";
export {
  type LoadOptions,
  loadPolicy,
  policyFingerprint,
  type SaveOptions,
  savePolicy,
} from "./lib/model/io/policy_folder.ts";
export * from "./lib/rollout/encode.ts";
export * from "./lib/rollout/preflight.ts";
export * from "./lib/rollout/rollout.ts";
export * from "./lib/grading/check_dataset.ts";
export { extractAnswer } from "./lib/grading/extract.ts";
export { closeGraders, type Grade, gradeAnswer, gradeAnswers } from "./lib/grading/grade_answer.ts";
export * from "./lib/grading/graded_reward.ts";
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
export * from "./lib/methods/buffer.ts";
export * from "./lib/methods/chord.ts";
export * from "./lib/methods/cispo.ts";
export * from "./lib/methods/dapo.ts";
export * from "./lib/methods/demonstrations.ts";
export * from "./lib/methods/dft.ts";
export * from "./lib/methods/dr_grpo.ts";
export * from "./lib/methods/grpo.ts";
export * from "./lib/methods/gspo.ts";
export * from "./lib/methods/hpt.ts";
export * from "./lib/methods/luffy.ts";
export * from "./lib/methods/method.ts";
export * from "./lib/methods/metrics.ts";
export * from "./lib/methods/mixture.ts";
export * from "./lib/methods/prefix_rft.ts";
export * from "./lib/methods/registry.ts";
export * from "./lib/methods/reinforce.ts";
export * from "./lib/methods/relift.ts";
export * from "./lib/methods/relift_always.ts";
export * from "./lib/methods/relift_random.ts";
export * from "./lib/methods/relift_uniform.ts";
export * from "./lib/methods/rl.ts";
export * from "./lib/methods/rl_plus.ts";
export * from "./lib/methods/rl_sft.ts";
export * from "./lib/methods/rl_sft_loss.ts";
export * from "./lib/methods/rloo.ts";
export * from "./lib/methods/rollouts.ts";
export * from "./lib/methods/settings.ts";
export * from "./lib/methods/sft.ts";
export * from "./lib/methods/sft_rl.ts";
export * from "./lib/methods/srft.ts";
export * from "./lib/methods/superrl.ts";
export * from "./lib/methods/training.ts";
export * from "./lib/methods/update.ts";
export * from "./lib/evaluation/base.ts";
export * from "./lib/evaluation/evaluate.ts";
export * from "./lib/evaluation/metrics.ts";
export * from "./lib/evaluation/statistics.ts";
export * from "./lib/evaluation/strata.ts";
export * from "./lib/evaluation/table.ts";
export * from "./lib/runs/base_scores.ts";
export {
  type Cell,
  type CellFolders,
  type CellQuestions,
  disposeCell,
  finishCell,
  isTrained,
  openCell,
  trainCell,
} from "./lib/runs/cell.ts";
export * from "./lib/runs/checkpoint.ts";
export * from "./lib/runs/claims.ts";
export * from "./lib/runs/compare.ts";
export * from "./lib/runs/grid.ts";
export * from "./lib/runs/metrics_log.ts";
export * from "./lib/runs/progress.ts";
export * from "./lib/runs/read_runs.ts";
export { fillBlocks, type StudyReport, studyReport } from "./lib/runs/report.ts";
export * from "./lib/runs/run.ts";
export * from "./lib/runs/samples_parquet.ts";
export * from "./lib/runs/status.ts";
export * from "./lib/runs/study.ts";
export * from "./lib/runs/study_results.ts";
export * from "./lib/runs/trial.ts";
export { publicAddress } from "./lib/teacher/chat.ts";
export { openTeacher, type Teacher, type TeacherOptions } from "./lib/teacher/teacher.ts";
export { TEACHER_LIMITS, type TeacherLimits } from "./lib/teacher/collector.ts";
export type { Price, TeacherCounts } from "./lib/teacher/tally.ts";
export { withTeacher } from "./lib/teacher/with_teacher.ts";
export * from "./lib/figures/ablations.ts";
export * from "./lib/figures/buffer_turnover.ts";
export * from "./lib/figures/cost_accuracy.ts";
export * from "./lib/figures/dead_groups.ts";
export * from "./lib/figures/device_times.ts";
export * from "./lib/figures/differences.ts";
export { type FigureSize, PLOTLY_CONFIG } from "./lib/figures/drawable.ts";
export * from "./lib/figures/figure.ts";
export * from "./lib/figures/figures.ts";
export { FONT_FAMILY } from "./lib/figures/fonts.ts";
export * from "./lib/figures/forgetting.ts";
export * from "./lib/figures/framework.ts";
export * from "./lib/figures/histograms.ts";
export * from "./lib/figures/html.ts";
export * from "./lib/figures/main_table.ts";
export { type Box, type Page, pageLayout, type Panel, withNote } from "./lib/figures/page.ts";
export * from "./lib/figures/pass_at_k.ts";
export * from "./lib/figures/published.ts";
export * from "./lib/figures/rollout_browser.ts";
export * from "./lib/figures/seed_band.ts";
export * from "./lib/figures/show.ts";
export * from "./lib/figures/size_gate.ts";
export * from "./lib/figures/static.ts";
export * from "./lib/figures/stored_studies.ts";
export * from "./lib/figures/strata_moves.ts";
export * from "./lib/figures/stratum_dynamics.ts";
export * from "./lib/figures/taught.ts";
export { type MethodStyle, STRATUM_COLORS, STRATUM_TITLES, styleOf } from "./lib/figures/theme.ts";
export * from "./lib/figures/training_curves.ts";
export * from "./datasets/addition.ts";
export * from "./datasets/countdown.ts";
export * from "./datasets/multiplication.ts";
export * from "./datasets/operators.ts";
export * from "./datasets/protocols.ts";
export * from "./datasets/published.ts";
export * from "./datasets/registry.ts";
export { PUBLISHED_MODELS, publishedModel } from "./models/registry.ts";
