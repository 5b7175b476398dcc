"""PyTorch, Hugging Face generate and TRL as tasks/bench.ts measures them beside ours.

    python bench_peers.py SPEC

SPEC is JSON: `kind` (probe, train, generate, grpo, product), `folder` (the policy that all contenders load),
`threads`, `device` (cpu or cuda), and what the function of that kind reads. Writes one line of JSON when ready, and
one for each line of JSON it reads: it takes one repeat and tells its milliseconds.
"""

import json
import os
import sys
import time

OUT = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what libraries print must not mix with the answers
os.environ.update(
    HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false",
    TRL_EXPERIMENTAL_SILENCE="1", TRANSFORMERS_VERBOSITY="error",
)

import torch
import torch.nn as nn
import torch.nn.functional as F


def tell(answer):
    print(json.dumps(answer), file=OUT, flush=True)


def requests():
    for line in sys.stdin:
        yield json.loads(line)


def timed(device, run):
    """Milliseconds of a call, all that it queued included."""
    started = time.perf_counter()
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - started)


def read_json(spec, name):
    with open(os.path.join(spec["folder"], name), encoding="utf-8") as file:
        return json.load(file)


def logits_gap(spec, logits_of):
    """Largest difference from the scores that our policy of the same weights gave one batch."""
    check = read_json(spec, "check.json")
    tokens = torch.tensor(check["tokens"], device=spec["device"])
    with torch.inference_mode():
        logits = logits_of(tokens).float().cpu().flatten()
    ours = torch.frombuffer(bytearray(open(os.path.join(spec["folder"], "check.bin"), "rb").read()), dtype=torch.float32)
    return (logits - ours).abs().max().item()


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.kv_heads, self.depth = c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]
        width, queries, keys = c["hidden_size"], self.heads * self.depth, self.kv_heads * self.depth
        self.q_proj = nn.Linear(width, queries, bias=False)
        self.k_proj = nn.Linear(width, keys, bias=False)
        self.v_proj = nn.Linear(width, keys, bias=False)
        self.o_proj = nn.Linear(queries, width, bias=False)

    def forward(self, x, cos, sin):
        batch, seq, _ = x.shape
        q = self.q_proj(x).view(batch, seq, self.heads, self.depth).transpose(1, 2)
        k = self.k_proj(x).view(batch, seq, self.kv_heads, self.depth).transpose(1, 2)
        v = self.v_proj(x).view(batch, seq, self.kv_heads, self.depth).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.heads != self.kv_heads)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, seq, -1))


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


class FeedForward(nn.Module):
    def __init__(self, c):
        super().__init__()
        width, inner = c["hidden_size"], c["intermediate_size"]
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(c["hidden_size"], eps=c["rms_norm_eps"])
        self.self_attn = Attention(c)
        self.post_attention_layernorm = nn.RMSNorm(c["hidden_size"], eps=c["rms_norm_eps"])
        self.mlp = FeedForward(c)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """The architecture of our policies, with the names of their weights."""

    def __init__(self, c):
        super().__init__()
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.model.layers = nn.ModuleList([Layer(c) for _ in range(c["num_hidden_layers"])])
        self.model.norm = nn.RMSNorm(c["hidden_size"], eps=c["rms_norm_eps"])
        self.depth, self.theta = c["head_dim"], c["rope_theta"]
        self.tables = {}

    def table(self, seq, device):
        if seq not in self.tables:
            rates = self.theta ** -(torch.arange(0, self.depth, 2) / self.depth)
            angles = torch.arange(seq)[:, None] * rates[None]
            self.tables[seq] = [torch.cat([f(angles)] * 2, -1).to(device) for f in (torch.cos, torch.sin)]
        return self.tables[seq]

    def forward(self, tokens, cos, sin):
        x = self.model.embed_tokens(tokens)
        for layer in self.model.layers:
            x = layer(x, cos, sin)
        return F.linear(self.model.norm(x), self.model.embed_tokens.weight)


