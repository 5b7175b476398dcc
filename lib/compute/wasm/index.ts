// AssemblyScript, built by `deno task build:kernels` into kernels.wasm. Addresses are in bytes.
export * from "./rms_norm";
export * from "./linear";
export * from "./attention";
export * from "./embedding";
export * from "./gated_linear_unit";
export * from "./rotary";
export * from "./adamw";
export * from "./gemm";
export * from "./token_log_probs";
export * from "./decode_attention";
export * from "./sample";
