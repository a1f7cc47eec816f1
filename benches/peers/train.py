#!/usr/bin/env python3
"""Times training and generation of the engine against mlx-lm and mlx-lm-lora, and against a naive DPO of its own.

From one GGUF file the engine writes a Hugging Face folder that every side loads. The sides of a case get the same tokens,
run in processes of their own and take turns, so a machine that slows down half way slows both. Tokens (or pairs) per
second, per second of processor time, and peak memory of each are printed with the ratios.

Standard library only. Ends with 0 when every case completed, whatever the ratios, 1 when one failed, 2 when it was
called wrongly.
"""

import argparse
import ctypes.util
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from formats import Failed, Peer, install, say

HERE = Path(__file__).resolve().parent
LISTS = ["requirements-mlx-lm.txt", "requirements-mlx-lm-lora.txt"]
MODULES = [f"self_attn.{name}_proj" for name in "qkvo"] + [f"mlp.{name}_proj" for name in ("gate", "up", "down")]
RANK, SCALE, RATE, BETA = 8, 2.0, 1e-4, 0.1
# Supervised: rows of a batch and their tokens. Pairs: pairs of a batch, tokens of a prompt and of each answer.
# Generation: prompts of a batch, their tokens and the tokens that are made.
ROWS, ROW = 4, 128
PAIRS, PROMPT, ANSWER = 2, 64, 64
PROMPTS, ASKED, MADE = 16, 32, 64
STEPS = 2
# Registers of 512 bits, for an OpenBLAS that does not know the processor; what realign's workers are started with.
WIDE = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}


@dataclass
class Turn:
    """What one side did in one turn: tokens or pairs, wall and processor seconds."""

    work: float
    seconds: float
    processor: float


@dataclass
class Side:
    """A process that takes turns."""

    name: str
    process: subprocess.Popen
    turn: Callable[["Side", random.Random], Turn]
    turns: list[Turn] = field(default_factory=list)
    peak: int = 0

    def ask(self, message: dict) -> object:
        """One JSON line out, one in."""
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"{self.name} ended during {next(iter(message))}")
        return json.loads(line)

    def engine(self, kind: str, body: object) -> object:
        """A request to one of the engine's example programs."""
        (name, reply), = self.ask({kind: body}).items()
        if name in ("error", "diverged"):
            raise Failed(f"{self.name}: {kind}: {reply}")
        return reply

    def timed(self, amount: float, work: Callable[[], object]) -> Turn:
        """A turn that consists of something that this process does."""
        start, before = time.perf_counter(), processor_seconds(self.process.pid)
        work()
        return Turn(amount, time.perf_counter() - start, processor_seconds(self.process.pid) - before)

    def take(self, seed: int, counts: bool) -> None:
        """Takes a turn on the tokens of a seed."""
        turn = self.turn(self, random.Random(seed))
        if counts:
            self.turns.append(turn)

    def end(self) -> None:
        """Notes the peak of resident memory and ends the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        self.peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        self.process.stdin.close()
        self.process.wait()

    def rates(self, seconds: str) -> list[float]:
        """Work per second of each turn."""
        return [turn.work / getattr(turn, seconds) for turn in self.turns]


def processor_seconds(pid: int) -> float:
    """User and system time of a process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ")[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ids(source: random.Random, count: int) -> list[int]:
    """Random tokens: what they say does not matter to the time."""
    return [source.randrange(1000, 20000) for _ in range(count)]


def supervised_rows(source: random.Random) -> list[list[list[int]]]:
    """Batches of one turn."""
    return [[ids(source, ROW) for _ in range(ROWS)] for _ in range(STEPS)]


def pairs(source: random.Random) -> list[list[dict]]:
    """Batches of pairs of one turn, as mlx-lm-lora takes them."""

    def pair() -> dict:
        prompt = ids(source, PROMPT)
        answers = {side: prompt + ids(source, ANSWER) for side in ("chosen", "rejected")}
        return answers | {"chosen_prompt_length": PROMPT, "rejected_prompt_length": PROMPT}

    return [[pair() for _ in range(PAIRS)] for _ in range(STEPS)]


