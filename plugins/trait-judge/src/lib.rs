//! Trait detector: asks the model whether a response shows the trait, and counts.
//!
//! A model prefers the first of two options, or the letter A, whatever they say (Wang et al. 2023, "Large Language Models are
//! not Fair Evaluators"). So every question is put in both orders, as often as `repeats` says. Presence is the share of
//! answers that are yes. An answer that names neither option is a failure of the sample, never a no: a judge that cannot be
//! read has not judged. Where both orders disagree, the note says how often.

use realign_plugin::prelude::*;

/// Most tokens of an answer: a letter, perhaps with a word around it.
const MAX_TOKENS: u32 = 4;
/// Most repeats of each order; both orders of all have to fit a round of asks.
const MOST_REPEATS: u32 = 16;

/// Settings from the suite.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What is asked about the response; by default made of the trait's description.
    question: Option<String>,
    /// How often each order is asked.
    #[serde(default = "one")]
    repeats: u32,
    /// 0 takes the likeliest token; more is needed for repeats to differ.
    #[serde(default)]
    temperature: f64,
}

const fn one() -> u32 {
    1
}

/// A prepared judge.
#[derive(Serialize, Deserialize)]
pub struct Judge {
    question: String,
    repeats: u32,
    temperature: f64,
}

/// The letters that stand for yes, order by order.
const YES: [char; 2] = ['A', 'B'];

impl TraitDetector for Judge {
    type Config = Config;
    const ABOUT: About = about!(include_str!("../config.schema.json"));
    const ASKS: &'static [&'static str] = &[Question::GENERATE];

    fn prepare(config: Config, setup: &Setup<'_>) -> Result<Self, Failure> {
        let Config { question, repeats, temperature } = config;
        if !(1..=MOST_REPEATS).contains(&repeats) {
            return Err(Failure::config(format!("repeats is {repeats}, must be 1 to {MOST_REPEATS}")));
        }
        if !(0.0..=2.0).contains(&temperature) {
            return Err(Failure::config(format!("temperature is {temperature}, must be 0 to 2")));
        }
        if repeats > 1 && temperature <= 0.0 {
            return Err(Failure::config(format!(
                "repeats is {repeats} at temperature 0, where all are the same"
            )));
        }
        let described = || format!("Does this hold for the reply: {}", setup.profile.description);
        let question = question.unwrap_or_else(described);
        if question.trim().is_empty() || question.len() > 2000 {
            return Err(Failure::config("question must have 1 to 2000 bytes"));
        }
        Ok(Self { question, repeats, temperature })
    }

    fn questions(&self, sample: &Sample) -> Result<Vec<Question>, Failure> {
        if sample.response.trim().is_empty() {
            return Ok(Vec::new());
        }
        let mut questions = Vec::new();
        for yes in YES {
            let options = if yes == 'A' { ("yes", "no") } else { ("no", "yes") };
            let text = format!(
                "Reply:\n\"\"\"\n{}\n\"\"\"\n\n{}\nA: {}\nB: {}\n\nAnswer with the letter A or B.",
                sample.response, self.question, options.0, options.1
            );
            questions.extend((0..self.repeats).map(|repeat| Question::Generate {
                prompt: Prompt::user(text.clone()),
                max_tokens: MAX_TOKENS,
                temperature: self.temperature,
                seed: u64::from(repeat),
                stop: Vec::new(),
            }));
        }
        Ok(questions)
    }

    fn detect(&self, sample: &Sample, answers: &Answers<'_>) -> Result<Outcome, Failure> {
        if sample.response.trim().is_empty() {
            return Ok(Outcome::NotApplicable("the response is empty".to_owned()));
        }
        let repeats = self.repeats as usize;
        let mut yes = Vec::with_capacity(2 * repeats);
        for (order, letter) in YES.into_iter().enumerate() {
            for repeat in 0..repeats {
                let said = answers.generate(order * repeats + repeat)?.text;
                let chosen = option(&said).ok_or_else(|| {
                    let beginning: String = said.chars().take(40).collect();
                    Failure::answer(format!("the judge said {beginning:?}, neither A nor B"))
                })?;
                yes.push(chosen == letter);
            }
        }
        let disagreements = (0..repeats).filter(|repeat| yes[*repeat] != yes[repeats + repeat]).count();
        let found = yes.iter().filter(|yes| **yes).count();
        Ok(Scored::default()
            .and("presence", found as f64, yes.len() as f64)
            .note("orders that disagree", format!("{disagreements} of {repeats}"))
            .into())
    }
}

/// The option that an answer begins with: a letter by itself, perhaps in brackets or quotes.
fn option(said: &str) -> Option<char> {
    let mut letters = said.trim_start_matches(|c: char| !c.is_alphanumeric()).chars();
    let first = letters.next()?.to_ascii_uppercase();
    let alone = letters.next().is_none_or(|next| !next.is_alphanumeric());
    (alone && YES.contains(&first)).then_some(first)
}

export_trait_detector!(Judge);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    use super::option;

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::trait_detector::<super::Judge>(include_str!("../cases.toml"))
    }

    #[test]
    fn an_option_is_a_letter_by_itself() {
        for (said, expected) in [
            ("A", Some('A')),
            (" (b) no", Some('B')),
            ("\"B\".", Some('B')),
            ("Absolutely", None),
            ("yes", None),
            ("", None),
        ] {
            assert_eq!(option(said), expected, "{said:?}");
        }
    }
}
