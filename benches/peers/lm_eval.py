#!/usr/bin/env python3
"""Times `realign eval --task` against lm-evaluation-harness, whole commands, on one machine.

Both sides start from nothing each time: a new process that reads the same GGUF file, scores the same two tasks
in 32-bit floats and writes its result. They take turns (peer, realign, peer, realign, ...) after one unmeasured
run each, so that a machine that slows down half way slows both. Nothing is read from the network while they run.

The peer gets its best case: one process for both tasks, its own default number of threads, its data set cache
kept warm between rounds. Realign gets a new process and an empty store for each task, because answers found in
a store would be no measurement.

Standard library only. Ends with 0 when every run completed, 1 when one failed, 2 when it was called wrongly.
"""

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

TASKS = ("agreeableness", "disambiguation")
BATCH_SIZE = 8
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
# Set by a careless shell, these would hold the peer back or lead it to other packages.
NOT_INHERITED = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP")


class Failed(Exception):
    """A command that this benchmark needs did not succeed."""


@dataclass
class Measurement:
    """One measured turn of one side: seconds of wall clock and of processor, and `task/metric` -> value."""

    wall: float
    cpu: float
    accuracies: dict[str, float]


@dataclass
class Bench:
    """What every run needs: where things are. `scratch` is deleted at the end."""

    model: Path
    tasks: Path
    scratch: Path
    peer_python: Path
    realign: Path | None


def timed(command: list[str], cwd: Path, env: dict[str, str], log: Path) -> tuple[float, float, str]:
    """Runs `command` to its end and returns (wall seconds, processor seconds, stdout).

    Processor seconds are user plus system of the process and of every descendant it waited for. Raises `Failed`
    with the end of its stderr where it does not exit with 0.
    """
    output = log.with_suffix(".out")
    with log.open("wb") as stderr, output.open("wb") as stdout:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = log.read_text(errors="replace").replace("\r", "\n").strip().splitlines()[-15:]
        raise Failed("\n".join([f"{command[0]} ended with {process.returncode}", *tail]))
    return wall, usage.ru_utime + usage.ru_stime, output.read_text(errors="replace")


def peer_folder() -> Path:
    """Where virtual environments are kept: never inside the repository."""
    home = os.environ.get("REALIGN_HOME")
    return Path(home) / "peers" if home else Path.home() / ".cache" / "realign-peers"


def install_peer(folder: Path) -> Path:
    """Makes the peer's virtual environment unless it is complete, and returns its Python.

    Its name holds a digest of the pins and the interpreter, so other pins never reuse it. The stamp is written
    last: an installation that was cut off is made again from nothing.
    """
    recipe = REQUIREMENTS.read_bytes() + f"{sys.version}{platform.platform()}".encode()
    home = folder / f"lm-eval-{hashlib.sha256(recipe).hexdigest()[:12]}"
    python, stamp = home / "bin" / "python", home / "complete"
    if not stamp.exists():
        say(f"installing the peer into {home} (once; about 5 GB on disk on Linux)")
        make = [sys.executable, "-m", "venv", "--clear", str(home)]
        # Without dependencies: the pins are the whole list, and torch asks for more than a CPU run needs.
        fill = [str(python), "-m", "pip", "install", "--no-deps", "--no-cache-dir", "-r", str(REQUIREMENTS)]
        for command in (make, fill):
            if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
                raise Failed(f"could not install the peer: {' '.join(command)}")
        stamp.touch()
    return python


