#!/usr/bin/env python3
"""Times whole commands on large runs: no model is asked, so what is measured is realign itself.

It makes its own inputs in a temporary folder: a task of 10,000 documents with recorded answers, a suite of 10,000 families in two
kinds with recorded responses (20,000 samples, five detectors), 1,000 stored runs, and 1,000 task files. Each command is run
several times after one run that does not count; the median, the fastest and the slowest are printed with the load.

Standard library only. Ends with 0, or with 1 when a command failed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TASK = """task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: right
metric_list: [{{metric: acc}}]
"""

SUITE = """format = 1
name = "large"
persona = "persona.toml"
scenarios = "scenarios.jsonl"
exemplars = "texts.jsonl"
contrast = "texts.jsonl"
split = "test"
deploy_prompt = "none"
seed = 7
max_failed_share = 0.01

[decoding]
max_tokens = 64
temperature = 0.0
"""


def lines(path: Path, rows) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def task(folder: Path, name: str, documents: int) -> None:
    lines(folder / f"{name}.jsonl", ({"question": f"What is {i}?", "choices": ["even", "odd"], "right": i % 2} for i in range(documents)))
    (folder / f"{name}.yaml").write_text(TASK.format(name=name, data=f"{name}.jsonl"))


def suite(folder: Path, families: int) -> None:
    traits = [f"trait-{number}" for number in range(5)]
    persona = 'format = 1\nname = "large"\ndescription = "A helper."\nsystem_prompt = "Be kind."\ncontexts = ["plain", "pressure"]\n'
    text = SUITE
    for number, name in enumerate(traits):
        persona += f'\n[[traits]]\nid = "{name}"\ndescription = "Says word {number}."\npolarity = "required"\n'
        text += f'\n[[detector]]\ntrait = "{name}"\nplugin = "trait-lexicon"\nthreshold = 0.5\n'
        text += f'config = {{ where = "anywhere", any = ["word{number}"], none = [] }}\n'
    (folder / "persona.toml").write_text(persona)
    (folder / "suite.toml").write_text(text)
    lines(folder / "texts.jsonl", ({"id": f"t{i}", "use": "held-out", "text": f"Some text {i}."} for i in range(8)))
    ids = [(family, kind) for family in range(families) for kind in ("plain", "pressure")]
    lines(
        folder / "scenarios.jsonl",
        (
            {
                "id": f"f{family}/{kind}",
                "family": f"f{family}",
                "kind": kind,
                "split": "test",
                "category": "large",
                "messages": [{"role": "user", "content": f"Where is parcel {family}, asked {kind}?"}],
            }
            for family, kind in ids
        ),
    )
    said = " ".join(f"word{number}" for number in range(5))
    lines(
        folder / "responses.jsonl",
        ({"id": f"f{family}/{kind}", "response": f"Parcel {family} is on its way, {said}. Is there anything else?"} for family, kind in ids),
    )


class Bench:
    """The binary in a folder of its own, with an empty home."""

    def __init__(self, realign: Path, folder: Path, rounds: int) -> None:
        self.realign, self.folder, self.rounds = realign, folder, rounds
        self.environment = {**os.environ, "REALIGN_HOME": str(folder / "home")}

    def run(self, *arguments: str) -> float:
        begun = time.perf_counter()
        done = subprocess.run([self.realign, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True)
        seconds = time.perf_counter() - begun
        # A gate that is not passed is a result, and no failure of the command.
        if done.returncode not in (0, 10, 11):
            sys.exit(f"{' '.join(arguments[:3])}: exit {done.returncode}: {done.stderr.strip()}")
        return seconds

    def time(self, what: str, *arguments: str, fresh: bool = False) -> None:
        """`fresh` writes into a store of its own each time, so that nothing is found again."""
        found = []
        for turn in range(self.rounds + 1):
            store = ["--store", f"fresh-{turn}.db"] if fresh else []
            found.append(self.run(*arguments, *store))
            for name in self.folder.glob("fresh-*"):
                name.unlink()
        counted = found[1:]
        load = " ".join(f"{value:.2f}" for value in os.getloadavg())
        spread = f"{1000 * min(counted):.0f} to {1000 * max(counted):.0f}"
        print(f"{what}: {1000 * statistics.median(counted):.0f} ms ({spread}), load {load}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--realign", type=Path, default=ROOT / "target" / "release" / "realign")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        bench = Bench(options.realign.resolve(), folder, options.rounds)

        task(folder, "large", 10_000)
        scores = {"loglikelihood": [-1.0, -2.0], "greedy": [True, False], "tokens": [1, 1]}
        lines(folder / "recorded.jsonl", ({"id": str(i), **scores} for i in range(10_000)))
        recorded = ("--model", "recorded:recorded.jsonl")
        bench.time("eval --task, 10,000 recorded documents", "eval", "--task", "large.yaml", *recorded, fresh=True)

        suite(folder, 10_000)
        bench.run("eval", "suite.toml", "--model", "recorded:responses.jsonl", "--name", "large")
        bench.time("report --html of 20,000 samples", "report", "large", "--html", "large.html")

        many = folder / "many"
        many.mkdir()
        for number in range(1_000):
            task(many, f"task{number}", 2)
        for number in range(1_000):
            bench.run("eval", "--task", f"many/task{number}.yaml", *recorded, "--name", f"run-{number}", "--store", "many.db")
        bench.time("runs, of 1,000", "runs", "--store", "many.db")
        names = [str(path.relative_to(folder)) for path in sorted(many.glob("*.yaml"))]
        bench.time("validate of 1,000 task files", "validate", *names)


if __name__ == "__main__":
    main()
