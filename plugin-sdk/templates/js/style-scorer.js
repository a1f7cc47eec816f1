import * as realign from "./realign_plugin.js";

const words = (text) => text.split(/\s+/).filter(Boolean);

function wordsPerSentence(text) {
  const sentences = text.split(/[.!?]+/).map(words).filter((sentence) => sentence.length > 0);
  return sentences.reduce((sum, sentence) => sum + sentence.length, 0) / Math.max(sentences.length, 1);
}

export const styleScorer = realign.styleScorer({
  id: "{{name}}",
  version: "0.1.0",
  summary: "How near the length of sentences is to that of the voice.",

  prepare(config, profile, rows) {
    const { exemplars } = realign.voices(rows);
    return { usual: exemplars.map(wordsPerSentence).reduce((sum, mean) => sum + mean, 0) / exemplars.length };
  },

  score(state, sample) {
    if (words(sample.response).length === 0) return realign.notApplicable("the response has no words");
    return realign.match(-Math.abs(wordsPerSentence(sample.response) - state.usual));
  },
});
