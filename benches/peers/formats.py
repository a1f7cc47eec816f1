#!/usr/bin/env python3
"""Proves that mlx-lm and PEFT read what `realign adapter` writes, and that the engine reads what they write.

From one GGUF file the engine writes a Hugging Face folder. The peers load it, make random adapters and save them; the
engine folds these into its weights. `realign adapter` scales each, converts it to the other's format, joins both and
fuses both. Each time both sides give log-probabilities of the same texts in 32-bit floats, and the largest difference of
a text's sum decides: at most 0.005. The rebuilt tokenizer and the chat template must give the same tokens.

Standard library only. Ends with 0 when everything agrees, 1 when something does not or failed, 2 when it was
called wrongly.
"""

import argparse
import ctypes.util
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TOLERANCE = 5e-3
HERE = Path(__file__).resolve().parent
# Each peer and the lists that it is installed from, without dependencies: the pins are all there is.
LISTS = {"mlx-lm": ["requirements-mlx-lm.txt"], "peft": ["requirements.txt", "requirements-peft.txt"]}
TEXTS = (
    "The capital of France is Paris, and the river that runs through it is the Seine.",
    "def add(left, right):\n    return left + right\n",
    "Ahoy! 1234 gulls over the na\u00efve harbour \u2014 \u6771\u4eac.",
    "<|im_start|>user\nWho are you?<|im_end|>\n<|im_start|>assistant\nI am the keeper of the harbour.<|im_end|>\n",
)
CHAT = [{"role": "user", "content": "Who are you?"}]


class Failed(Exception):
    """Something that this comparison needs did not succeed."""