def train(spec):
    """Training steps on random tokens, `batch` rows of `seq`: forward, backward, clip, AdamW and the loss read."""
    from safetensors.torch import load_file

    device, config = spec["device"], read_json(spec, "config.json")
    model = Llama(config)
    model.load_state_dict(load_file(os.path.join(spec["folder"], "model.safetensors")))
    model.to(device)
    gap = logits_gap(spec, lambda tokens: model(tokens, *model.table(tokens.shape[1], device)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    run = torch.compile(model) if spec.get("compile") else model
    tell({"gap": gap})
    for request in requests():
        shape = (2, request["batch"], request["seq"])
        tokens, targets = torch.randint(0, config["vocab_size"], shape, device=device)
        cos, sin = model.table(request["seq"], device)

        def step():
            logits = run(tokens, cos, sin)
            loss = F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            return loss.item()

        tell({"ms": timed(device, step)})


def hugging_face(spec):
    from transformers import LlamaForCausalLM

    return LlamaForCausalLM.from_pretrained(spec["folder"], dtype=torch.float32).to(spec["device"])


def generate(spec):
    """Hugging Face generate: plain sampling with its cache, `newTokens` for each of `batch` prompts, never stopped."""
    device, model = spec["device"], hugging_face(spec).eval()
    model.generation_config.eos_token_id = None
    prompts = read_json(spec, "questions.json")
    tell({"gap": logits_gap(spec, lambda tokens: model(tokens).logits)})
    for request in requests():
        batch, new_tokens = request["batch"], request["newTokens"]
        rows = [prompts[row // spec["groupSize"] % len(prompts)]["tokens"] for row in range(batch)]
        tokens = torch.tensor(rows, device=device)

        def run():
            with torch.inference_mode():
                out = model.generate(
                    tokens, attention_mask=torch.ones_like(tokens), do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                    max_new_tokens=new_tokens, eos_token_id=None, pad_token_id=0,
                )
            assert out.shape == (batch, tokens.shape[1] + new_tokens), out.shape

        tell({"ms": timed(device, run)})


def grpo(spec):
    """TRL's GRPOTrainer, one step for each request: `questions` x `groupSize` completions of up to `newTokens`."""
    import tempfile
    from datasets import Dataset
    from transformers import PreTrainedTokenizerFast, PrinterCallback, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    device, model = spec["device"], hugging_face(spec)
    gap = logits_gap(spec, lambda tokens: model(tokens).logits)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=os.path.join(spec["folder"], "tokenizer.json"), eos_token="<eos>", pad_token="<pad>",
        padding_side="left",
    )
    questions = read_json(spec, "questions.json")
    assert all(tokenizer(q["prompt"])["input_ids"] == q["tokens"] for q in questions)

    def even_start(completions, **_):  # as in _bench/contender.ts
        return [float(text[:1] in list("02468")) for text in completions]

    class Timed(GRPOTrainer):  # only to tell how long generation takes
        generating = 0.0

        def _generate_single_turn(self, *args, **kwargs):
            started = time.perf_counter()
            out = super()._generate_single_turn(*args, **kwargs)
            Timed.generating = 1000 * (time.perf_counter() - started)
            return out

    class OnRequest(TrainerCallback):
        def on_step_begin(self, *_, **__):
            if not sys.stdin.readline():
                os._exit(0)
            self.started = time.perf_counter()

        def on_step_end(self, *_, **__):
            if device == "cuda":
                torch.cuda.synchronize()
            tell({"ms": 1000 * (time.perf_counter() - self.started), "rolloutMs": Timed.generating})

    rows = spec["questions"] * spec["groupSize"]
    options = {} if spec["defaults"] else {"bf16": False, "activation_checkpointing": False}
    trainer = Timed(
        model=model, processing_class=tokenizer, reward_funcs=even_start, callbacks=[OnRequest()],
        train_dataset=Dataset.from_dict({"prompt": [q["prompt"] for q in questions]}),
        args=GRPOConfig(
            output_dir=tempfile.mkdtemp(), use_cpu=device == "cpu", max_steps=10**6, per_device_train_batch_size=rows,
            gradient_accumulation_steps=1, num_generations=spec["groupSize"],
            max_completion_length=spec["newTokens"],
            lr_scheduler_type="constant", save_strategy="no", logging_strategy="no", report_to="none",
            disable_tqdm=True, seed=spec["seed"], **options,
        ),
    )
    trainer.remove_callback(PrinterCallback)
    tell({"gap": gap})
    trainer.train()


def product(spec):
    """A large matrix product, of `n` by `n`, and a copy of `bytes`."""
    device = spec["device"]
    tell({})
    for request in requests():
        a, b = torch.randn(2, request["n"], request["n"], device=device)
        source = torch.ones(request["bytes"] // 4, device=device)
        target = torch.zeros_like(source)
        multiplied = [timed(device, lambda: a @ b) for _ in range(3)]
        copied = [timed(device, lambda: target.copy_(source)) for _ in range(3)]
        tell({"ms": min(multiplied), "copyMs": min(copied)})


def probe(_):
    """Tells the versions, and which peers there are."""
    versions = {"Python": sys.version.split()[0], "PyTorch": torch.__version__}
    for name in ("transformers", "trl"):
        try:
            versions[name] = __import__(name).__version__
        except ImportError:
            pass
    tell({"versions": versions, "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None})


if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    if "threads" in spec:
        torch.set_num_threads(spec["threads"])
    torch.manual_seed(spec.get("seed", 1))
    {"probe": probe, "train": train, "generate": generate, "grpo": grpo, "product": product}[spec["kind"]](spec)