def example(context: list[int], answers: list[list[int]]) -> dict:
    """An example of the engine, answers scored."""
    marked = [{"tokens": answer, "scored": [True] * len(answer)} for answer in answers]
    return {"context": context, "answers": marked}


def step(side: Side, objective: object, rows: list[dict]) -> None:
    """One step of the engine."""
    about = {"rate": RATE, "anchors": [], "kl_weight": 0.0, "update": True}
    side.engine("train-step", about | {"objective": objective, "batches": [rows]})


def supervised_ours(side: Side, source: random.Random) -> Turn:
    """Supervised steps of the engine."""
    batches = [
        [{"example": example(row[:1], [row[1:]]), "reference": []} for row in rows] for rows in supervised_rows(source)
    ]
    return side.timed(STEPS * ROWS * (ROW - 1), lambda: [step(side, "supervised", rows) for rows in batches])


def reported(side: Side, amount: float, message: dict) -> Turn:
    """A turn of a peer, in the wall seconds that it reports itself."""
    found = {}
    turn = side.timed(amount, lambda: found.update(side.ask(message)))
    return Turn(amount, found["seconds"], turn.processor)


def supervised_peer(side: Side, source: random.Random) -> Turn:
    """The same by mlx-lm."""
    return reported(side, STEPS * ROWS * (ROW - 1), {"supervised": {"steps": supervised_rows(source)}})


def pairs_ours(first: bool) -> Callable[[Side, random.Random], Turn]:
    """Steps on pairs: in a first epoch the log-probabilities of the reference are measured, in others they are known."""
    objective = {"preference": {"loss": {"dpo": {"beta": BETA}}, "nll": 0.0}}

    def turn(side: Side, source: random.Random) -> Turn:
        batches = [
            [example(row["chosen"][:PROMPT], [row[answer][PROMPT:] for answer in ("chosen", "rejected")]) for row in rows]
            for rows in pairs(source)
        ]

        def reference(examples: list[dict]) -> list[list[float]]:
            return side.engine("log-probs", {"adapted": False, "examples": examples})

        known = None if first else [reference(examples) for examples in batches]

        def run() -> None:
            for number, examples in enumerate(batches):
                # A row without numbers of the reference has them measured in the step.
                sums = [[] for _ in examples] if known is None else known[number]
                rows = [{"example": one, "reference": both} for one, both in zip(examples, sums, strict=True)]
                step(side, objective, rows)

        return side.timed(STEPS * PAIRS, run)

    return turn


def pairs_naive(side: Side, source: random.Random) -> Turn:
    """Steps on pairs of the engine's example with four passes."""
    batches = pairs(source)

    def run() -> None:
        for rows in batches:
            side.ask({"prompt": PROMPT, "rate": RATE, "pairs": [[row["chosen"], row["rejected"]] for row in rows]})

    return side.timed(STEPS * PAIRS, run)


def pairs_peer(side: Side, source: random.Random) -> Turn:
    """The same by mlx-lm-lora."""
    return reported(side, STEPS * PAIRS, {"pairs": {"steps": pairs(source), "beta": BETA}})


def made(generate: Callable[[Side, list[list[int]], int], list[list[int]]]) -> Callable[[Side, random.Random], Turn]:
    """Tokens after the first of each row, and the seconds that they take longer than the first alone."""

    def turn(side: Side, source: random.Random) -> Turn:
        prompts, found = [ids(source, ASKED) for _ in range(PROMPTS)], []
        first = side.timed(0, lambda: generate(side, prompts, 1))
        whole = side.timed(0, lambda: found.extend(generate(side, prompts, MADE + 1)))
        tokens = sum(len(row) for row in found) - PROMPTS
        return Turn(tokens, whole.seconds - first.seconds, whole.processor - first.processor)

    return turn


