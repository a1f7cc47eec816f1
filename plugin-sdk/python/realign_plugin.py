"""Write evaluators for realign in Python: trait detectors, style scorers and benchmarks.

An evaluator is a class with a few attributes and methods, exported under the name of its kind:

    import realign_plugin as realign

    class Says(realign.TraitDetector):
        id, version, summary = "says-thanks", "0.1.0", "Finds a word."
        config_schema = {"type": "object", "required": ["word"], "properties": {"word": {"type": "string"}}}

        def detect(self, state, sample, answers):
            return realign.presence(state["word"] in sample.response.lower().split())

    TraitDetector = realign.export(Says)

The host calls `prepare` once. What it returns is kept as JSON and handed to every later call as `state`, for each may land
in a fresh instance: nothing else survives. There are no files, no network, no clock; `random` gives the same numbers every
time, and sets of text come in an order that nobody should rely on.
"""

import json
import math

from componentize_py_types import Err
from wit_world.imports import logging, types


class Failure(Exception):
    """Why something could not be done: `config`, `profile`, `data`, `sample`, `answer` or `internal`."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


def value(metric, numerator, denominator=1.0):
    """One measured value; the host aggregates numerators and denominators."""
    return types.Value(metric, float(numerator), float(denominator))


def scored(*values, spans=(), notes=None):
    """What was measured: one value per metric, in the order of the metrics."""
    notes = [types.Note(str(key), str(note)) for key, note in (notes or {}).items()]
    return types.Outcome_Scored(types.Scored(list(values), list(spans), notes))


def presence(found, spans=(), notes=None):
    """Outcome of a trait detector: 0 to 1, or whether it was found."""
    return scored(value("presence", float(found)), spans=spans, notes=notes)


def match(score, notes=None):
    """Outcome of a style scorer: any scale, higher is nearer to the voice."""
    return scored(value("match", score), notes=notes)


def not_applicable(reason):
    """The sample gives no occasion to judge."""
    return types.Outcome_NotApplicable(reason)


def span(text, start, end, label=""):
    """A stretch of a response, from character `start` to before character `end`."""
    before = len(text[:start].encode())
    return types.Span(before, before + len(text[start:end].encode()), label)


def metric(name, unit="share", low=0.0, high=1.0, chance=None, higher_is_better=True, aggregation="mean"):
    """One quantity that is measured. `aggregation` is `mean`, `ratio-of-sums` or `geometric`."""
    direction = types.Direction.HIGHER_IS_BETTER if higher_is_better else types.Direction.LOWER_IS_BETTER
    how = types.Aggregation[aggregation.upper().replace("-", "_")]
    return types.Metric(name, unit, direction, low, high, chance, how)


def question(kind, **body):
    """A question to the host, as in `question("generate", prompt=..., max_tokens=16)`."""
    return kind, body


def log(message):
    """A line in the host's log."""
    logging.log(logging.Level.INFO, str(message))


class Evaluator:
    """What all kinds share."""

    id = version = summary = ""
    config_schema = {"type": "object", "additionalProperties": False}
    asks = ()

    def prepare(self, config, profile, rows):
        """Settings, profile and rows of data to a state, a JSON value. `rows` are the bodies, each with its `id` in `_id`."""
        return config

    def questions(self, state, subject):
        """What to ask about a sample or an item before it can be judged."""
        return []


class TraitDetector(Evaluator):
    """`detect(state, sample, answers)` says how present a trait is."""

    def metrics(self):
        return [metric("presence")]


class StyleScorer(Evaluator):
    """`score(state, sample, answers)` says how near a text is to a voice."""

    def metrics(self):
        return [metric("match", "", None, None)]


class Benchmark(Evaluator):
    """`item(state, row)` gives a prompt, a group and a body; `grade(state, body, answers)` an outcome."""

    def metrics(self):
        return [metric("accuracy")]


def voices(rows, fewest=8):
    """Texts of the voice and texts of others, at least `fewest` of each."""
    sides = {"exemplars": [], "contrast": []}
    for row in rows:
        if row.get("label") not in sides or not isinstance(row.get("text"), str):
            raise Failure("data", f"row {row['_id']}: a text with the label exemplars or contrast is needed")
        sides[row["label"]].append(row["text"])
    for label, texts in sides.items():
        if len(texts) < fewest:
            raise Failure("data", f"{len(texts)} rows with label {label}, at least {fewest} are needed")
    return sides["exemplars"], sides["contrast"]


