/**
 * Compute kernels of our own on tfjs's `webgpu` backend.
 *
 * The backend runs on a device of ours, which asks for all the limits the adapter has (tfjs leaves
 * storage buffers at eight a launch). Launches go through the backend's own command encoder, so they
 * keep their order with tfjs's.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { type Attributes, kernelsInUse } from "./kernels.ts";
import { CONVERTED_PER_GROUP, TO_HALVES } from "./wgsl/half.ts";

/** What a storage buffer holds. */
export type StorageType = "f32" | "i32" | "u32" | "vec2f" | "vec4f" | "vec2u";

/** A compute program: its bindings are declared from its fields, in order. */
export interface Program {
  /** Names the program and every constant that its code depends on: the key of its pipeline. */
  readonly name: string;
  /** Storage buffers that are only read. */
  readonly inputs: Readonly<Record<string, StorageType>>;
  /** Storage buffers that are written, or changed in place. */
  readonly outputs: Readonly<Record<string, StorageType>>;
  /** Numbers, read in the code as `params.<name>`. */
  readonly params: Readonly<Record<string, "u32" | "i32" | "f32">>;
  /** Invocations of a workgroup. */
  readonly workgroup: readonly [number, number, number];
  /** Functions and `main`'s body; `main` has `local`, `group`, `groups` (all `vec3u`) and `index`,
   * the invocation's number within its workgroup. */
  readonly code: string;
  /** Declarations in front of `main`: functions, workgroup variables, constants. */
  readonly declarations?: string;
}

/** The backend, as launches see it: with what its type keeps private. */
export interface Gpu {
  readonly device: GPUDevice;
  readonly backend: WebGPUBackend;
  /** Whether weights are read, and caches kept, as 16-bit floats: see {@linkcode Gpu.halved}. */
  half: boolean;
  /** Programs launched so far, ours and tfjs's. */
  launches: number;
  /** A new tensor; its numbers are undefined. */
  output(shape: readonly number[], dtype?: "float32" | "int32"): tf.TensorInfo;
  /**
   * A copy of a float32 tensor as 16-bit floats, two in an int32. It is kept until the tensor is
   * freed, and renewed when it is asked for after a launch wrote the tensor; nobody else frees it.
   */
  halved(tensor: tf.TensorInfo): tf.TensorInfo;
  /**
   * Launches a program.
   *
   * @param tensors By the names of the program's inputs and outputs. A tensor that is written may
   * not also be an input.
   * @param groups Workgroups in each dimension; a product of 0 launches nothing.
   */
  launch(
    program: Program,
    tensors: Readonly<Record<string, tf.TensorInfo>>,
    params: Readonly<Record<string, number>>,
    groups: readonly [number, number, number],
  ): void;
}

/** Bytes from one launch's numbers to the next's in their buffer: WebGPU's default alignment. */
const PARAMS_STRIDE = 256;
/** Launches whose numbers fit the buffer before it must be submitted. */
const PARAMS_SLOTS = 256;

