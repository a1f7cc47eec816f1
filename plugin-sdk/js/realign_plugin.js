// Write evaluators for realign in JavaScript: trait detectors, style scorers and benchmarks.
//
//   import * as realign from "./realign_plugin.js";
//
//   export const traitDetector = realign.traitDetector({
//     id: "says-thanks", version: "0.1.0", summary: "Finds a word.",
//     configSchema: { type: "object", required: ["word"], properties: { word: { type: "string" } } },
//     detect: (state, sample) => realign.presence(sample.response.includes(state.word)),
//   });
//
// The host calls `prepare` once. What it returns is kept as JSON and handed to every later call as `state`, for each may
// land in a fresh instance: nothing else survives. There are no files, no network, no clock; `Math.random` gives the same
// numbers every time.

import logging from "realign:evaluator/logging@0.1.0";

// Why something could not be done: config, profile, data, sample, answer or internal.
export class Failure extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// One measured value; the host aggregates numerators and denominators.
export const value = (metric, numerator, denominator = 1) => ({ metric, numerator: Number(numerator), denominator });

// What was measured: one value per metric, in the order of the metrics.
export const scored = (values, { spans = [], notes = {} } = {}) => ({
  tag: "scored",
  val: { values, spans, notes: Object.entries(notes).map(([key, note]) => ({ key, value: String(note) })) },
});

// Outcome of a trait detector: 0 to 1, or whether it was found.
export const presence = (found, more) => scored([value("presence", found)], more);

// Outcome of a style scorer: any scale, higher is nearer to the voice.
export const match = (score, more) => scored([value("match", score)], more);

// The sample gives no occasion to judge.
export const notApplicable = (reason) => ({ tag: "not-applicable", val: reason });

// A stretch of a text, from UTF-16 index `start` to before `end`, as the host counts it.
export const span = (text, start, end, label = "") => {
  const before = utf8(text.slice(0, start)).length;
  return { start: before, end: before + utf8(text.slice(start, end)).length, label };
};

// One quantity that is measured. `aggregation` is mean, ratio-of-sums or geometric.
export const metric = (name, { unit = "share", low = 0, high = 1, chance = null, higherIsBetter = true, aggregation = "mean" } = {}) => ({
  name, unit, low, high, chance, aggregation,
  direction: higherIsBetter ? "higher-is-better" : "lower-is-better",
});

// A question to the host, as in `question("generate", { prompt, max_tokens: 16 })`.
export const question = (kind, body) => ({ kind, body });

// A line in the host's log.
export const log = (message) => logging.log("info", String(message));

// Texts of the voice and texts of others, at least `fewest` of each.
export function voices(rows, fewest = 8) {
  const sides = { exemplars: [], contrast: [] };
  for (const row of rows) {
    if (!Object.hasOwn(sides, row.label) || typeof row.text !== "string") {
      throw new Failure("data", `row ${row._id}: a text with the label exemplars or contrast is needed`);
    }
    sides[row.label].push(row.text);
  }
  for (const [label, texts] of Object.entries(sides)) {
    if (texts.length < fewest) throw new Failure("data", `${texts.length} rows with label ${label}, at least ${fewest} are needed`);
  }
  return sides;
}

// `detect(state, sample, answers)` says how present a trait is.
export const traitDetector = (author) => evaluator({ metrics: [metric("presence")], ...author }, author.detect, (sample) => sample);

// `score(state, sample, answers)` says how near a text is to a voice.
export const styleScorer = (author) =>
  evaluator({ metrics: [metric("match", { unit: "", low: null, high: null })], ...author }, author.score, (sample) => sample);

// `item(state, row)` gives a prompt, a group and a body; `grade(state, body, answers)` an outcome.
export function benchmark(author) {
  const made = evaluator({ metrics: [metric("accuracy")], ...author }, author.grade, (item) => JSON.parse(item.body));
  made.items = (state, rows) => {
    const known = JSON.parse(text(state));
    return rows.map((row) => {
      const { prompt, group, body } = guarded(() => author.item(known, { ...JSON.parse(row.body), _id: row.id }), fail);
      const asked = typeof prompt === "string" ? { tag: "raw", val: prompt } : { tag: "messages", val: prompt };
      return { id: row.id, group: group ?? row.id, prompt: asked, body: JSON.stringify(body) };
    });
  };
  return made;
}

