import * as tf from "@tensorflow/tfjs";
import * as m from "../mod.ts";
const [size, device, blas, B, S, reps] = [Deno.args[0] ?? "0.8M", Deno.args[1] ?? "wasm", Deno.args[2] !== "noblas", Number(Deno.args[3] ?? 64), Number(Deno.args[4] ?? 64), Number(Deno.args[5] ?? 20)];
const shapes: any = {"0.3M":[96,3,4,64],"0.8M":[128,4,4,64],"10M":[384,6,12,64],"30M":[512,8,16,64]};
const V = size==="135M"?49152:64;
const cfg = size==="135M" ? m.modelConfig({vocab_size:49152,hidden_size:576,intermediate_size:1536,num_hidden_layers:30,num_attention_heads:9,num_key_value_heads:3,head_dim:64,rope_theta:1e5,max_position_embeddings:4096})
 : m.modelConfig({vocab_size:64,hidden_size:shapes[size][0],intermediate_size:Math.round(shapes[size][0]*8/3/8)*8,num_hidden_layers:shapes[size][1],num_attention_heads:shapes[size][2],max_position_embeddings:4096});
const d = await m.openDevice({prefer: device as any, blas});
console.log(d.description);
const tok = m.charTokenizer(Array.from({length:62},(_,i)=>String.fromCharCode(60+i)).join(""));
const policy: any = {config: cfg, tokenizer: tok, weights: m.initialWeights(cfg,1)};
const opt = m.adamwState(policy.weights);
const r = m.randomSeeded(1,"bench"); const t=()=>m.randomInteger(r,0,V);
const rows = Array.from({length:B},()=>({prompt:[t()],completion:Array.from({length:S},t),advantage:0}));
const settings = {entropyCoefficient:0,learningRate:{peak:1e-4,warmupSteps:0,shape:"constant"},adamw:m.ADAMW_DEFAULTS,maxTokens:B*S} as any;
const times: Record<string,[number,number]> = {}; let on=false;
if (Deno.args[6] === "prof") {
  const be = tf.getBackend();
  for (const k of tf.getKernelsForBackend(be)) {
    tf.unregisterKernel(k.kernelName, be);
    tf.registerKernel({...k, kernelFunc: (a: any) => { const t0=performance.now(); const r=(k.kernelFunc as any)(a); if(on){ const e=times[k.kernelName]??=[0,0]; e[0]+=performance.now()-t0; e[1]++;} return r; }});
  }
}
const ts: number[] = [];
for (let i=-3;i<reps;i++) { on = i>=0; const t0=performance.now(); await m.supervisedStep(policy, rows, opt, 1e-4, settings); if(i>=0) ts.push(performance.now()-t0); }
ts.sort((a,b)=>a-b);
console.log(size, "B",B,"S",S,"median", ts[ts.length>>1].toFixed(1), "min", ts[0].toFixed(1), "heap MB", ((tf.backend() as any).wasm?.HEAPU8.length/1e6|0));
if (Deno.args[6]==="prof") for (const [k,[a,n]] of Object.entries(times).sort((x,y)=>y[1][0]-x[1][0]).slice(0,26)) console.log(k.padEnd(22), (a/reps).toFixed(2).padStart(8), "ms", (n/reps).toFixed(0).padStart(5));
