//! What any evaluator in any language has to hold.
//!
//! An outcome has to follow from settings, data and sample alone: the same bits alone, in a batch, reversed and repeated. No
//! text may break it. What it hands back is checked by the sandbox as in a run, so a score that is not finite, lies outside
//! of its range or marks half a character shows here as a broken contract.

use std::collections::BTreeSet;

use realign_plugin::cases::{Case, Cases};
use serde_json::{Map, Value};

use super::{
    Check, Status, cases, schema,
    texts::{LONGEST, probes},
};
use crate::{
    error::Result,
    ids::Seed,
    model::{Failure, Finish, Outcome, Sample},
    plugins::{card::guess, contract},
    sandbox::{Answer, Ask, Evaluator, Item, Kind, Prepared, Row, Sandbox},
};

/// Codes with which an evaluator may refuse a sample.
const ALLOWED: [&str; 2] = ["sample", "answer"];
/// Codes with which the host may end it on the longest text: limits are the same on every machine, and a cell that hits one
/// is a failed cell.
const LIMITS: [&str; 2] = ["fuel", "memory"];

/// What checks are tried on.
enum Subjects {
    Samples(Vec<Sample>),
    Items(Vec<Item>),
}

/// What answers look like.
type Answers = fn(&[Ask]) -> Vec<Answer>;

/// Runs every check.
///
/// # Errors
/// Exit 20 where the safety net stopped the component twice.
pub fn run(
    wasm: &[u8],
    evaluator: &Evaluator,
    cases: Option<&Cases>,
    sandbox: &Sandbox,
) -> Result<Vec<Check>> {
    let mut checks =
        vec![world(wasm, evaluator.kind()), describes(wasm, evaluator, sandbox)?, examples(cases)];
    let config =
        cases.and_then(|cases| cases.job.config.clone()).unwrap_or_else(|| Value::Object(Map::new()));
    let prepared = match prepare(evaluator, cases, &config) {
        Ok(prepared) => prepared,
        Err(error) => {
            let detail = format!("{error}; settings that work belong into [job] of cases.toml");
            checks.push(Check { name: "prepare", status: Status::Broken, detail });
            return Ok(checks);
        }
    };
    checks.push(prepares(evaluator, cases, &config, &prepared));
    checks.push(settings(evaluator, cases, &config));
    if evaluator.kind() == Kind::Benchmark {
        checks.push(rows(&prepared));
    }
    let (names, subjects) = subjects(&prepared, cases);
    checks.extend(judges(&prepared, &names, &subjects)?);
    Ok(checks)
}

fn held(name: &'static str, detail: impl Into<String>) -> Check {
    Check { name, status: Status::Held, detail: detail.into() }
}

fn broken(name: &'static str, detail: impl Into<String>) -> Check {
    Check { name, status: Status::Broken, detail: detail.into() }
}

fn skipped(name: &'static str, detail: impl Into<String>) -> Check {
    Check { name, status: Status::Skipped, detail: detail.into() }
}

fn world(wasm: &[u8], kind: Kind) -> Check {
    match contract::fits(wasm, kind) {
        Ok(()) => held("world", format!("it fits {}", contract::world_name(kind))),
        Err(reason) => broken("world", reason),
    }
}

fn describes(wasm: &[u8], evaluator: &Evaluator, sandbox: &Sandbox) -> Result<Check> {
    let again = sandbox.load(wasm)?;
    Ok(if again.description() == evaluator.description() {
        held("describe", "it says the same twice")
    } else {
        broken("describe", "it describes itself differently the second time")
    })
}

fn examples(cases: Option<&Cases>) -> Check {
    match cases {
        Some(cases) => held("examples", format!("{} in cases.toml", cases.cases.len())),
        None => skipped("examples", "there is no cases.toml; its examples are worth having"),
    }
}

/// The component with settings, and with the data of its cases.
///
/// # Errors
/// As [`Evaluator::prepare`].
pub fn prepare(evaluator: &Evaluator, cases: Option<&Cases>, config: &Value) -> Result<Prepared> {
    let rows = cases.map_or_else(Vec::new, |cases| {
        let rows = cases.cases.first().map(|case| {
            // All rows, whatever the first case leaves out.
            let whole = Case { first_rows: None, ..case.clone() };
            cases.rows(&whole)
        });
        rows.unwrap_or_default().into_iter().map(|row| Row { id: row.id, body: row.body }).collect()
    });
    let profile = cases.map_or_else(|| "{\"schema\":1,\"persona\":\"Example\"}".to_owned(), Cases::profile);
    let grants = evaluator.description().asks.clone();
    evaluator.prepare(&config.to_string(), &profile, &rows, &grants)
}

fn prepares(evaluator: &Evaluator, cases: Option<&Cases>, config: &Value, first: &Prepared) -> Check {
    match prepare(evaluator, cases, config) {
        Ok(second) if second.digest() == first.digest() => held("prepare", "the same state twice"),
        Ok(_) => broken("prepare", "another state the second time"),
        Err(error) => broken("prepare", format!("refused the second time: {error}")),
    }
}

