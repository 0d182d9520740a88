"""The yardstick of bench/training.bench.ts: the same Llama, losses and optimiser in plain torch, driven by JSON lines.

Every line on stdin is one request, every line on stdout its answer:
    {"do": "open", "folder": F, "adapter": {"rank", "alpha", "file"} or null, "optimiser": {...}, "threads": N}
        -> {"parameters": how many are trained, "torch": version, "blas": configuration of OpenBLAS or null}
    {"do": "gradient", "batch": B} -> {"loss", "norms": {parameter: norm of its gradient}}, nothing is updated
    {"do": "step", "batch": B, "count": N} -> {"losses", "gradientNorms", "seconds", "processorSeconds"}
B is {"kind": "likelihood", "rows": [[token]]} with all tokens but the first of each row counted, or
{"kind": "preference", "beta", "pairs": [{"chosen": {"tokens", "completionFrom"}, "rejected": ..., "referenceMargin"}]}.
Rows of one batch are equally long. Weights are read from F/config.json and F/model.safetensors (F32).
"""
import ctypes
import json
import math
import struct
import sys
import time

import torch
import torch.nn.functional as F


def read_safetensors(path):
    """Name -> float32 tensor (a copy)."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        header.pop("__metadata__", None)
        tensors = {}
        for name, entry in header.items():
            assert entry["dtype"] == "F32", f"{name} is {entry['dtype']}, expected F32"
            begin, end = entry["data_offsets"]
            file.seek(8 + size + begin)
            data = bytearray(end - begin)
            assert file.readinto(data) == len(data), f"file ends inside {name}"
            tensors[name] = torch.frombuffer(data, dtype=torch.float32).view(entry["shape"])
    return tensors


def blas():
    """What the mapped OpenBLAS says of itself, its kernels included; null where torch uses another library."""
    with open("/proc/self/maps") as file:
        paths = {line[line.index("/"):].strip() for line in file if "/libopenblas" in line}
    for path in paths:
        describe = ctypes.CDLL(path).openblas_get_config
        describe.restype = ctypes.c_char_p
        return describe().decode()
    return None


class Llama:
    def __init__(self, folder, adapter):
        with open(f"{folder}/config.json") as file:
            config = json.load(file)
        self.heads = config["num_attention_heads"]
        self.kv_heads = config["num_key_value_heads"]
        self.layers = config["num_hidden_layers"]
        self.head_dim = config.get("head_dim") or config["hidden_size"] // self.heads
        self.epsilon = config["rms_norm_eps"]
        self.theta = config["rope_theta"]
        self.weights = read_safetensors(f"{folder}/model.safetensors")
        self.output = "model.embed_tokens.weight" if config["tie_word_embeddings"] else "lm_head.weight"
        self.pairs = {} if adapter is None else read_safetensors(adapter["file"])
        self.scale = 0 if adapter is None else adapter["alpha"] / adapter["rank"]
        self.trained = self.weights if adapter is None else self.pairs
        for tensor in self.trained.values():
            tensor.requires_grad_(True)
        self.tables = {}

    def linear(self, name, x):
        out = F.linear(x, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))
        if f"{name}.lora_A.weight" not in self.pairs:
            return out
        low = F.linear(x, self.pairs[f"{name}.lora_A.weight"])
        return out + self.scale * F.linear(low, self.pairs[f"{name}.lora_B.weight"])

    def norm(self, name, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.weights[f"{name}.weight"]

    def positions(self, length):
        """Rotary tables [length, 1, head_dim / 2] and the causal mask [length, length]."""
        if length not in self.tables:
            frequencies = self.theta ** (-torch.arange(0, self.head_dim, 2, dtype=torch.float64) / self.head_dim)
            angles = torch.outer(torch.arange(length, dtype=torch.float64), frequencies).unsqueeze(1)
            mask = torch.full((length, length), -math.inf).triu(1)
            self.tables[length] = angles.cos().float(), angles.sin().float(), mask
        return self.tables[length]

    def rotate(self, x, cos, sin):
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

    def attention(self, prefix, x, rows, length):
        cos, sin, mask = self.positions(length)
        kv, group, size = self.kv_heads, self.heads // self.kv_heads, self.head_dim
        q = self.rotate(self.linear(f"{prefix}.q_proj", x).view(rows, length, self.heads, size), cos, sin)
        k = self.rotate(self.linear(f"{prefix}.k_proj", x).view(rows, length, kv, size), cos, sin)
        v = self.linear(f"{prefix}.v_proj", x).view(rows, length, kv, size).transpose(1, 2)
        # The queries of a group are more rows of the same product: keys and values are not repeated.
        q = q.view(rows, length, kv, group, size).permute(0, 2, 3, 1, 4).reshape(rows, kv, group * length, size)
        scores = torch.matmul(q, k.permute(0, 2, 3, 1)) * (1 / math.sqrt(size))
        shares = torch.softmax(scores.view(rows, kv, group, length, length) + mask, -1)
        z = torch.matmul(shares.view(rows, kv, group * length, length), v)
        z = z.view(rows, kv, group, length, size).permute(0, 3, 1, 2, 4).reshape(rows * length, self.heads * size)
        return self.linear(f"{prefix}.o_proj", z)

    def hidden(self, ids):
        """ids [rows, length] -> [rows * length, hidden], normed."""
        rows, length = ids.shape
        x = F.embedding(ids.view(-1), self.weights["model.embed_tokens.weight"])
        for layer in range(self.layers):
            prefix = f"model.layers.{layer}"
            x = x + self.attention(f"{prefix}.self_attn", self.norm(f"{prefix}.input_layernorm", x), rows, length)
            inner = self.norm(f"{prefix}.post_attention_layernorm", x)
            gate = F.silu(self.linear(f"{prefix}.mlp.gate_proj", inner))
            x = x + self.linear(f"{prefix}.mlp.down_proj", gate * self.linear(f"{prefix}.mlp.up_proj", inner))
        return self.norm("model.norm", x)

    def loss(self, batch):
        if batch["kind"] == "likelihood":
            ids = torch.tensor(batch["rows"])
            rows, length = ids.shape
            logits = F.linear(self.hidden(ids), self.weights[self.output]).view(rows, length, -1)
            return F.cross_entropy(logits[:, :-1].reshape(rows * (length - 1), -1), ids[:, 1:].reshape(-1))
        assert batch["kind"] == "preference", batch["kind"]
        pairs = batch["pairs"]
        both = [pair["chosen"] for pair in pairs] + [pair["rejected"] for pair in pairs]
        ids = torch.tensor([row["tokens"] for row in both])
        length = ids.shape[1]
        # Only what predicts a token of a completion goes through the output layer.
        spans = [range(r * length + row["completionFrom"] - 1, (r + 1) * length - 1) for r, row in enumerate(both)]
        positions = torch.tensor([position for span in spans for position in span])
        logits = F.linear(self.hidden(ids)[positions], self.weights[self.output])
        tokens = -F.cross_entropy(logits, ids.view(-1)[positions + 1], reduction="none")
        sums = torch.stack([part.sum() for part in tokens.split([len(span) for span in spans])])
        chosen, rejected = sums.split(len(pairs))
        reference = torch.tensor([float(pair["referenceMargin"]) for pair in pairs])
        return -F.logsigmoid(batch["beta"] * (chosen - rejected - reference)).mean()


class Trainer:
    def __init__(self, folder, adapter, optimiser, threads):
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        self.llama = Llama(folder, adapter)
        self.clip = optimiser["clipNorm"]
        decays = lambda name: not ("norm" in name or "bias" in name)
        trained = self.llama.trained
        groups = [
            {"params": [t for name, t in trained.items() if decays(name)], "weight_decay": optimiser["weightDecay"]},
            {"params": [t for name, t in trained.items() if not decays(name)], "weight_decay": 0.0},
        ]
        # foreach is a few percent faster than one parameter after the other.
        self.optimiser = torch.optim.AdamW([g for g in groups if g["params"]], lr=optimiser["learningRate"], foreach=True)

    def opened(self):
        return {"parameters": sum(t.numel() for t in self.llama.trained.values()), "torch": torch.__version__, "blas": blas()}

    def gradient(self, batch):
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.llama.loss(batch)
        loss.backward()
        norms = {name: t.grad.double().norm().item() for name, t in self.llama.trained.items()}
        self.optimiser.zero_grad(set_to_none=True)
        return {"loss": loss.item(), "norms": norms}

    def step(self, batch, count):
        losses, norms = [], []
        begin, processor = time.perf_counter(), time.process_time()
        for _ in range(count):
            self.optimiser.zero_grad(set_to_none=True)
            loss = self.llama.loss(batch)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(self.llama.trained.values(), self.clip)
            self.optimiser.step()
            losses.append(loss.item())
            norms.append(norm.item())
        seconds, processor = time.perf_counter() - begin, time.process_time() - processor
        return {"losses": losses, "gradientNorms": norms, "seconds": seconds, "processorSeconds": processor}


def main():
    trainer = None
    for line in sys.stdin:
        request = json.loads(line)
        do = request.pop("do")
        if do == "open":
            trainer = Trainer(**request)
            answer = trainer.opened()
        elif do == "gradient":
            answer = trainer.gradient(**request)
        elif do == "step":
            answer = trainer.step(**request)
        else:
            raise ValueError(f"request is {do!r}, expected open, gradient or step")
        print(json.dumps(answer), flush=True)


main()
