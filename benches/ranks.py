#!/usr/bin/env python3
"""Times `realign train sft` with one rank and with more, in turns, on one machine.

Each run trains the Harbor example (examples/harbor/sft.toml without its divergence, which is not measured here) for a
few steps in a folder of its own. Tokens per second are those of the log: tokens that ran through the model over the
seconds of the steps, the first step left out, because it warms the caches. Which rows a step has does not depend on
the number of ranks, so runs are compared step by step.

Standard library only. Ends with 0, or with 1 when a run failed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "harbor"


def configuration(batch_tokens: int, accumulate: int) -> str:
    text = (EXAMPLE / "sft.toml").read_text().split("\n[kl]")[0]
    for name in ("scenarios.jsonl", "train/sft.jsonl", "train/general.jsonl"):
        text = text.replace(f'"{name}"', json.dumps(str(EXAMPLE / name)))
    text = text.replace("batch_tokens = 1024", f"batch_tokens = {batch_tokens}")
    return text.replace("accumulate = 2", f"accumulate = {accumulate}")


def train(realign: Path, folder: Path, config: Path, ranks: int, steps: int) -> list[dict]:
    command = [realign, "train", "sft", config, "--ranks", str(ranks), "--max-steps", str(steps), "--output", folder]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{ranks} ranks: exit {done.returncode}: {done.stderr.strip()}")
    return [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()][1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--realign", type=Path, default=ROOT / "target" / "release" / "realign")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--steps", type=int, default=9, help="of which the first is not counted")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-tokens", type=int, default=1024)
    parser.add_argument("--accumulate", type=int, default=2)
    options = parser.parse_args()
    found: dict[int, list[list[dict]]] = {ranks: [] for ranks in options.ranks}
    with tempfile.TemporaryDirectory() as scratch:
        config = Path(scratch) / "sft.toml"
        config.write_text(configuration(options.batch_tokens, options.accumulate))
        for round_ in range(options.rounds):
            for ranks in options.ranks:
                folder = Path(scratch) / f"{round_}-{ranks}"
                found[ranks].append(train(options.realign, folder, config, ranks, options.steps))
                speed = tokens_per_second(found[ranks][-1])
                load = " ".join(f"{value:.2f}" for value in os.getloadavg())
                print(f"round {round_ + 1}: {ranks} ranks {speed:.1f} tok/s, load {load}", flush=True)
    first = options.ranks[0]
    base = [tokens_per_second(run) for run in found[first]]
    for ranks in options.ranks:
        speeds = [tokens_per_second(run) for run in found[ranks]]
        ratios = [speed / other for speed, other in zip(speeds, base)]
        print(
            f"{ranks} ranks: median {statistics.median(speeds):.1f} tok/s, {min(speeds):.1f} to {max(speeds):.1f}"
            f" of {len(speeds)} runs of {options.steps - 1} steps; over {first}:"
            f" median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}"
        )


def tokens_per_second(lines: list[dict]) -> float:
    return sum(line["tokens"] for line in lines) / sum(line["seconds"] for line in lines)


if __name__ == "__main__":
    main()
