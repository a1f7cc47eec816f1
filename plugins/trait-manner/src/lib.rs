//! Trait detector: manner of a reply by rules. Greeting, question back, closing, hedging, person, emoji.
//!
//! Presence is the share of the given rules that hold, as with `trait-structure`, which looks at length and layout. The
//! phrases are English; everything else is not bound to a language.

use realign_plugin::{
    prelude::*,
    rules::{self, Verdict},
};

mod measure;

use measure::Reply;

/// The rules, as the suite gives them; also the prepared detector, since nothing has to be prepared.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manner {
    /// Whether it must, or must not, begin with a greeting.
    greeting: Option<bool>,
    /// Whether it must, or must not, ask something.
    question: Option<bool>,
    /// Whether it must, or must not, end with a farewell.
    closing: Option<bool>,
    /// Most hedges (perhaps, it seems, might) for each sentence.
    max_hedges: Option<f64>,
    /// As whom it speaks most.
    person: Option<Person>,
    /// Fewest and most emoji.
    emoji: Option<[usize; 2]>,
}

/// As whom a reply speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Person {
    /// I, me, my.
    I,
    /// We, us, our.
    We,
    /// Neither.
    Nobody,
}

impl TraitDetector for Manner {
    type Config = Self;
    const ABOUT: About = about!(include_str!("../config.schema.json"));

    fn prepare(config: Self, _: &Setup<'_>) -> Result<Self, Failure> {
        rules::check_range("emoji", config.emoji)?;
        if let Some(most) = config.max_hedges
            && !(0.0..=10.0).contains(&most)
        {
            return Err(Failure::config(format!("max_hedges is {most}, must be 0 to 10")));
        }
        rules::check_some(&config.verdicts(&Reply::read("")))?;
        Ok(config)
    }

    fn detect(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        let reply = Reply::read(&sample.response);
        if reply.is_without_words() {
            return Ok(Outcome::NotApplicable("the response has no words".to_owned()));
        }
        Ok(rules::presence(self.verdicts(&reply)))
    }
}

impl Manner {
    /// One verdict per given rule, in the order of the fields.
    fn verdicts<'a>(&self, reply: &Reply<'a>) -> Vec<Verdict> {
        let wanted = |rule, wanted: Option<bool>, has: fn(&Reply<'a>) -> bool| {
            wanted.map(|wanted| Verdict::wanted(rule, wanted, has(reply)))
        };
        let hedges = self.max_hedges.map(|most| {
            let rate = reply.hedges_per_sentence();
            Verdict::new("max_hedges", rate <= most, &format!("{rate:.2} of at most {most}"))
        });
        let person = self.person.map(|wanted| {
            let found = reply.person();
            Verdict::new("person", found == wanted, &format!("{found:?}").to_lowercase())
        });
        let emoji = self.emoji.map(|range| Verdict::within("emoji", range, reply.emoji()));
        let given = [
            wanted("greeting", self.greeting, Reply::greets),
            wanted("question", self.question, Reply::asks),
            wanted("closing", self.closing, Reply::closes),
            hedges,
            person,
            emoji,
        ];
        given.into_iter().flatten().collect()
    }
}

export_trait_detector!(Manner);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::trait_detector::<super::Manner>(include_str!("../cases.toml"))
    }
}