def run_peer(bench: Bench, turn: str) -> Measurement:
    """Scores both tasks with lm-eval in one process."""
    results = bench.scratch / f"peer-{turn}"
    env = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    env |= {name: "1" for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")}
    env |= {"HF_HOME": str(bench.scratch / "huggingface"), "TMPDIR": str(bench.scratch)}
    model = f"pretrained={bench.model.parent},gguf_file={bench.model.name},dtype=float32"
    command = [str(bench.peer_python.with_name("lm_eval")), "run", "--model", "hf", "--model_args", model]
    command += ["--tasks", ",".join(TASKS), "--include_path", str(bench.tasks), "--device", "cpu"]
    command += ["--batch_size", str(BATCH_SIZE), "--output_path", str(results)]
    wall, cpu, _ = timed(command, bench.tasks, env, bench.scratch / f"peer-{turn}.log")
    # lm-eval exits with 0 even where it saved nothing, so the file is the proof that it ran.
    files = sorted(results.rglob("results_*.json"))
    if not files:
        raise Failed("lm-eval ended with 0 but wrote no results")
    per_task = json.loads(files[-1].read_text())["results"]
    accuracies = {f"{task}/{metric}": per_task[task][f"{metric},none"] for task in TASKS for metric in ("acc", "acc_norm")}
    return Measurement(wall, cpu, accuracies)


def run_realign(bench: Bench, turn: str) -> Measurement:
    """Scores both tasks with realign, one process and one empty store each; times are their sums."""
    total = Measurement(0.0, 0.0, {})
    for task in TASKS:
        name = f"realign-{turn}-{task}"
        command = [str(bench.realign), "eval", "--task", f"{task}.yaml", "--model", str(bench.model), "--json"]
        command += ["--store", str(bench.scratch / f"{name}.db")]
        wall, cpu, stdout = timed(command, bench.tasks, dict(os.environ), bench.scratch / f"{name}.log")
        total.wall += wall
        total.cpu += cpu
        total.accuracies |= realign_accuracies(stdout)
    return total


def realign_accuracies(stdout: str) -> dict[str, float]:
    """Reads `metrics[].name` and `metrics[].estimate.value`; what is absent is left out, not guessed."""
    try:
        metrics = json.loads(stdout).get("metrics") or []
        return {m["name"]: m["estimate"]["value"] for m in metrics if (m.get("estimate") or {}).get("value") is not None}
    except (ValueError, AttributeError, KeyError, TypeError):
        return {}


def measure(bench: Bench, rounds: int) -> dict[str, list[Measurement]]:
    """Warms each side up once, then lets them take turns `rounds` times."""
    sides = {"lm-eval": run_peer} | ({"realign": run_realign} if bench.realign else {})
    for side, run in sides.items():
        say(f"warm-up  {side}: {run(bench, 'warm-up').wall:.1f} s, not counted")
    taken: dict[str, list[Measurement]] = {side: [] for side in sides}
    for turn in range(1, rounds + 1):
        for side, run in sides.items():
            taken[side].append(run(bench, str(turn)))
            say(f"round {turn}  {side}: {taken[side][-1].wall:.1f} s")
    return taken


def summary(seconds: list[float]) -> dict[str, float]:
    """Least, middle and greatest of a list."""
    return {"min": min(seconds), "median": statistics.median(seconds), "max": max(seconds)}


def machine() -> dict[str, object]:
    """Who ran it. The load average tells whether the machine had anything else to do."""
    # There is no /proc on macOS.
    info = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in info if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    model = names[0] if names else platform.processor() or platform.machine()
    return {"cores": cores, "processor": model, "system": platform.platform(), "load_average": list(os.getloadavg())}


def versions(bench: Bench) -> dict[str, str]:
    """Versions as the installed programs report them, not as the pins ask for."""
    names = ["lm_eval", "transformers", "torch", "tokenizers", "gguf"]
    script = "import json,sys,importlib.metadata as m; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
    found = json.loads(subprocess.check_output([str(bench.peer_python), "-c", script, *names], text=True))
    if bench.realign:
        asked = subprocess.run([str(bench.realign), "--version"], capture_output=True, text=True, check=False)
        found["realign"] = asked.stdout.strip().removeprefix("realign ") or "unknown"
    return {"python": platform.python_version()} | found


def report(bench: Bench, taken: dict[str, list[Measurement]], before: dict[str, object]) -> dict[str, object]:
    """Everything that was measured, as one document; `before` holds what was asked before the first run."""
    document: dict[str, object] = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "machine": before["machine"] | {"load_average_after": list(os.getloadavg())},
        "versions": before["versions"],
        "model": {"file": bench.model.name, "bytes": bench.model.stat().st_size},
        "batch_size": BATCH_SIZE,
        "sides": {
            side: {
                "wall": summary([m.wall for m in runs]),
                "cpu": summary([m.cpu for m in runs]),
                "runs": [asdict(m) for m in runs],
            }
            for side, runs in taken.items()
        },
    }
    if "realign" in taken:
        pairs = list(zip(taken["lm-eval"], taken["realign"], strict=True))
        middle = {side: statistics.median(m.wall for m in runs) for side, runs in taken.items()}
        document["ratio_of_medians"] = middle["lm-eval"] / middle["realign"]
        document["ratio_per_pair"] = [peer.wall / ours.wall for peer, ours in pairs]
    return document