def generate_ours(side: Side, prompts: list[list[int]], limit: int) -> list[list[int]]:
    """Greedy continuations by the engine."""
    about = {"max_tokens": limit, "temperature": 0.0, "seed": 1, "stop": []}
    texts = side.engine("generate", [{"prompt": prompt} | about for prompt in prompts])
    return [text["tokens"] for text in texts]


def generate_peer(side: Side, prompts: list[list[int]], limit: int) -> list[list[int]]:
    """The same by mlx-lm."""
    return side.ask({"generate": {"prompts": prompts, "max_tokens": limit}})["tokens"]


@dataclass
class Bench:
    """Starts sides."""

    args: argparse.Namespace
    peer: Peer
    folder: Path
    environment: dict[str, str]

    def start(self, name: str, command: list[str], more: dict[str, str], turn: Callable) -> Side:
        """A process."""
        pipe = subprocess.PIPE
        log = None if self.args.verbose else subprocess.DEVNULL
        env = os.environ | self.environment | more
        return Side(name, subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, text=True, env=env), turn)

    def ours(self, name: str, layers: int | None, turn: Callable) -> Side:
        """The engine, with a fresh adapter where layers are trained."""
        side = self.start(name, [str(self.args.engine / "requests")], {}, turn)
        side.engine("load", {"model": str(self.folder), "adapters": []})
        if layers:
            shape = {"rank": RANK, "scale": SCALE, "layers": layers, "modules": MODULES}
            adamw = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01, "clip_norm": None}
            side.engine("train-begin", {"adapter": shape, "optimiser": adamw, "seed": 1, "resume": None, "ranks": 1})
        return side

    def naive(self, layers: int) -> Side:
        """The engine's example with four passes."""
        program = self.args.engine / "naive_dpo"
        return self.start("four passes", [str(program), str(self.folder), str(layers), str(BETA)], {}, pairs_naive)

    def theirs(self, name: str, layers: int | None, turn: Callable) -> Side:
        """A peer; the wheel's own BLAS is forty times slower than OpenBLAS, so that is put in front."""
        blas = ctypes.util.find_library("openblas")
        more = {"LD_PRELOAD": blas} if sys.platform == "linux" and blas else {}
        side = self.start(name, [str(self.peer.python), str(HERE / "train_peers.py")], more, turn)
        side.ask({"load": {"model": str(self.folder)}})
        if layers:
            about = {"rank": RANK, "scale": SCALE, "layers": layers, "modules": MODULES, "rate": RATE}
            side.ask({"begin": about | {"reference": turn is pairs_peer}})
        return side

    def sides(self, case: str) -> list[Side]:
        """The sides of a case, ours first."""
        kind, _, layers = case.partition("-")
        layers = int(layers) if layers else None
        if kind == "sft":
            return [self.ours("realign", layers, supervised_ours), self.theirs("mlx-lm", layers, supervised_peer)]
        if kind == "decode":
            return [
                self.ours("realign", None, made(generate_ours)),
                self.theirs("mlx-lm", None, made(generate_peer)),
            ]
        return [
            self.ours("realign, reference known", layers, pairs_ours(first=False)),
            self.ours("realign, first epoch", layers, pairs_ours(first=True)),
            self.naive(layers),
            self.theirs("mlx-lm-lora", layers, pairs_peer),
        ]

    def run(self, case: str) -> list[Side]:
        """Warms every side up, lets them take turns, and ends them."""
        sides = self.sides(case)
        for number in range(self.args.rounds + 1):
            say(f"{case}: {f'round {number} of {self.args.rounds}' if number else 'warming up'}")
            for side in sides:
                side.take(number, number > 0)
        for side in sides:
            side.end()
        return sides


