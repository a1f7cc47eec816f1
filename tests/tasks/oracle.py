#!/usr/bin/env python3
"""Writes `expected/`: what lm-evaluation-harness 0.4.13 makes of the tasks in `fine/`.

    python3 -m venv venv && venv/bin/pip install lm_eval==0.4.13
    venv/bin/python oracle.py

The model is made up: its answers are digests of what it is asked, so that any difference in a prompt shows in the numbers.
Prompts, answers, what filters leave, values and results are lm-eval's own. A chat template writes its messages as JSON.
"""

import hashlib
import json
import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
os.chdir(HERE / "fine")

from lm_eval import simple_evaluate  # noqa: E402
from lm_eval.api.model import LM  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402

RUNS = [
    ("choice", {}), ("choice_same_split", {}), ("choice_first", {}), ("choice_literal", {}), ("numbers", {}),
    ("numbers_vote", {}), ("numbers_several", {}), ("last_word", {}), ("last_word_shots", {}), ("prose", {}),
    ("pairs", {}), ("zoo", {}), ("tagged", {}), ("choice", {"limit": 5, "num_fewshot": 1}),
    ("choice", {"apply_chat_template": True, "fewshot_as_multiturn": True}),
    ("numbers", {"apply_chat_template": True, "fewshot_as_multiturn": False}),
]


def number(*parts: str) -> float:
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


class Model(LM):
    tokenizer_name = "none"

    def __init__(self):
        super().__init__()
        self.asked = {}

    def loglikelihood(self, requests, **_):
        return [(-20.0 * number("ll", *r.args), number("greedy", *r.args) < 0.3) for r in requests]

    def loglikelihood_rolling(self, requests, **_):
        return [-80.0 * number("rolling", *r.args) for r in requests]

    def generate_until(self, requests, **_):
        return [self.text(r) for r in requests]

    def text(self, request):
        prompt, answer = request.args[0], request.doc["answer"]
        turn = self.asked[prompt] = self.asked.get(prompt, -1) + 1
        texts = [f"The sum is {answer}.\n#### {answer}", f"It is 5 and it is {answer}", answer, f"#### {answer}.",
                 "I do not know", f"It is {answer.replace(',', '')}", "it is 17"]
        return texts[int(number("text", prompt, str(turn)) * len(texts))]

    def apply_chat_template(self, chat_history, add_generation_prompt=True):
        return json.dumps(chat_history)


def main():
    manager = TaskManager(include_path=str(HERE / "fine"), include_defaults=False)
    for task, options in RUNS:
        found = simple_evaluate(model=Model(), tasks=[task], task_manager=manager, log_samples=True, **options)
        name = "-".join([task, *(f"{key}={value}" for key, value in options.items())])
        kept = {key: found[key] for key in ("results", "groups", "group_subtasks", "n-shot", "n-samples") if key in found}
        for samples in found["samples"].values():
            for sample in samples:
                sample.pop("doc_hash")
        kept = {"task": task, "options": options, **kept, "samples": found["samples"]}
        (HERE / "expected" / f"{name}.json").write_text(json.dumps(kept, indent=1, default=float) + "\n")
        print(name)


main()
