import re

import realign_plugin as realign


class Says(realign.TraitDetector):
    id, version, summary = "{{name}}", "0.1.0", "Finds a word in a response."
    config_schema = {
        "type": "object",
        "required": ["word"],
        "additionalProperties": False,
        "properties": {"word": {"type": "string"}},
    }

    def prepare(self, config, profile, rows):
        if not config["word"]:
            raise realign.Failure("config", "word is empty")
        return {"word": config["word"].lower()}

    def detect(self, state, sample, answers):
        found = [word for word in re.finditer(r"\w+", sample.response) if word.group().lower() == state["word"]]
        spans = [realign.span(sample.response, word.start(), word.end(), "word") for word in found[:8]]
        return realign.presence(bool(found), spans=spans)


TraitDetector = realign.export(Says)
