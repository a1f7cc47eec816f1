import * as realign from "./realign_plugin.js";

export const traitDetector = realign.traitDetector({
  id: "{{name}}",
  version: "0.1.0",
  summary: "Finds a word in a response.",
  configSchema: {
    type: "object",
    required: ["word"],
    additionalProperties: false,
    properties: { word: { type: "string" } },
  },

  prepare(config) {
    if (config.word === "") throw new realign.Failure("config", "word is empty");
    return { word: config.word.toLowerCase() };
  },

  detect(state, sample) {
    const words = [...sample.response.matchAll(/[\p{L}\p{N}]+/gu)];
    const found = words.filter(([word]) => word.toLowerCase() === state.word);
    const spans = found.slice(0, 8).map((word) => realign.span(sample.response, word.index, word.index + word[0].length, "word"));
    return realign.presence(found.length > 0, { spans });
  },
});
