#!/usr/bin/env python3
"""Proves `--model openai:` with real servers: llama-cpp-python's in two settings and, with --engine, mlx-lm's.

Each server serves the same GGUF file (mlx-lm a folder that the engine writes from it). All must generate. Log-likelihoods must be
refused where they are none: mlx-lm's server does not echo, and llama-cpp-python's shifts its values by a token when the model has no
BOS. With a BOS it is right, and then its log-likelihoods are held against the engine's, which is given the BOS in the text.
Each also goes through the example suite without and with the persona's prompt: what it cannot score must be `insufficient` and all
else measured, and the two runs are verified and compared.

Standard library only. Ends with 0 when everything is as it must be, 1 when not, 2 when it was called wrongly.
"""

import argparse
import contextlib
import ctypes.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from formats import Engine, Failed, Peer, install, say

HARBOR = Path(__file__).resolve().parents[2] / "examples/harbor"
FACTS = HARBOR / "bench/facts.jsonl"
# Nats of a sum. llama.cpp multiplies 4-bit weights by 8-bit activations, the engine computes in 32-bit floats; half a nat was
# measured. Values that are shifted by a token lie ten nats off.
TOLERANCE = 1.0
# SmolLM2's token between documents, put in front of every text.
FRONT = "<|endoftext|>"
WITH_BOS = ["--kv_overrides", "tokenizer.ggml.add_bos_token=bool:true", "tokenizer.ggml.bos_token_id=int:0"]
# Benchmarks of the example by what they ask for: a text's own log-likelihood, one behind a context, or a generated answer.
WHOLE, BEHIND, GENERATED = {"minimal-pairs", "prose"}, {"facts"}, {"answers"}
# A suite on two families of scenarios decides no gate that it does not fail.
SMALL = ["--limit", "2", "--items", "10"]
USAGE = 2
# A gate failed, or nothing could be told.
FAILED, UNDECIDED = 10, 11


@contextlib.contextmanager
def served(peer: Peer, module: str, *options: str) -> Iterator[str]:
    """A server on a free port of this machine, as the URL of its interface; it is ended in the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = dict(os.environ) | {"HF_HUB_OFFLINE": "1", "MLX_DISABLE_COMPILE": "1"}
    blas = ctypes.util.find_library("openblas")
    if peer.name == "mlx-lm" and sys.platform == "linux" and blas:
        env["LD_PRELOAD"] = blas
    command = [str(peer.python), "-m", module, "--host", "127.0.0.1", "--port", str(port), *options]
    log = tempfile.TemporaryFile("w+")
    process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        for _ in range(240):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5).close()
                break
            if process.poll() is not None:
                break
            time.sleep(0.5)
        else:
            raise Failed(f"{module} does not answer")
        if process.poll() is not None:
            log.seek(0)
            raise Failed(f"{module} ended:\n{log.read()[-2000:]}")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


class Realign:
    """The binary, in a folder of its own."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program, self.folder, self.calls = program, folder, 0
        self.store = ["--store", str(folder / "runs.db")]

    def run(self, verb: str, model: str, rows: list[dict], *options: str) -> tuple[int, list[dict], str]:
        """Exit code, lines that were written, and what was said."""
        self.calls += 1
        source, target = self.folder / f"{self.calls}.in.jsonl", self.folder / f"{self.calls}.out.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
        command = [str(self.program), verb, "--model", model, "--input", str(source), "--output", str(target)]
        command += [*self.store, *options]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        lines = target.read_text().splitlines() if target.exists() else []
        return done.returncode, [json.loads(line) for line in lines], done.stderr.strip()

    def says(self, *arguments: str) -> tuple[int, dict, str]:
        """Exit code, the document on standard output, and what was said."""
        done = subprocess.run(
            [str(self.program), *arguments, "--json", *self.store], capture_output=True, text=True, check=False
        )
        return done.returncode, json.loads(done.stdout or "{}"), done.stderr.strip()


def check(what: str, good: bool, shown: str) -> bool:
    """Prints one line."""
    print(f"{'ok  ' if good else 'FAIL'} {what}: {shown}", flush=True)
    return good