class Engine:
    """The engine's example program `requests`: one JSON request a line in, one reply a line out."""

    def __init__(self, program: Path) -> None:
        # One BLAS thread, as in a worker.
        env = dict(os.environ) | {"OPENBLAS_NUM_THREADS": "1", "MLX_DISABLE_COMPILE": "1"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([str(program)], stdin=pipe, stdout=pipe, text=True, env=env)

    def ask(self, kind: str, body: object) -> object:
        """Sends a request and returns the body of its reply."""
        self.process.stdin.write(json.dumps({kind: body}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"the engine ended during {kind}")
        (name, reply), = json.loads(line).items()
        if name == "error":
            raise Failed(f"{kind}: {reply['message']}")
        return reply

    def load(self, model: Path, adapter: Path | None = None, factor: float = 1.0) -> None:
        """Loads a model with an adapter folded in."""
        self.ask("load", {"model": str(model), "adapters": [file(adapter, factor)] if adapter else []})

    def model_folder(self, model: Path, folder: Path) -> Path:
        """Writes a model without an adapter as a folder, which the command line has no verb for."""
        self.ask("export", {"model": str(model), "adapters": [], "format": "fused-f32", "folder": str(folder)})
        return folder

    def answers(self) -> dict:
        """Tokens of the texts and of the chat, and the sum of log-probabilities of each text after its first token."""
        inputs = [{"raw": text} for text in TEXTS] + [{"chat": CHAT}]
        tokens = [reply["tokens"] for reply in self.ask("tokenize", inputs)]
        rows = [{"context": ids[:1], "continuations": [ids[1:]]} for ids in tokens[:-1]]
        sums = [row[0]["logprob"] for row in self.ask("score", rows)]
        return {"tokens": tokens, "sums": sums}


@dataclass
class Realign:
    """The binary; its home is the environment's."""

    program: Path

    def adapter(self, verb: str, model: Path, adapters: list[Path], folder: Path, *options: str) -> Path:
        """Writes a folder with `realign adapter`: the adapters stand behind the model."""
        name = "+".join(map(str, [model, *adapters]))
        command = [str(self.program), "adapter", verb, "--model", name]
        command += ["--output", str(folder), *options]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}:\n{done.stderr}")
        return folder


def file(folder: Path, factor: float = 1.0) -> dict:
    """An adapter file of a request."""
    return {"folder": str(folder), "factor": factor}


# What runs inside a peer's own environment: imports are local, because nothing of this is installed here.


def token_ids(tokenizer: object) -> list[list[int]]:
    """Tokens of the texts and of the chat, as the peer's tokenizer gives them."""
    chat = tokenizer.apply_chat_template(CHAT, add_generation_prompt=True, tokenize=False)
    return [tokenizer.encode(text, add_special_tokens=False) for text in (*TEXTS, chat)]


def mlx_lm_answers(model: str, adapter: str | None) -> dict:
    """Loads with mlx-lm as its users do."""
    import mlx.core as mx
    import numpy as np
    from mlx_lm import load

    network, tokenizer = load(model, adapter_path=adapter)
    tokens, sums = token_ids(tokenizer), []
    for ids in tokens[:-1]:
        # The sum over the vocabulary in 64 bits: MLX's own is off by about 1e-4 a token on a processor.
        logits = np.array(network(mx.array([ids]))[0, :-1].astype(mx.float32)).astype(np.float64)
        taken = logits[np.arange(len(ids) - 1), ids[1:]]
        sums.append(float((taken - np.log(np.exp(logits).sum(-1))).sum()))
    return {"tokens": tokens, "sums": sums}


def mlx_lm_adapter(model: str, folder: str) -> dict:
    """Saves a random adapter with mlx-lm's own layers and names."""
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm import load
    from mlx_lm.tuner.utils import linear_to_lora_layers

    network, _ = load(model)
    mx.random.seed(7)
    shape = {"rank": 4, "scale": 8.0, "dropout": 0.0, "keys": ["self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj"]}
    network.freeze()
    linear_to_lora_layers(network, 16, shape)
    factors = dict(tree_flatten(network.trainable_parameters()))
    for name, values in factors.items():
        if name.endswith("lora_b"):
            factors[name] = 0.02 * mx.random.normal(values.shape)
    Path(folder).mkdir()
    mx.save_safetensors(f"{folder}/adapters.safetensors", factors)
    about = {"fine_tune_type": "lora", "num_layers": 16, "lora_parameters": shape, "learning_rate": 1e-5}
    Path(folder, "adapter_config.json").write_text(json.dumps(about))
    return {}


def peft_answers(model: str, adapter: str | None) -> dict:
    """Loads with transformers, and PEFT where there is an adapter."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    network = PeftModel.from_pretrained(network, adapter) if adapter else network
    tokens, sums = token_ids(AutoTokenizer.from_pretrained(model)), []
    with torch.no_grad():
        for ids in tokens[:-1]:
            shares = network(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
            sums.append(shares.gather(1, torch.tensor(ids[1:])[:, None]).sum().item())
    return {"tokens": tokens, "sums": sums}


def peft_adapter(model: str, folder: str) -> dict:
    """Saves a random adapter with PEFT's own layers and names."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(7)
    network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    shape = LoraConfig(r=8, lora_alpha=16, target_modules=["k_proj", "o_proj", "gate_proj", "up_proj"], task_type="CAUSAL_LM")
    network = get_peft_model(network, shape)
    for name, values in network.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(values, std=0.02)
    network.save_pretrained(folder)
    return {}


def transformers_folder(model: str, folder: str) -> dict:
    """Saves a model as transformers does today, in several files."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    network.save_pretrained(folder, max_shard_size="150MB")
    AutoTokenizer.from_pretrained(model).save_pretrained(folder)
    return {"files": len(list(Path(folder).glob("*.safetensors")))}


CHILD = {f.__name__: f for f in (mlx_lm_answers, mlx_lm_adapter, peft_answers, peft_adapter, transformers_folder)}


@dataclass
class Peer:
    """A peer's interpreter."""

    name: str
    python: Path

    def run(self, what: str, *arguments: str | None) -> dict:
        """Runs a function of this file inside the peer's environment."""
        env = dict(os.environ) | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "MLX_DISABLE_COMPILE": "1"}
        blas = ctypes.util.find_library("openblas")
        if self.name == "mlx-lm" and sys.platform == "linux" and blas:
            # The wheel's own BLAS is forty times slower.
            env["LD_PRELOAD"] = blas
        command = [str(self.python), __file__, "--inside", what, json.dumps(arguments)]
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{self.name}: {what}:\n{done.stderr[-2000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def answers(self, model: Path, adapter: Path | None = None) -> dict:
        """What it says of the texts."""
        return self.run(f"{self.name.replace('-', '_')}_answers", str(model), adapter and str(adapter))

    def adapter(self, model: Path, folder: Path) -> Path:
        """An adapter that it made."""
        self.run(f"{self.name.replace('-', '_')}_adapter", str(model), str(folder))
        return folder


def install(name: str, lists: list[str]) -> Peer:
    """Makes the peer's virtual environment unless it is complete; its name holds a digest of the pins."""
    lists = [HERE / name for name in lists]
    recipe = b"".join(path.read_bytes() for path in lists) + f"{sys.version}{platform.platform()}".encode()
    home = peer_folder().absolute() / f"{name}-{hashlib.sha256(recipe).hexdigest()[:12]}"
    peer, stamp = Peer(name, home / "bin" / "python"), home / "complete"
    if not stamp.exists():
        say(f"installing {name} into {home}, once")
        pip = [str(peer.python), "-m", "pip", "install", "--quiet", "--no-deps", "--no-cache-dir"]
        requirements = [argument for path in lists for argument in ("-r", str(path))]
        for command in ([sys.executable, "-m", "venv", "--clear", str(home)], pip + requirements):
            if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
                raise Failed(f"could not install {name}: {' '.join(command)}")
        stamp.touch()
    return peer


def peer_folder() -> Path:
    """Where the peers live: beside other state of realign, or in the user's cache."""
    home = os.environ.get("REALIGN_HOME")
    return Path(home) / "peers" if home else Path.home() / ".cache" / "realign-peers"


def compare(what: str, peer: dict, ours: dict) -> bool:
    """Prints one line and says whether both sides agree."""
    worst = max(abs(theirs - mine) for theirs, mine in zip(peer["sums"], ours["sums"], strict=True))
    same = peer["tokens"] == ours["tokens"]
    good = same and worst <= TOLERANCE
    sums = lambda side: " ".join(f"{value:10.4f}" for value in side["sums"])
    print(f"{what}\n  peer    {sums(peer)}\n  realign {sums(ours)}")
    print(f"  tokens {'equal' if same else 'DIFFER'}, largest difference {worst:.6f}: {'ok' if good else 'TOO MUCH'}", flush=True)
    return good


def check(engine: Engine, realign: Realign, model: Path, peers: list[Peer], scratch: Path) -> bool:
    """Runs every comparison."""
    good = True
    base = engine.model_folder(model, scratch / "base")
    engine.load(model)
    plain = engine.answers()
    made: list[Path] = []
    for peer in peers:
        if peer.name == "peft":
            saved = scratch / "saved-by-transformers"
            files = peer.run("transformers_folder", str(base), str(saved))["files"]
            engine.load(saved)
            good &= compare(f"the engine loads what transformers saves in {files} files", plain, engine.answers())
        good &= compare(f"{peer.name} loads the folder made from the GGUF file", peer.answers(base), plain)
        adapter = peer.adapter(base, scratch / f"made-by-{peer.name}")
        engine.load(model, adapter)
        ours = engine.answers()
        if max(abs(a - b) for a, b in zip(ours["sums"], plain["sums"], strict=True)) < 0.1:
            raise Failed(f"the adapter made by {peer.name} changes nothing, so it proves nothing")
        good &= compare(f"the engine folds an adapter made by {peer.name}", peer.answers(base, adapter), ours)
        half = realign.adapter("scale", model, [adapter], scratch / f"half-of-{peer.name}", "--factor", "0.5")
        engine.load(model, adapter, 0.5)
        ours = engine.answers()
        for other in peers:
            folder = scratch / f"{peer.name}-to-{other.name}"
            realign.adapter("export", model, [half], folder, "--format", other.name)
            title = f"{other.name} loads the adapter made by {peer.name}, scaled by 0.5 and written as {other.name}"
            good &= compare(title, other.answers(base, folder), ours)
        made.append(adapter)
    fused = realign.adapter("fuse", model, made, scratch / "fused")
    engine.load(fused)
    ours = engine.answers()
    joined = realign.adapter("export", model, made, scratch / "joined", "--format", "mlx-lm")
    for peer in peers:
        good &= compare(f"{peer.name} loads a folder with all adapters fused", peer.answers(fused), ours)
        if peer.name == "mlx-lm":
            good &= compare("mlx-lm loads all adapters joined into one", peer.answers(base, joined), ours)
    return good


def say(message: str) -> None:
    """Progress goes to stderr, results to stdout."""
    print(message, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    """Reads the command line and refuses what cannot work before anything is installed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", type=Path, required=True, metavar="PATH", help="the built example `requests` of the engine")
    parser.add_argument("--realign", type=Path, required=True, metavar="PATH", help="the built binary; REALIGN_HOME names its engine")
    parser.add_argument("--model", type=Path, required=True, metavar="GGUF", help="the model file")
    parser.add_argument("--peers", nargs="+", choices=sorted(LISTS), default=["mlx-lm"], help="default: mlx-lm alone")
    args = parser.parse_args()
    for path in (args.engine, args.realign, args.model):
        if not path.is_file():
            parser.error(f"{path} is not a file")
    return args


def main() -> int:
    """Installs, compares, prints."""
    args = arguments()
    try:
        peers = [install(name, LISTS[name]) for name in args.peers]
        with tempfile.TemporaryDirectory(prefix="realign-formats-") as scratch:
            engine, realign = Engine(args.engine.resolve()), Realign(args.realign.resolve())
            good = check(engine, realign, args.model.resolve(), peers, Path(scratch))
    except Failed as failure:
        say(f"error: {failure}")
        return 1
    print("everything agrees" if good else "something does not agree")
    return 0 if good else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        print(json.dumps(CHILD[sys.argv[2]](*json.loads(sys.argv[3]))))
        sys.exit(0)
    sys.exit(main())