/// Settings that the schema rules out are refused by name, those of the cases are allowed by it.
fn settings(evaluator: &Evaluator, cases: Option<&Cases>, config: &Value) -> Check {
    const NAME: &str = "schema";
    let described: Value = serde_json::from_str(&evaluator.description().config_schema).unwrap_or_default();
    if let Some(misfit) = schema::first_misfit(&described, config) {
        return broken(NAME, misfit);
    }
    let ruled_out = schema::ruled_out(&described, config);
    for (what, wrong) in &ruled_out {
        match prepare(evaluator, cases, wrong) {
            Ok(_) => return broken(NAME, format!("settings {what} are ruled out by the schema, and taken")),
            Err(error) if !error.to_string().contains("prepare failed: config: ") => {
                return broken(
                    NAME,
                    format!("settings {what} end in: {error}; a failure `config` is expected"),
                );
            }
            Err(_) => {}
        }
    }
    if ruled_out.is_empty() {
        return skipped(NAME, "it rules nothing out");
    }
    held(NAME, format!("{} settings that it rules out are refused", ruled_out.len()))
}

/// Rows that are no rows are refused by name.
fn rows(prepared: &Prepared) -> Check {
    let wrong =
        [r"{}", r#"{"id":"x"}"#, r#"{"prompt":3,"choices":"x","answer":[],"text":{},"question":null}"#];
    for body in wrong {
        let row = Row { id: "row".into(), body: body.into() };
        if let Err(error) = prepared.items(&[row])
            && !error.to_string().contains(": data: ")
        {
            return broken("rows", format!("row {body} ends in: {error}; a failure `data` is expected"));
        }
    }
    held("rows", format!("{} rows that are none are refused or taken", wrong.len()))
}

/// Names and subjects: the texts every evaluator is tried on and those of its cases, or the items of its cases.
fn subjects(prepared: &Prepared, cases: Option<&Cases>) -> (Vec<String>, Subjects) {
    let own = cases.map_or(&[][..], |cases| &cases.cases);
    if prepared.evaluator().kind() == Kind::Benchmark {
        let rows = own.iter().filter_map(Case::item_row);
        let items = rows.filter_map(|row| prepared.items(&[Row { id: row.id, body: row.body }]).ok()?.pop());
        let items: Vec<Item> = items.collect();
        let mut seen = BTreeSet::new();
        let items: Vec<Item> = items.into_iter().filter(|item| seen.insert(item.id.clone())).collect();
        return (items.iter().map(|item| format!("item {:?}", item.id)).collect(), Subjects::Items(items));
    }
    let probe = |(name, response): (&str, String)| Sample {
        id: name.to_owned(),
        family: name.to_owned(),
        kind: "plain".into(),
        prompt: Vec::new(),
        response,
        finish: Finish::End,
    };
    let mut samples: Vec<Sample> = probes().into_iter().map(probe).collect();
    for case in own {
        if let Some(sample) = cases::sample(case)
            && samples.iter().all(|other| other.id != sample.id)
        {
            samples.push(sample);
        }
    }
    (samples.iter().map(|sample| sample.id.clone()).collect(), Subjects::Samples(samples))
}

impl Subjects {
    /// Outcomes of the subjects at these places, in one batch.
    fn whole(
        &self,
        prepared: &Prepared,
        places: &[usize],
        backward: bool,
        answers: Answers,
    ) -> Result<Result<Vec<Outcome>, Failure>> {
        let mut answer = |asks: &[Ask]| Ok(answers(asks));
        match self {
            Self::Samples(samples) => {
                let batch: Vec<Sample> = places.iter().map(|place| samples[*place].clone()).collect();
                prepared.judge_whole(&batch, backward, &mut answer)
            }
            Self::Items(items) => {
                let batch: Vec<Item> = places.iter().map(|place| items[*place].clone()).collect();
                prepared.grade_whole(&batch, backward, &mut answer)
            }
        }
    }
}

/// What subjects get alone; what they get otherwise has to be the same.
struct Known<'a> {
    prepared: &'a Prepared,
    names: &'a [String],
    subjects: &'a Subjects,
    alone: Vec<Option<Outcome>>,
    /// Places of subjects that do not break the evaluator by themselves, as they would any batch that they are in.
    sound: Vec<usize>,
}

/// Whether this is a way in which a subject may fail.
fn may_fail(name: &str, code: &str) -> bool {
    ALLOWED.contains(&code) || (name == LONGEST && LIMITS.contains(&code))
}

