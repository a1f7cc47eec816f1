import realign_plugin as realign


class Names(realign.Benchmark):
    id, version, summary = "{{name}}", "0.1.0", "Does the model name what is asked for?"
    asks = ["generate"]

    def item(self, state, row):
        for key in ("question", "answer"):
            if not isinstance(row.get(key), str) or not row[key]:
                raise realign.Failure("data", f"row {row['_id']}: {key} is missing")
        body = {"question": row["question"], "answer": row["answer"]}
        return {"prompt": body["question"], "group": row.get("group"), "body": body}

    def questions(self, state, body):
        return [realign.question("generate", prompt=body["question"], max_tokens=16)]

    def grade(self, state, body, answers):
        if not isinstance(answers[0].get("text"), str):
            raise realign.Failure("answer", "the answer has no text")
        return realign.scored(realign.value("accuracy", body["answer"].lower() in answers[0]["text"].lower()))


Benchmark = realign.export(Names)