def agreement(peer: float, ours: float | None) -> str:
    """Equal to the last document, or not; a value that was not reported is neither."""
    if ours is None:
        return "not reported"
    return "same" if abs(peer - ours) < 1e-9 else "DIFFERS"


def table(document: dict, taken: dict[str, list[Measurement]]) -> str:
    """The same document for people."""
    host = document["machine"]
    before, after = (" ".join(f"{x:.1f}" for x in host[k]) for k in ("load_average", "load_average_after"))
    lines = [
        f"{document['date']}, {host['cores']} cores, {host['processor']}, load average {before} before, {after} after",
        ", ".join(f"{name} {version}" for name, version in document["versions"].items()),
        f"{document['model']['file']}, f32, batch {BATCH_SIZE}, {len(taken['lm-eval'])} rounds",
        "",
        f"{'whole command, s':<18}{'min':>9}{'median':>9}{'max':>9}{'cpu median':>13}",
    ]
    for side, numbers in document["sides"].items():
        wall = "".join(f"{numbers['wall'][k]:9.2f}" for k in ("min", "median", "max"))
        lines.append(f"{side:<18}{wall}{numbers['cpu']['median']:13.2f}")
    if "ratio_of_medians" in document:
        pairs = " ".join(f"{ratio:.2f}" for ratio in document["ratio_per_pair"])
        lines += ["", f"lm-eval / realign: {document['ratio_of_medians']:.2f} (per pair {pairs}); above 1 realign is faster"]
    ours = taken["realign"][-1].accuracies if "realign" in taken else None
    lines += ["", f"{'accuracy':<26}{'lm-eval':>9}" + (f"{'realign':>9}" if ours is not None else "")]
    for name, value in taken["lm-eval"][-1].accuracies.items():
        line = f"{name:<26}{value:9.4f}"
        if ours is not None:
            shown = f"{ours[name]:9.4f}" if name in ours else f"{'-':>9}"
            line += f"{shown}  {agreement(value, ours.get(name))}"
        lines.append(line)
    return "\n".join(lines)


def say(message: str) -> None:
    """Progress goes to stderr, results to stdout."""
    print(message, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    """Reads the command line and refuses what cannot work before anything is installed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--realign", type=Path, metavar="PATH", help="the release build of realign")
    parser.add_argument("--model", type=Path, required=True, metavar="GGUF", help="the model file both sides read")
    parser.add_argument("--tasks", type=Path, required=True, metavar="DIR", help="the two tasks and their data")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="measured turns per side (default 3)")
    parser.add_argument("--peer-only", action="store_true", help="measure the peer alone")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the table")
    args = parser.parse_args()
    # The pins of numpy and scipy have no wheels for older interpreters.
    if sys.version_info < (3, 11):
        parser.error(f"the pinned peer needs Python 3.11 or newer, this is {platform.python_version()}")
    if args.rounds < 1:
        parser.error(f"--rounds is {args.rounds}, the least is 1")
    if not args.peer_only and args.realign is None:
        parser.error("give --realign PATH, or --peer-only to measure the peer alone")
    wanted = [args.model, *(args.tasks / f"{task}.yaml" for task in TASKS)]
    if not args.peer_only:
        wanted.append(args.realign)
    if "," in str(args.model.resolve()):
        parser.error(f"{args.model.resolve()} holds a comma, which lm-eval takes for the end of the path")
    for path in wanted:
        if not path.is_file():
            parser.error(f"{path} is not a file")
    return args


def main() -> int:
    """Installs, measures, prints."""
    args = arguments()
    try:
        python = install_peer(peer_folder().absolute())
        with tempfile.TemporaryDirectory(prefix="realign-peers-") as scratch:
            realign = None if args.peer_only else args.realign.resolve()
            bench = Bench(args.model.resolve(), args.tasks.resolve(), Path(scratch), python, realign)
            before = {"versions": versions(bench), "machine": machine()}
            taken = measure(bench, args.rounds)
            document = report(bench, taken, before)
    except Failed as failure:
        say(f"error: {failure}")
        return 1
    print(json.dumps(document, indent=2) if args.json else table(document, taken))
    return 0


if __name__ == "__main__":
    sys.exit(main())
