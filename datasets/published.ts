/**
 * Published question sets: where each comes from, under what licence, how large it is and which
 * file holds which split. Nothing of them is stored here.
 *
 * A `sha256` is that of the file at the pinned commit: computed from a copy of it, or of files on
 * the Hugging Face hub the one that the hub states. It is absent where neither was at hand.
 *
 * @module
 */
import type { SchemaName } from "../lib/data/files.ts";
import type { Split } from "../lib/data/question.ts";

/** A file of a published set. */
export interface PublishedFile {
  /** Its name under `downloads/data/<set>/`. */
  readonly path: string;
  readonly split: Split;
  readonly rows: number;
  readonly bytes?: number;
  readonly sha256?: string;
  /** Its address; absent when {@linkcode PublishedFile.hub} tells it. */
  readonly url?: string;
  /** Its place on the Hugging Face hub. */
  readonly hub?: {
    readonly repo: string;
    readonly revision: string;
    readonly path: string;
    readonly repoType: "dataset";
  };
}

/** A published question set. */
export interface PublishedDataset {
  readonly name: string;
  /** What it asks. */
  readonly about: string;
  /** Its repository at a commit: `owner/name@commit`. */
  readonly source: string;
  /** SPDX where there is one. */
  readonly licence: string;
  /** What reading it takes beside a network. */
  readonly needs?: string;
  readonly schema: SchemaName;
  /**
   * Its own: `train` is what the publisher calls so, `validation` what is held out from it (the test
   * file), or all of a set that is only for evaluation.
   */
  readonly files: readonly PublishedFile[];
  /** Sets that stand in for a split it has not: their `validation` questions. */
  readonly elsewhere?: Readonly<Partial<Record<Split, string>>>;
  /** Takes only the rows of this `data_source`, and each question once. */
  readonly only?: string;
}

/** A repository at a commit, and the addresses of its files. */
interface Repository {
  readonly source: string;
  file(path: string): Pick<PublishedFile, "url" | "hub">;
}

function github(repository: string, commit: string): Repository {
  const root = `https://raw.githubusercontent.com/${repository}/${commit}`;
  return { source: `${repository}@${commit}`, file: (path) => ({ url: `${root}/${path}` }) };
}

function hub(repo: string, revision: string): Repository {
  return {
    source: `${repo}@${revision}`,
    file: (path) => ({ hub: { repo, revision, path, repoType: "dataset" } }),
  };
}

const GSM8K = github("openai/grade-school-math", "3101c7d5072418e28b9008a6636bde82a006892c");
const MATH_500 = hub("HuggingFaceH4/MATH-500", "6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be");
const QWEN_MATH = github("QwenLM/Qwen2.5-Math", "a45202bd16f1ec06f433442dc1152d0074773465");
const DEEPSCALER = github("agentica-project/deepscaler", "95ef74f");
const MMLU_PRO = hub("TIGER-Lab/MMLU-Pro", "b189ec765aa7ed75c8acfea42df31fdae71f97be");
const ARC = hub("allenai/ai2_arc", "210d026faf9955653af8916fad021475a3f00453");
const GPQA = hub("Idavidrein/gpqa", "633f5ee89ab8ad4522a9f850766b73f62147ffdd");
const RELIFT = github("TheRoadQaQ/ReLIFT", "eb95454");
const OPENR1 = hub("Elliott/Openr1-Math-46k-8192", "main"); // its commits were not at hand

/** The paper's validation file, which three sets are taken from. */
const RELIFT_VALID = {
  source: RELIFT.source,
  licence: "not stated",
  schema: "relift",
  files: [{
    path: "valid.parquet",
    split: "validation",
    rows: 1987,
    bytes: 203380,
    sha256: "e30b419198a894a1990742fac739960460e9a3de78fcf214730fe7ab20a92feb",
    ...RELIFT.file("dataset/valid.parquet"),
  }],
} as const;

/** Of the collection; the problems of competitions belong to those who set them. */
const MIT_COLLECTION = "MIT (collection)";

