"""The training step of tasks/bench.ts in PyTorch, on the CPU: a line of milliseconds for each line read.

Reads the shape as JSON in its first argument; for every line on standard input takes one step
(forward, backward, clip, AdamW) and writes how long it took.
"""

import json
import math
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

shape = json.loads(sys.argv[1])
WIDTH, INNER, LAYERS = shape["hidden_size"], shape["intermediate_size"], shape["num_hidden_layers"]
HEADS, VOCAB = shape["num_attention_heads"], shape["vocab_size"]
BATCH, SEQ = shape["batch"], shape["seq"]
torch.set_num_threads(shape["threads"])
torch.manual_seed(1)

depth = WIDTH // HEADS
angles = torch.arange(SEQ)[:, None] / 10_000 ** (torch.arange(0, depth, 2) / depth)[None]
cos, sin = torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)
future = torch.full((SEQ, SEQ), -math.inf).triu(1)


class RmsNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x):
        return self.gain * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


def rotate(x):
    half = depth // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList([RmsNorm(), RmsNorm()])
        self.qkvo = nn.ModuleList([nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4)])
        self.gate, self.up = [nn.Linear(WIDTH, INNER, bias=False) for _ in range(2)]
        self.down = nn.Linear(INNER, WIDTH, bias=False)

    def forward(self, x):
        h = self.norms[0](x)
        q, k, v = [f(h).view(BATCH, SEQ, HEADS, depth).transpose(1, 2) for f in self.qkvo[:3]]
        q, k = rotate(q), rotate(k)
        if hasattr(F, "scaled_dot_product_attention"):  # PyTorch 2
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            mixed = (q @ k.transpose(-1, -2) / math.sqrt(depth) + future).softmax(-1) @ v
        x = x + self.qkvo[3](mixed.transpose(1, 2).reshape(BATCH, SEQ, WIDTH))
        h = self.norms[1](x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, WIDTH)
        self.layers = nn.Sequential(*[Layer() for _ in range(LAYERS)])
        self.norm = RmsNorm()

    def forward(self, tokens):
        return self.norm(self.layers(self.embed(tokens))) @ self.embed.weight.T


model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
tokens, targets = torch.randint(0, VOCAB, (2, BATCH, SEQ))
print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads", flush=True)
for _ in sys.stdin:
    started = time.perf_counter()
    loss = F.cross_entropy(model(tokens).view(-1, VOCAB), targets.view(-1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    print(1000 * (time.perf_counter() - started), flush=True)
