import * as tf from "@tensorflow/tfjs";
import { packedSequences } from "../../../lib/compute/ops/attention.ts";
import type { Policy } from "../../../lib/model/policy.ts";
import { forward, logits } from "../../../lib/model/transformer.ts";
import { rollout } from "../../../lib/rollout/rollout.ts";
import { take } from "../../_devices.ts";

/** Logits after every id of a prompt, `[ids vocab]`. */
export async function logitsOf(policy: Policy, ids: readonly number[]): Promise<Float32Array> {
  return await take(tf.tidy(() => {
    const tokens = tf.tensor1d([...ids], "int32");
    return logits(policy, forward(policy, tokens, packedSequences([ids.length])));
  }));
}

/** The most likely ids after each prompt, one after the other, whatever they are. */
export async function greedyIds(
  policy: Policy,
  prompts: readonly (readonly number[])[],
  maxNewTokens: number,
): Promise<(readonly number[])[]> {
  const tokenizer = {
    ...policy.tokenizer,
    eosTokenId: -1,
    stopTokenIds: [],
    encodePrompt: (text: string) => [...prompts[Number(text)]!],
  };
  const questions = prompts.map((_, i) => ({ id: `${i}`, prompt: `${i}`, answer: "" }));
  const rollouts = await rollout({ ...policy, tokenizer }, questions, {
    groupSize: 1,
    maxNewTokens,
    temperature: 0,
    topP: 1,
    topK: 0,
    random: () => [0, 0],
  });
  return rollouts.map(({ completions }) => completions[0]!.tokens);
}