fn judges(prepared: &Prepared, names: &[String], subjects: &Subjects) -> Result<Vec<Check>> {
    let mut known = Known { prepared, names, subjects, alone: Vec::new(), sound: Vec::new() };
    let (mut faults, mut over) = (Vec::new(), String::new());
    for (place, name) in names.iter().enumerate() {
        let outcome = subjects.whole(prepared, &[place], false, guessed)?;
        let outcome = match outcome {
            Ok(mut outcomes) => outcomes.pop(),
            Err(failure) => Some(Outcome::Failed(failure)),
        };
        match &outcome {
            Some(Outcome::Failed(Failure { code, message })) if !ALLOWED.contains(&code.as_str()) => {
                let words = format!("{name}: {code}: {message}");
                if may_fail(name, code) {
                    over = format!("; {words}");
                } else {
                    faults.push(words);
                }
            }
            Some(_) => known.sound.push(place),
            None => faults.push(format!("{name}: no outcome")),
        }
        known.alone.push(outcome);
    }
    let what = if matches!(subjects, Subjects::Items(_)) { "items" } else { "texts" };
    let mut checks = vec![match faults.first() {
        None if names.is_empty() => {
            skipped(what, "there is nothing to judge: cases.toml has no rows that it takes")
        }
        None => held(what, format!("{} {what}, every outcome fits its description{over}", names.len())),
        Some(first) => broken(what, format!("{} of {} {what} fail; {first}", faults.len(), names.len())),
    }];
    let sound = &known.sound;
    checks.push(known.same(
        "repeated",
        "one by one again",
        sound.iter().map(|place| vec![*place]).collect(),
    )?);
    checks.push(known.same("batch", "in one batch", vec![sound.clone()])?);
    checks.push(known.same("reversed", "in reverse order", vec![sound.iter().rev().copied().collect()])?);
    checks.push(match subjects.whole(prepared, &[], false, guessed)? {
        Ok(_) => held("empty batch", "no samples, no outcomes"),
        Err(failure) => broken("empty batch", format!("{}: {}", failure.code, failure.message)),
    });
    checks.extend(known.asks()?);
    Ok(checks)
}

impl Known<'_> {
    /// Whether subjects get the outcomes that they got alone, bit by bit, in other batches.
    fn same(&self, name: &'static str, how: &str, batches: Vec<Vec<usize>>) -> Result<Check> {
        if self.sound.is_empty() {
            return Ok(skipped(name, "nothing was judged"));
        }
        for batch in batches {
            let outcomes = match self.subjects.whole(self.prepared, &batch, false, guessed)? {
                Ok(outcomes) => outcomes,
                Err(failure) => {
                    return Ok(broken(name, format!("{how}: {}: {}", failure.code, failure.message)));
                }
            };
            if let Some(difference) = self.difference(&batch, &outcomes) {
                return Ok(broken(name, format!("{difference} {how}")));
            }
        }
        Ok(held(name, format!("{} outcomes, the same bits {how}", self.sound.len())))
    }

    /// The first of a batch whose outcome is another one than alone.
    fn difference(&self, batch: &[usize], outcomes: &[Outcome]) -> Option<String> {
        // As JSON, so that 0 and -0 differ.
        let bits = |outcome: Option<&Outcome>| serde_json::to_string(&outcome).expect("outcomes are JSON");
        let alone = |place: usize| bits(self.alone[place].as_ref());
        let mut judged = batch.iter().zip(outcomes);
        let (place, outcome) = judged.find(|(place, outcome)| bits(Some(outcome)) != alone(**place))?;
        let other = bits(Some(outcome));
        Some(format!("{}: alone {}, {}", self.names[*place], short(&alone(*place)), short(&other)))
    }

    /// Answers in another order, and answers that are no help.
    fn asks(&self) -> Result<Vec<Check>> {
        const ORDER: &str = "order of answers";
        const USELESS: &str = "useless answers";
        if self.prepared.evaluator().description().asks.is_empty() {
            return Ok(vec![skipped(ORDER, "it asks nothing"), skipped(USELESS, "it asks nothing")]);
        }
        let order = match self.subjects.whole(self.prepared, &self.sound, true, guessed)? {
            Err(failure) => broken(ORDER, format!("{}: {}", failure.code, failure.message)),
            Ok(outcomes) => match self.difference(&self.sound, &outcomes) {
                Some(difference) => broken(ORDER, format!("{difference} with its answers in reverse order")),
                None => held(ORDER, "the same bits with its answers in reverse order"),
            },
        };
        for answers in [refused as Answers, empty] {
            for (place, name) in self.names.iter().enumerate() {
                let failure = match self.subjects.whole(self.prepared, &[place], false, answers)? {
                    Ok(outcomes) => match outcomes.into_iter().next() {
                        Some(Outcome::Failed(failure)) => failure,
                        _ => continue,
                    },
                    Err(failure) => failure,
                };
                if !may_fail(name, &failure.code) {
                    let Failure { code, message } = failure;
                    let detail = format!("{name}: {code}: {message}; a failure `answer` is expected");
                    return Ok(vec![order, broken(USELESS, detail)]);
                }
            }
        }
        let held = held(USELESS, "answers that are errors or empty cost their sample and nothing else");
        Ok(vec![order, held])
    }
}

fn short(text: &str) -> String {
    text.chars().take(160).collect()
}

fn guessed(asks: &[Ask]) -> Vec<Answer> {
    guess::answers(asks, Seed(0))
}

fn refused(asks: &[Ask]) -> Vec<Answer> {
    asks.iter().map(|ask| Answer { id: ask.id.clone(), body: r#"{"error":"no"}"#.into() }).collect()
}

fn empty(asks: &[Ask]) -> Vec<Answer> {
    asks.iter().map(|ask| Answer { id: ask.id.clone(), body: "{}".into() }).collect()
}