/** The published sets. */
export const PUBLISHED_DATASETS: readonly PublishedDataset[] = [
  {
    name: "gsm8k",
    about:
      "School word problems, worked in plain text (arXiv:2110.14168); the solutions keep the " +
      "marks of its calculator, <<48/2=24>>.",
    source: GSM8K.source,
    licence: "MIT",
    schema: "gsm8k",
    files: [{
      path: "train.jsonl",
      split: "train",
      rows: 7473,
      bytes: 4166206,
      sha256: "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465",
      ...GSM8K.file("grade_school_math/data/train.jsonl"),
    }, {
      path: "test.jsonl",
      split: "validation",
      rows: 1319,
      bytes: 749738,
      sha256: "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
      ...GSM8K.file("grade_school_math/data/test.jsonl"),
    }],
    elsewhere: { ood: "math-500" },
  },
  {
    name: "math-500",
    about: "500 test problems of MATH, with subject and level (arXiv:2305.20050).",
    source: MATH_500.source,
    licence: "MIT",
    schema: "math",
    files: [{
      path: "test.jsonl",
      split: "validation",
      rows: 500,
      bytes: 446564,
      sha256: "35dc41080a3680858b27fa7e0533d2d547825316fc5dafe5d316f4ccc5a06132",
      ...MATH_500.file("test.jsonl"),
    }],
  },
  {
    name: "aime24",
    about: "AIME 2024, both papers; answers are whole numbers below 1000.",
    source: QWEN_MATH.source,
    licence: MIT_COLLECTION,
    schema: "math",
    files: [{
      path: "test.jsonl",
      split: "validation",
      rows: 30,
      bytes: 156944,
      sha256: "af2b8bd2aa911b6333ad0df32f3ca05c7ae8ed10f1731f4372c8ae26990bf7ac",
      ...QWEN_MATH.file("evaluation/data/aime24/test.jsonl"),
    }],
  },
  {
    name: "aime25",
    about: "AIME 2025, both papers, from the paper's validation file; no demonstrations.",
    ...RELIFT_VALID,
    only: "aime25",
  },
  {
    name: "amc",
    about: "AMC 12 of 2022 and 2023, the paper's 83 problems, from its validation file.",
    ...RELIFT_VALID,
    only: "amc",
  },
  {
    name: "amc23",
    about: "AMC 12 of 2023; no demonstrations.",
    source: QWEN_MATH.source,
    licence: MIT_COLLECTION,
    schema: "math",
    files: [{
      path: "test.jsonl",
      split: "validation",
      rows: 40,
      bytes: 27631,
      sha256: "43707e1ca784602d8479de24ee8ce36609dbebc46dd152b0b12a46611aa898a4",
      ...QWEN_MATH.file("evaluation/data/amc23/test.jsonl"),
    }],
  },
  {
    name: "minerva",
    about: "Undergraduate science of MIT OpenCourseWare (arXiv:2206.14858).",
    source: QWEN_MATH.source,
    licence: MIT_COLLECTION,
    schema: "math",
    files: [{
      path: "test.jsonl",
      split: "validation",
      rows: 272,
      bytes: 247267,
      sha256: "0e656b430d3a0a1dab6aa853f453ba3805e28e2cabe4fc72486a897cc09d8ba2",
      ...QWEN_MATH.file("evaluation/data/minerva_math/test.jsonl"),
    }],
  },
  {
    name: "olympiadbench",
    about: "Olympiad mathematics in English, text only, with final answers (arXiv:2402.14008).",
    source: QWEN_MATH.source,
    licence: "Apache-2.0",
    schema: "olympiadbench",
    files: [{
      path: "test.jsonl",
      split: "validation",
      rows: 675,
      bytes: 1493870,
      sha256: "bb8c1e38a16ea9eacb77530315a674d883f267fbff79183effc53681b4fcc416",
      ...QWEN_MATH.file("evaluation/data/olympiadbench/test.jsonl"),
    }],
  },
  {
    name: "aime-1983-2023",
    about: "AIME of 1983 to 2023, solutions from AoPS; judged on AIME 2024.",
    source: DEEPSCALER.source,
    licence: MIT_COLLECTION,
    schema: "math",
    files: [{
      path: "aime.json",
      split: "train",
      rows: 975,
      bytes: 1289048,
      sha256: "78f1b9bae6d00794b43e79a5842917f7ef4e355d9b705743c61f255f3c7c5d49",
      ...DEEPSCALER.file("deepscaler/data/train/aime.json"),
    }],
    elsewhere: { validation: "aime24" },
  },
  {
    name: "mmlu-pro",
    about: "Fourteen subjects, up to ten options, shuffled (arXiv:2406.01574).",
    source: MMLU_PRO.source,
    licence: "MIT",
    schema: "mmlu-pro",
    files: [{
      path: "test.parquet",
      split: "validation",
      rows: 12032,
      bytes: 4144185,
      sha256: "0e24a191921c2f453518a537a8b2117bd137e7714d4ef1565e9ba06c1ecb9ad8",
      ...MMLU_PRO.file("data/test-00000-of-00001.parquet"),
    }],
  },
  {
    name: "arc-c",
    about: "ARC-Challenge: school science, mostly four options (arXiv:1803.05457).",
    source: ARC.source,
    licence: "CC-BY-SA-4.0",
    schema: "arc",
    files: [{
      path: "test.parquet",
      split: "validation",
      rows: 1172,
      bytes: 203808,
      sha256: "62f03257e737aed263f55c6abf87c7bb0028a44a6bdd2a26eb1279eb42c1d1e9",
      ...ARC.file("ARC-Challenge/test-00000-of-00001.parquet"),
    }],
  },
  {
    name: "gpqa-diamond",
    about: "Graduate biology, physics and chemistry, four options, shuffled (arXiv:2311.12022).",
    source: GPQA.source,
    licence: "CC-BY-4.0",
    needs: "HF_TOKEN of an account that has agreed to its terms",
    schema: "gpqa",
    files: [{
      path: "gpqa_diamond.csv",
      split: "validation",
      rows: 198,
      ...GPQA.file("gpqa_diamond.csv"),
    }],
  },
  {
    name: "relift-valid",
    about: "The paper's validation file: AIME 2024 and 2025 eight times each, AMC four times, " +
      "MATH-500, OlympiadBench; no demonstrations.",
    ...RELIFT_VALID,
  },
  {
    name: "openr1-math-46k-8192",
    about: "The paper's training set: problems of OpenR1-Math-220k with verified " +
      "traces of DeepSeek-R1 of at most 8,192 tokens (arXiv:2504.14945).",
    source: OPENR1.source,
    licence: "not stated",
    schema: "relift",
    files: [{
      path: "openr1.parquet",
      split: "train",
      rows: 45792,
      ...OPENR1.file("openr1.parquet"),
    }],
    elsewhere: { validation: "relift-valid", ood: "mmlu-pro" },
  },
];

/** The published set of a name; undefined when there is none. */
export function publishedDataset(name: string): PublishedDataset | undefined {
  return PUBLISHED_DATASETS.find((set) => set.name === name);
}
