"""The peers' side of train.py: runs inside their own environment, one JSON command a line in, one reply a line out.

Nothing of this is imported by train.py itself. Both peers are driven through the functions that their own command
lines call, and report their own rates; only the data set is ours, so that both sides see the same tokens.
"""

import json
import os
import sys


class Rows(list):
    """A data set as the peers' iterators want it: token ids, nothing to process."""

    def itemlen(self, index: int) -> int:
        """Length of a row."""
        return len(self[index][0])


class Reports:
    """Takes what a trainer reports."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.losses: list[float] = []

    def on_train_loss_report(self, report: dict) -> None:
        """One report a step."""
        self.seconds += 1 / report["iterations_per_second"]
        self.losses.append(report["train_loss"])

    def on_val_loss_report(self, _: dict) -> None:
        """There is no validation."""


class Peer:
    """A loaded model and, once begun, its adapter and optimiser."""

    def load(self, model: str) -> None:
        """As the peers' users load it."""
        import mlx.core as mx
        from mlx_lm import load

        mx.random.seed(1)
        self.folder = model
        self.model, self.tokenizer = load(model)

    def begin(self, rank: int, scale: float, layers: int, modules: list[str], rate: float, reference: bool) -> None:
        """A fresh adapter on the last layers; a second copy of the model as the reference where one is wanted."""
        import mlx.optimizers as optim
        from mlx_lm import load
        from mlx_lm.tuner.utils import linear_to_lora_layers

        self.model.freeze()
        shape = {"rank": rank, "scale": scale, "dropout": 0.0, "keys": modules}
        linear_to_lora_layers(self.model, layers, shape)
        self.optimiser = optim.AdamW(learning_rate=rate)
        self.reference = load(self.folder)[0].freeze() if reference else None

    def supervised(self, steps: list[list[list[int]]]) -> dict:
        """Trains on each batch in turn, all tokens but the first scored."""
        from mlx_lm.tuner.trainer import TrainingArgs, train

        reports = Reports()
        for rows in steps:
            args = TrainingArgs(
                batch_size=len(rows), iters=1, steps_per_report=1, max_seq_length=len(rows[0]), adapter_file=os.devnull
            )
            train(self.model, self.optimiser, Rows((row, 0) for row in rows), None, args, training_callback=reports)
        return {"seconds": reports.seconds, "losses": reports.losses}

    def pairs(self, steps: list[list[dict]], beta: float) -> dict:
        """Trains on each batch of pairs in turn with mlx-lm-lora's DPO, answers scored."""
        import mlx.core as mx
        from mlx_lm_lora.trainer.dpo_trainer import DPOTrainingArgs, train_dpo

        # On a processor MLX reports no such limit, and the trainer does not ask whether it does.
        about = mx.device_info() | {"max_recommended_working_set_size": 0}
        mx.device_info, mx.set_wired_limit = (lambda: about), (lambda limit: limit)
        reports = Reports()
        for rows in steps:
            longest = max(len(row[side]) for row in rows for side in ("chosen", "rejected"))
            args = DPOTrainingArgs(
                batch_size=len(rows), iters=1, steps_per_report=1, max_seq_length=longest, beta=beta, adapter_file=os.devnull
            )
            train_dpo(self.model, self.reference, self.optimiser, rows, None, args, training_callback=reports)
        return {"seconds": reports.seconds, "losses": reports.losses}

    def generate(self, prompts: list[list[int]], max_tokens: int) -> dict:
        """Greedy continuations of all prompts in one batch."""
        from mlx_lm.generate import batch_generate

        found = batch_generate(
            self.model,
            self.tokenizer,
            prompts,
            max_tokens=max_tokens,
            return_token_ids=True,
            prefill_batch_size=len(prompts),
            completion_batch_size=len(prompts),
        )
        return {"tokens": found.token_ids}


def main() -> None:
    """Answers until the input ends."""
    # What the peers print is not an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    peer = Peer()
    for line in sys.stdin:
        (name, arguments), = json.loads(line).items()
        print(json.dumps(getattr(peer, name)(**arguments)), file=answers, flush=True)


if __name__ == "__main__":
    main()
