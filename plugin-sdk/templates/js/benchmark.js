import * as realign from "./realign_plugin.js";

export const benchmark = realign.benchmark({
  id: "{{name}}",
  version: "0.1.0",
  summary: "Does the model name what is asked for?",
  asks: ["generate"],

  item(state, row) {
    for (const key of ["question", "answer"]) {
      if (typeof row[key] !== "string" || row[key] === "") throw new realign.Failure("data", `row ${row._id}: ${key} is missing`);
    }
    return { prompt: row.question, group: row.group, body: { question: row.question, answer: row.answer } };
  },

  questions: (state, body) => [realign.question("generate", { prompt: body.question, max_tokens: 16 })],

  grade(state, body, [answer]) {
    if (typeof answer.text !== "string") throw new realign.Failure("answer", "the answer has no text");
    return realign.scored([realign.value("accuracy", answer.text.toLowerCase().includes(body.answer.toLowerCase()))]);
  },
});