def export(evaluator):
    """The class that the contract wants, made of an evaluator."""
    one = evaluator()
    benchmark = isinstance(one, Benchmark)
    judge = one.grade if benchmark else one.score if isinstance(one, StyleScorer) else one.detect

    class Exported:
        def describe(self):
            return types.Description(
                one.id, one.version, one.summary, json.dumps(one.config_schema), one.metrics(), list(one.asks)
            )

        def prepare(self, job, data):
            def work():
                config, profile = json.loads(job.config), json.loads(job.profile)
                _check(one.config_schema, config)
                rows = [{**json.loads(row.body), "_id": row.id} for row in data]
                return json.dumps(one.prepare(config, profile, rows)).encode()

            return _guarded(work, Err)

        def items(self, state, rows):
            state = json.loads(state)
            return _guarded(lambda: [_item(one, state, row) for row in rows], Err)

        def step(self, state, subjects, answers):
            state = json.loads(state)
            given = {answer.id: answer.body for answer in answers}
            asked, asks = [], []
            for place, subject in enumerate(subjects):
                asked.append(_guarded(lambda subject=subject: list(one.questions(state, _seen(subject, benchmark))), None))
                if isinstance(asked[-1], list):
                    for number, (kind, body) in enumerate(asked[-1]):
                        asks.append(types.Ask(f"{place}.{number}", kind, json.dumps(body)))
            if asks and not answers:
                return types.Progress_Asks(asks)

            def outcome(place, subject, questions):
                if not isinstance(questions, list):
                    return questions

                def work():
                    found = [_answer(given, f"{place}.{number}") for number in range(len(questions))]
                    return judge(state, _seen(subject, benchmark), found)

                return _guarded(work, None)

            places = range(len(subjects))
            return types.Progress_Done([outcome(place, subjects[place], asked[place]) for place in places])

    return Exported


def _seen(subject, benchmark):
    """What an author sees: a sample as it is, or the body of an item."""
    return json.loads(subject.body) if benchmark else subject


def _item(one, state, row):
    body = json.loads(row.body)
    made = _guarded(lambda: one.item(state, {**body, "_id": row.id}), Err)
    prompt = made["prompt"]
    if isinstance(prompt, str):
        prompt = types.Prompt_Raw(prompt)
    else:
        prompt = types.Prompt_Messages([types.Message(message["role"], message["content"]) for message in prompt])
    return types.Item(row.id, made.get("group") or row.id, prompt, json.dumps(made["body"]))


def _answer(given, name):
    if name not in given:
        raise Failure("answer", f"there is no answer to {name}")
    body = json.loads(given[name])
    if not isinstance(body, dict) or "error" in body:
        raise Failure("answer", str(body.get("error", body)) if isinstance(body, dict) else str(body))
    return body


def _guarded(work, wrap):
    """Runs the author's code; what it raises becomes a failure, thrown inside of `wrap` or as one sample's outcome."""
    try:
        return work()
    except Err:
        raise
    except Failure as failure:
        found = types.Failure(failure.code, failure.message)
    except Exception as error:
        where = error.__traceback__
        while where.tb_next:
            where = where.tb_next
        place = f"{where.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]} line {where.tb_lineno}"
        found = types.Failure("internal", f"{type(error).__name__}: {error} ({place})"[:1000])
    if wrap:
        raise wrap(found)
    return types.Outcome_Cannot(found)


_TYPES = {"string": str, "number": (int, float), "integer": int, "boolean": bool, "object": dict, "array": list}


def _check(schema, config):
    """Refuses settings that the schema rules out: keys that are missing or unknown, values of another type."""
    properties = schema.get("properties", {})
    for key in schema.get("required", ()):
        if key not in config:
            raise Failure("config", f"{key} is missing")
    for key, setting in config.items():
        if key not in properties:
            if schema.get("additionalProperties") is False:
                raise Failure("config", f"there is no setting {key}")
            continue
        wanted = properties[key].get("type")
        number = isinstance(setting, bool) and wanted in ("number", "integer")
        if wanted in _TYPES and (number or not isinstance(setting, _TYPES[wanted])):
            raise Failure("config", f"{key} is {json.dumps(setting)}, not of type {wanted}")
        if isinstance(setting, float) and not math.isfinite(setting):
            raise Failure("config", f"{key} is not finite")
