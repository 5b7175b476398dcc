"""What transformers makes of a policy's folder, for tests: commands read JSON, and print JSON."""

import json
import sys

import torch
import transformers

torch.set_num_threads(1)


def score(folder, prompts, tokens):
    """Logits after every id of each prompt, and the ids that greedy decoding goes on with."""
    model, info = transformers.AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    model = model.float().eval()
    answers = []
    with torch.no_grad():
        for prompt in prompts:
            logits = model(torch.tensor([prompt])).logits[0]
            greedy, step, cache = [], torch.tensor([prompt]), None
            for _ in range(tokens):
                out = model(step, past_key_values=cache, use_cache=True)
                greedy.append(int(out.logits[0, -1].argmax()))
                step, cache = torch.tensor([[greedy[-1]]]), out.past_key_values
            answers.append({"logits": logits[-1].tolist(), "all": logits.abs().sum().item(), "greedy": greedy})
    problems = [name for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for name in info.get(kind, [])]
    ends = model.generation_config.eos_token_id
    return {"problems": problems, "ends": ends, "answers": answers}


def make(folder, kind, config, dtype, shard):
    """Saves a random model."""
    torch.manual_seed(1)
    config = transformers.AutoConfig.for_model(kind, initializer_range=0.2, **config)
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1:  # gains and biases, which start at 1 and 0
                weight.add_(0.3 * torch.randn(weight.shape))
    model.to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size=shard)
    return {}


def adapt(folder, base, r, alpha, targets):
    """Saves a random adapter with PEFT."""
    import peft

    torch.manual_seed(2)
    config = peft.LoraConfig(r=r, lora_alpha=alpha, target_modules=targets, init_lora_weights=False, task_type="CAUSAL_LM")
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    peft.get_peft_model(model, config).save_pretrained(folder)
    return {}


transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
request = json.load(sys.stdin)
json.dump({"score": score, "make": make, "adapt": adapt}[request.pop("command")](**request), sys.stdout)