/** Parts of the backend that its type keeps private. */
interface Internals {
  computePassEncoder: GPUComputePassEncoder | null;
  commandEncoder: GPUCommandEncoder;
  dispatchCountInPass: number;
  commandQueueOwnedIds: WeakSet<tf.DataId>;
  tensorMap: { get(id: tf.DataId): { resource: GPUBuffer; values: unknown } };
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

let gpu: Gpu | undefined;

/** The GPU that {@linkcode openGpu} opened. */
export function openedGpu(): Gpu {
  return gpu!;
}

/** Whether the current device reads weights, and keeps caches, as 16-bit floats. */
export function storesHalves(): boolean {
  return kernelsInUse() && tf.getBackend() === "webgpu" && gpu!.half;
}

/** Registers tfjs's `webgpu` backend on a device of our own; later calls change nothing. */
export async function openGpu(): Promise<void> {
  if (gpu) return;
  const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu");
  const { device, info } = await requestDevice();
  device.addEventListener("uncapturederror", (event) => {
    const { error } = event as GPUUncapturedErrorEvent;
    throw new Error(`Cannot compute on the GPU as every launch must be valid: ${error.message}`);
  });
  class Backend extends WebGPUBackend {
    override runWebGPUProgram(
      ...call: Parameters<WebGPUBackend["runWebGPUProgram"]>
    ): tf.TensorInfo {
      gpu!.launches++;
      return super.runWebGPUProgram(...call);
    }
    override disposeData(dataId: tf.DataId, force?: boolean): boolean {
      const freed = super.disposeData(dataId, force);
      const kept = freed && copies.get(dataId);
      if (kept) {
        copies.delete(dataId);
        this.disposeData(kept.copy.dataId);
      }
      return freed;
    }
    override submitQueue(): void {
      flush();
      super.submitQueue();
    }
  }
  const backend = new Backend(device, info);
  const internals = backend as unknown as Internals;
  const pipelines = new Map<string, GPUComputePipeline>();
  const numbers = device.createBuffer({
    size: PARAMS_STRIDE * PARAMS_SLOTS,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  const staged = new ArrayBuffer(PARAMS_STRIDE * PARAMS_SLOTS);
  // Stands for tensors of size 0, which cannot be bound.
  const empty = device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE });
  /** What {@linkcode Gpu.halved} keeps, by what it is a copy of. */
  const copies = new Map<tf.DataId, { readonly copy: tf.TensorInfo; fresh: boolean }>();
  let slots = 0;
  const flush = () => {
    if (slots > 0) device.queue.writeBuffer(numbers, 0, staged, 0, slots * PARAMS_STRIDE);
    slots = 0;
  };
  const submit = () => {
    internals.endComputePassEncoder();
    internals.ensureCommandEncoderReady();
    internals.submitQueue();
  };

  gpu = {
    device,
    backend,
    half: false,
    launches: 0,
    output: (shape, dtype = "float32") => backend.makeTensorInfo([...shape], dtype),
    halved(tensor): tf.TensorInfo {
      const size = tf.util.sizeFromShape(tensor.shape);
      const kept = copies.get(tensor.dataId) ??
        { copy: this.output([Math.ceil(size / 2)], "int32"), fresh: false };
      copies.set(tensor.dataId, kept);
      if (!kept.fresh) {
        const groups = spread(Math.ceil(size / CONVERTED_PER_GROUP));
        this.launch(TO_HALVES, { x: tensor, y: kept.copy }, { size }, groups);
        kept.fresh = true;
      }
      return kept.copy;
    },
    launch(program, tensors, params, groups): void {
      const names = [...Object.keys(program.inputs), ...Object.keys(program.outputs)];
      for (const name of Object.keys(program.outputs)) {
        const { dataId, shape } = tensors[name]!;
        const data = internals.tensorMap.get(dataId);
        const kept = copies.get(dataId);
        if (kept) kept.fresh = false;
        if (tf.util.sizeFromShape(shape) === 0) data.values = new Float32Array(0);
        else {
          backend.uploadToGPU(dataId);
          data.values = null; // what was read before is no longer so
        }
      }
      if (groups[0] * groups[1] * groups[2] === 0) return;
      if (slots === PARAMS_SLOTS) submit();
      const buffers = names.map((name) => {
        const { dataId, shape } = tensors[name]!;
        if (tf.util.sizeFromShape(shape) === 0) return empty;
        backend.uploadToGPU(dataId);
        internals.commandQueueOwnedIds.add(dataId);
        return internals.tensorMap.get(dataId).resource;
      });
      const pipeline = pipelines.get(program.name) ?? compile(device, program);
      pipelines.set(program.name, pipeline);
      const entries: GPUBindGroupEntry[] = buffers.map((buffer, binding) => ({
        binding,
        resource: { buffer },
      }));
      const fields = Object.entries(program.params);
      if (fields.length > 0) {
        const offset = slots++ * PARAMS_STRIDE;
        const view = new DataView(staged, offset);
        fields.forEach(([name, type], i) => {
          if (type === "f32") view.setFloat32(4 * i, params[name]!, true);
          else view.setInt32(4 * i, params[name]!, true); // the same bits as setUint32's
        });
        const resource = { buffer: numbers, offset, size: 16 * Math.ceil(fields.length / 4) };
        entries.push({ binding: buffers.length, resource });
      }
      const layout = pipeline.getBindGroupLayout(0);
      internals.ensureCommandEncoderReady();
      const pass = internals.computePassEncoder ??= internals.commandEncoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
      pass.dispatchWorkgroups(...groups);
      this.launches++;
      if (++internals.dispatchCountInPass >= SUBMIT_EVERY) submit();
    },
  };
  tf.env().set("WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE", SUBMIT_EVERY);
  tf.env().set("WEBGPU_CPU_FORWARD", false); // else small tensors stay on the CPU, in turns
  tf.removeBackend("webgpu");
  tf.registerBackend("webgpu", () => backend, 3);
}

/** Launches that are recorded before they are handed to the GPU. */
const SUBMIT_EVERY = 64;

/** Limits that are raised to what the adapter has. */
const LIMITS = [
  "maxStorageBuffersPerShaderStage",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** Asks for a device with all the room that the adapter offers. */
async function requestDevice(): Promise<{ device: GPUDevice; info: GPUAdapterInfo }> {
  const adapter = (await navigator.gpu.requestAdapter({ powerPreference: "high-performance" }))!;
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const timing: GPUFeatureName = "timestamp-query"; // which tfjs's profiler uses
  const requiredFeatures = adapter.features.has(timing) ? [timing] : [];
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  return { device, info: adapter.info };
}

/** A program as WGSL: the declarations of its bindings, its own, and `main`. */
export function programSource(program: Program): string {
  const { inputs, outputs, params, workgroup, declarations = "", code } = program;
  const wgsl = (type: StorageType) => type === "vec4f" ? "vec4<f32>" : type;
  const all = [
    ...Object.entries(inputs).map(([name, type]) => [name, type, "read"] as const),
    ...Object.entries(outputs).map(([name, type]) => [name, type, "read_write"] as const),
  ];
  const fields = Object.entries(params);
  return [
    ...(fields.length > 0
      ? [
        `struct Params { ${fields.map(([name, type]) => `${name}: ${type}`).join(", ")} }`,
        `@group(0) @binding(${all.length}) var<uniform> params: Params;`,
      ]
      : []),
    ...all.map(([name, type, access], binding) =>
      `@group(0) @binding(${binding}) var<storage, ${access}> ${name}: array<${wgsl(type)}>;`
    ),
    declarations,
    `@compute @workgroup_size(${workgroup.join(", ")})`,
    "fn main(@builtin(local_invocation_id) local: vec3u, @builtin(workgroup_id) group: vec3u,",
    "  @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) index: u32) {",
    code,
    "}",
  ].join("\n");
}

function compile(device: GPUDevice, program: Program): GPUComputePipeline {
  const { name } = program;
  const module = device.createShaderModule({ label: name, code: programSource(program) });
  return device.createComputePipeline({
    label: name,
    layout: "auto",
    compute: { module, entryPoint: "main" },
  });
}

/** Workgroups for `count` of them, in two dimensions where one is not enough. */
export function spread(count: number): [number, number, number] {
  const limit = 65_535; // the least maximum that WebGPU grants
  return count <= limit ? [count, 1, 1] : [limit, Math.ceil(count / limit), 1];
}

/** A kernel on the GPU. */
export type GpuKernel = (
  gpu: Gpu,
  inputs: Readonly<Record<string, tf.TensorInfo>>,
  // deno-lint-ignore no-explicit-any -- as in tfjs, each kernel knows its own
  attributes: any,
) => tf.TensorInfo | tf.TensorInfo[];

/** Registers a kernel of the `webgpu` backend, replacing one of the same name. */
export function registerGpuKernel(kernelName: string, kernel: GpuKernel): void {
  if (tf.getKernel(kernelName, "webgpu")) tf.unregisterKernel(kernelName, "webgpu");
  tf.registerKernel({
    kernelName,
    backendName: "webgpu",
    kernelFunc: ({ inputs, attrs }) =>
      kernel(gpu!, inputs as Record<string, tf.TensorInfo>, attrs as Attributes),
  });
}