def generates(realign: Realign, name: str, model: str) -> bool:
    """A conversation and a raw text are continued."""
    rows = [
        {"id": "chat", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who are you?"}]},
        {"id": "raw", "prompt": "The capital of France is"},
    ]
    code, lines, said = realign.run("generate", model, rows, "--max-tokens", "8")
    good = code == 0 and all(line["response"] and 1 <= line["tokens"] <= 8 for line in lines)
    return check(f"{name} generates", good, json.dumps([line["response"] for line in lines]) if good else said)


def refused(realign: Realign, name: str, model: str, because: str) -> bool:
    """Log-likelihoods are refused with 2."""
    row = {"id": "a", "context": "The capital of France is", "continuations": [" Paris"]}
    code, lines, said = realign.run("score", model, [row])
    return check(f"{name} is refused for likelihoods", code == USAGE and not lines and because in said, said.splitlines()[0])


def evaluated(realign: Realign, name: str, model: str, measured: set[str], sizes: list[str]) -> bool:
    """A suite, without and with the persona's prompt: benchmarks that the server cannot score have no number and a reason, all others
    have a number."""
    runs, started, good = {prompt: f"{name}, {prompt}" for prompt in ("none", "persona")}, time.monotonic(), True
    for prompt, run in runs.items():
        suite = ["eval", str(HARBOR / "suite.toml"), "--model", model, "--name", run, "--deploy-prompt", prompt]
        code, record, said = realign.says(*suite, *sizes)
        if code not in (0, FAILED, UNDECIDED):
            return check(f"{name} goes through a suite", False, f"exit {code}: {said}")
        numbers = {metric["name"]: metric for metric in record["metrics"]}
        for benchmark in sorted(WHOLE | BEHIND | GENERATED):
            own = [metric for metric in numbers.values() if metric["name"].startswith(f"{benchmark}/")]
            here = all(metric["estimate"] for metric in own)
            why = all(metric["reason"].startswith("insufficient: the server gives no log-") for metric in own)
            good &= bool(own) and (here if benchmark in measured else why and not any(metric["estimate"] for metric in own))
        good &= numbers["adherence"]["estimate"] is not None and not record["failures"]
        good &= realign.says("verify", run)[0] == 0
    shown = f"measured {', '.join(sorted(measured))}, exit {code}, {time.monotonic() - started:.0f} s for both"
    good = check(f"{name} goes through a suite", good, shown)
    page = realign.folder / "compared.html"
    code, comparison, said = realign.says("compare", *runs.values(), "--html", str(page))
    names = {metric["metric"].partition("/")[0] for metric in comparison.get("compared", {}).get("metrics", [])}
    absent = (WHOLE | BEHIND | GENERATED) - measured
    fine = code in (0, FAILED, UNDECIDED) and measured <= names and not absent & names and page.is_file()
    shown = f"exit {code}, {len(names)} kinds of numbers" if fine else said
    return check(f"{name} without and with the prompt, compared", fine, shown) and good


def compared(realign: Realign, model: str, file: Path, items: int) -> bool:
    """The same weights by the server and by the engine."""
    facts = [json.loads(line) for line in FACTS.read_text().splitlines()[:items]]
    rows = lambda front: [
        {"id": fact["id"], "context": front + fact["prompt"], "continuations": fact["choices"]} for fact in facts
    ]
    sides = {}
    for side, (name, front) in {"server": (model, ""), "engine": (str(file), FRONT)}.items():
        code, lines, said = realign.run("score", name, rows(front))
        if code != 0:
            return check(f"{side} scores", False, said)
        sides[side] = lines
    right = {
        side: sum(max(range(4), key=line["loglikelihood"].__getitem__) == fact["answer"] for line, fact in zip(lines, facts))
        for side, lines in sides.items()
    }
    pairs = list(zip(sides["server"], sides["engine"], strict=True))
    gaps = [abs(a - b) for one, other in pairs for a, b in zip(one["loglikelihood"], other["loglikelihood"], strict=True)]
    tokens = all(one["tokens"] == other["tokens"] for one, other in pairs)
    shown = f"accuracy server {right['server']}/{len(facts)}, engine {right['engine']}/{len(facts)}; {len(gaps)} sums differ by"
    shown += f" {sum(gaps) / len(gaps):.3f} nats on average and {max(gaps):.3f} at most; tokens {'equal' if tokens else 'DIFFER'}"
    return check("the same weights by server and engine", tokens and max(gaps) <= TOLERANCE, shown)


def run(args: argparse.Namespace, scratch: Path) -> bool:
    """Every server in turn: they would take each other's processor."""
    realign, model, good = Realign(args.realign.resolve(), scratch), args.model.resolve(), True
    sizes = [] if args.whole else SMALL
    # Without the part that sees pictures.
    os.environ.setdefault("CMAKE_ARGS", "-DLLAVA_BUILD=OFF")
    llama = install("llama-server", ["requirements-llama-server.txt"])
    options = ["--model", str(model), "--n_ctx", "1024", "--logits_all", "True", "--verbose", "False"]
    for name, more in {"llama-cpp-python without BOS": [], "llama-cpp-python with BOS": WITH_BOS}.items():
        with served(llama, "llama_cpp.server", *options, *more) as url:
            good &= generates(realign, name, f"openai:{url}#smollm2")
            if more:
                good &= compared(realign, f"openai:{url}#smollm2", model, args.items)
            else:
                good &= refused(realign, name, f"openai:{url}#smollm2", "values do not belong to their tokens")
            measured = GENERATED | BEHIND if more else GENERATED
            good &= evaluated(realign, name, f"openai:{url}#smollm2", measured, sizes)
    if args.engine:
        mlx = install("mlx-lm", ["requirements-mlx-lm.txt"])
        folder = Engine(args.engine.resolve()).model_folder(model, scratch / "folder")
        with served(mlx, "mlx_lm.server", "--model", str(folder)) as url:
            good &= generates(realign, "mlx-lm", f"openai:{url}#{folder}")
            good &= refused(realign, "mlx-lm", f"openai:{url}#{folder}", "its log-likelihoods cannot be used")
            good &= evaluated(realign, "mlx-lm", f"openai:{url}#{folder}", GENERATED, sizes)
    return good


def main() -> int:
    """Reads the command line, installs, proves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--realign", type=Path, required=True, metavar="PATH", help="the built binary; REALIGN_HOME names its engine")
    parser.add_argument("--model", type=Path, required=True, metavar="GGUF", help="the model file")
    parser.add_argument("--engine", type=Path, metavar="PATH", help="the built example `requests` of the engine, for mlx-lm's server")
    parser.add_argument("--items", type=int, default=40, metavar="N", help="questions that both sides answer (default 40)")
    parser.add_argument("--whole", action="store_true", help="the whole example suite instead of two families and ten items each")
    args = parser.parse_args()
    for path in filter(None, (args.realign, args.model, args.engine)):
        if not path.is_file():
            parser.error(f"{path} is not a file")
    try:
        with tempfile.TemporaryDirectory(prefix="realign-servers-") as scratch:
            good = run(args, Path(scratch))
    except Failed as failure:
        say(f"error: {failure}")
        return 1
    print("everything is as it must be" if good else "something is not as it must be")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
