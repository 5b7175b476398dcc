// AssemblyScript, built by `deno task build:kernels` into kernels.wasm. Addresses are in bytes.
export * from "./rms_norm";
export * from "./linear";