function evaluator({ id, version, summary, metrics, asks = [], configSchema = { type: "object", additionalProperties: false }, ...author }, judge, seen) {
  const prepare = author.prepare ?? ((config) => config);
  const questions = author.questions ?? (() => []);
  return {
    describe: () => ({ id, version, summary, configSchema: JSON.stringify(configSchema), metrics, asks }),
    prepare: (job, data) =>
      guarded(() => {
        const config = JSON.parse(job.config);
        check(configSchema, config);
        const rows = data.map((row) => ({ ...JSON.parse(row.body), _id: row.id }));
        return utf8(JSON.stringify(prepare(config, JSON.parse(job.profile), rows)));
      }, fail),
    step: (state, subjects, answers) => {
      const known = JSON.parse(text(state));
      const given = new Map(answers.map((answer) => [answer.id, answer.body]));
      const asked = subjects.map((subject) => guarded(() => ({ questions: questions(known, seen(subject)) }), cannot));
      const asks = asked.flatMap((found, place) =>
        (found.questions ?? []).map(({ kind, body }, number) => ({ id: `${place}.${number}`, kind, body: JSON.stringify(body) })));
      if (asks.length > 0 && answers.length === 0) return { tag: "asks", val: asks };
      const outcome = (subject, place) => {
        const found = asked[place];
        if (!found.questions) return found;
        return guarded(() => judge(known, seen(subject), found.questions.map((_, number) => answer(given, `${place}.${number}`))), cannot);
      };
      return { tag: "done", val: subjects.map(outcome) };
    },
  };
}

function answer(given, name) {
  if (!given.has(name)) throw new Failure("answer", `there is no answer to ${name}`);
  const body = JSON.parse(given.get(name));
  if (typeof body !== "object" || body === null || "error" in body) throw new Failure("answer", String(body?.error ?? body));
  return body;
}

// Runs the author's code; what it throws becomes a failure.
function guarded(work, otherwise) {
  try {
    return work();
  } catch (error) {
    if (error instanceof Failure) return otherwise({ code: error.code, message: error.message });
    const place = /plugin\.js:(\d+)/.exec(error?.stack ?? "");
    const message = `${error?.name ?? "thrown"}: ${error?.message ?? error}${place ? ` (plugin.js line ${place[1]})` : ""}`;
    return otherwise({ code: "internal", message: message.slice(0, 900) });
  }
}

// The contract's failure: what is thrown has to be the record itself.
function fail(failure) {
  throw failure;
}

const cannot = (failure) => ({ tag: "cannot", val: failure });

const TYPES = {
  string: (found) => typeof found === "string",
  number: (found) => typeof found === "number",
  integer: (found) => Number.isInteger(found),
  boolean: (found) => typeof found === "boolean",
  object: (found) => typeof found === "object" && found !== null && !Array.isArray(found),
  array: Array.isArray,
};

// Refuses settings that the schema rules out: keys that are missing or unknown, values of another type.
function check({ properties = {}, required = [], additionalProperties }, config) {
  for (const key of required) if (!Object.hasOwn(config, key)) throw new Failure("config", `${key} is missing`);
  for (const [key, setting] of Object.entries(config)) {
    if (!Object.hasOwn(properties, key)) {
      if (additionalProperties === false) throw new Failure("config", `there is no setting ${key}`);
      continue;
    }
    const fits = TYPES[properties[key].type];
    if (fits && !fits(setting)) throw new Failure("config", `${key} is ${JSON.stringify(setting)}, not of type ${properties[key].type}`);
  }
}

function utf8(text) {
  const bytes = [];
  for (const character of text) {
    const point = character.codePointAt(0);
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    else bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
  }
  return new Uint8Array(bytes);
}

function text(bytes) {
  let escaped = "";
  for (const byte of bytes) escaped += "%" + (byte < 16 ? "0" : "") + byte.toString(16);
  return decodeURIComponent(escaped);
}