CASES = {
    "sft-8": f"tok/s, supervised, {ROWS} rows of {ROW} tokens, last 8 blocks",
    "sft-30": f"tok/s, supervised, {ROWS} rows of {ROW} tokens, all 30 blocks",
    "decode": f"tok/s, greedy, {PROMPTS} rows of {MADE} tokens after prompts of {ASKED}",
    "dpo-8": f"pairs/s, DPO, {PAIRS} pairs of {PROMPT} + 2 x {ANSWER} tokens, last 8 blocks",
    "dpo-30": f"pairs/s, DPO, {PAIRS} pairs of {PROMPT} + 2 x {ANSWER} tokens, all 30 blocks",
}


def spread(numbers: list[float], digits: int) -> str:
    """Smallest, median and largest."""
    return " ".join(f"{value:8.{digits}f}" for value in (min(numbers), statistics.median(numbers), max(numbers)))


def show(case: str, sides: list[Side]) -> None:
    """A table of one case: the engine's rows, each followed by its ratios to the others, then the others."""
    print(f"\n{CASES[case]}; n = {len(sides[0].turns)}")
    print(f"{'':26}{'per second: min, median, max':>28}{'per processor second':>28}{'peak':>9}")
    kinds, digits = ("seconds", "processor"), 0 if CASES[case].startswith("tok/s") else 2
    others = [side for side in sides if not side.name.startswith("realign")]
    for side in sides:
        rates = [spread(side.rates(kind), digits) for kind in kinds]
        print(f"{side.name:26}{rates[0]:>28}{rates[1]:>28}{side.peak / 1e6:6.2f} GB")
        for other in others if side not in others else []:
            pairs_of = [zip(side.rates(kind), other.rates(kind), strict=True) for kind in kinds]
            ratios = [spread([own / theirs for own, theirs in turns], 2) for turns in pairs_of]
            print(f"{'  ratio to ' + other.name:26}{ratios[0]:>28}{ratios[1]:>28}{side.peak / other.peak:6.2f}")
    sys.stdout.flush()


def environment(args: argparse.Namespace) -> dict[str, str]:
    """What every side is started with: the same BLAS, kernels and threads."""
    found = {"OPENBLAS_NUM_THREADS": str(args.threads), "OMP_NUM_THREADS": str(args.threads)}
    found |= {"MLX_DISABLE_COMPILE": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    flags = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")), "")
    kernels = args.kernels or ("SkylakeX" if WIDE <= set(flags.split()) else "")
    return found | ({"OPENBLAS_CORETYPE": kernels} if kernels else {})


def arguments() -> argparse.Namespace:
    """Reads the command line and refuses what cannot work before anything is installed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", type=Path, required=True, metavar="DIR", help="holds the engine's built examples")
    parser.add_argument("--model", type=Path, required=True, metavar="GGUF", help="the model file")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), help="default: all")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="measured turns of each side (default 5)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="BLAS threads of each side (default 1)")
    parser.add_argument("--kernels", metavar="NAME", help="OPENBLAS_CORETYPE of each side, such as Haswell")
    parser.add_argument("--verbose", action="store_true", help="show what the sides print")
    args = parser.parse_args()
    for path in (args.model, args.engine / "requests", args.engine / "naive_dpo"):
        if not path.is_file():
            parser.error(f"{path} is not a file")
    if args.rounds < 1 or args.threads < 1:
        parser.error("--rounds and --threads start at 1")
    return args


def main() -> int:
    """Installs, runs, prints."""
    args = arguments()
    try:
        peer = install("mlx-lm-lora", LISTS)
        with tempfile.TemporaryDirectory(prefix="realign-train-") as scratch:
            bench = Bench(args, peer, Path(scratch) / "model", environment(args))
            writer = bench.start("realign", [str(args.engine / "requests")], {}, supervised_ours)
            body = {"model": str(args.model), "adapters": [], "format": "fused-f32", "folder": str(bench.folder)}
            writer.engine("export", body)
            writer.end()
            shown = " ".join(f"{name}={value}" for name, value in bench.environment.items() if "BLAS" in name)
            print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {shown}")
            for case in args.cases:
                show(case, bench.run(case))
            print(f"\nload {os.getloadavg()[0]:.1f}")
    except Failed as failure:
        say(f"error: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
