//! What is made of generated texts before they are measured: lm-eval's filters of the same names.
//!
//! A pipeline begins with all texts of a document (one per repeat) and has to end with one. Filters of single texts work on
//! each; `take_first` and `take_first_k` and `majority_vote` choose among them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_norway::Value as Yaml;

use super::{
    file::{FilterPipeline, FilterSpec},
    regex::Pattern,
    render::Row,
    whitespace::trim,
};
use crate::error::{Error, Result};

mod choice;

use choice::ChoiceRegex;

/// Name of the pipeline of tasks that have none of their own.
pub const NONE: &str = "none";

/// Named filters in their order.
#[derive(Debug, Clone, Serialize)]
pub struct Pipeline {
    /// Stands behind the metric's name.
    pub name: String,
    filters: Vec<Filter>,
}

#[derive(Debug, Clone, Serialize)]
enum Filter {
    Regex(Regex),
    ChoiceRegex(ChoiceRegex),
    RemoveWhitespace,
    Lowercase,
    Uppercase,
    Map(Mapped),
    TakeFirst,
    TakeFirstK(usize),
    MajorityVote,
}

/// One match of a pattern.
#[derive(Debug, Clone, Serialize)]
struct Regex {
    source: String,
    /// Which match; negative from the end.
    group_select: i64,
    fallback: String,
    #[serde(skip)]
    pattern: Pattern,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegexSettings {
    #[serde(default = "final_number")]
    regex_pattern: String,
    #[serde(default)]
    group_select: i64,
    #[serde(default = "invalid")]
    fallback: String,
}

fn final_number() -> String {
    r"#### (\-?[0-9\.\,]+)".into()
}

fn invalid() -> String {
    "[invalid]".into()
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapped {
    mapping_dict: BTreeMap<String, String>,
    default_value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    k: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

/// Texts on their way through a pipeline.
enum State {
    Many(Vec<String>),
    One(String),
}

impl Pipeline {
    /// The pipeline of tasks that have none: the first text.
    #[must_use]
    pub fn first() -> Self {
        Self { name: NONE.into(), filters: vec![Filter::TakeFirst] }
    }

    /// All pipelines of a task whose texts are made `repeats` times.
    ///
    /// # Errors
    /// A usage error naming the filter that is unknown, has a setting that it does not know, or does not fit where it stands.
    pub fn all(specs: &[FilterPipeline], repeats: usize) -> Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            let place = format!("filter_list[{index}]");
            let pipeline = Self::new(spec, repeats).map_err(|error| error.within(&place))?;
            if all.iter().any(|other| other.name == pipeline.name) {
                return Err(Error::usage(format!("{place}.name: `{}` stands twice", pipeline.name)));
            }
            all.push(pipeline);
        }
        if all.is_empty() {
            return Err(Error::usage("filter_list: empty").hint("leave it out to measure the first text"));
        }
        Ok(all)
    }

    fn new(spec: &FilterPipeline, repeats: usize) -> Result<Self> {
        let mut filters = Vec::new();
        let mut one = false;
        for (index, spec) in spec.filter.iter().enumerate() {
            let within = |error: Error| error.within(format!("filter[{index}]"));
            if one {
                return Err(within(Error::usage(format!("{}: one text is left before it", spec.function)))
                    .hint("take_first comes last"));
            }
            let filter = Filter::new(spec).map_err(within)?;
            if let Filter::TakeFirstK(k) = filter
                && !(1..=repeats).contains(&k)
            {
                return Err(within(Error::usage(format!("k: {k} of {repeats} repeats"))));
            }
            one = matches!(filter, Filter::TakeFirst);
            filters.push(filter);
        }
        if !one {
            return Err(Error::usage("filter: does not end with one text").hint("end it with take_first"));
        }
        Ok(Self { name: spec.name.clone(), filters })
    }

    /// The text that a document is measured by. `row` is its data.
    ///
    /// # Errors
    /// Bad input naming the filter that cannot be applied.
    pub fn apply(&self, texts: &[String], row: &Row) -> Result<String> {
        let mut state = State::Many(texts.to_vec());
        for filter in &self.filters {
            let State::Many(texts) = state else { break };
            state = filter
                .apply(texts, row)
                .map_err(|message| Error::bad_input(format!("filter_list: {}: {message}", self.name)))?;
        }
        match state {
            State::One(text) => Ok(text),
            State::Many(_) => Err(Error::bad_input(format!("filter_list: {}: no text is left", self.name))),
        }
    }

    /// Refuses rows that a filter cannot be used with.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn check(&self, row: &Row, repeats: usize) -> Result<()> {
        self.apply(&vec![String::new(); repeats], row).map(drop)
    }
}

impl Filter {
    fn new(spec: &FilterSpec) -> Result<Self> {
        let plain = |filter: Self| settings::<NoSettings>(spec).map(|NoSettings {}| filter);
        match spec.function.as_str() {
            "regex" => Regex::new(settings(spec)?).map(Self::Regex),
            "multi_choice_regex" => ChoiceRegex::new(settings(spec)?).map(Self::ChoiceRegex),
            "remove_whitespace" => plain(Self::RemoveWhitespace),
            "lowercase" => plain(Self::Lowercase),
            "uppercase" => plain(Self::Uppercase),
            "map" => settings(spec).map(Self::Map),
            "take_first" => plain(Self::TakeFirst),
            "take_first_k" => settings(spec).map(|First { k }| Self::TakeFirstK(k)),
            "majority_vote" => plain(Self::MajorityVote),
            other => Err(Error::usage(format!("function: `{other}` is not supported")).hint(
                "regex, multi_choice_regex, remove_whitespace, lowercase, uppercase, map, take_first, take_first_k and \
                 majority_vote are",
            )),
        }
    }

    fn apply(&self, texts: Vec<String>, row: &Row) -> Result<State, String> {
        let each =
            |change: &dyn Fn(&str) -> String| State::Many(texts.iter().map(|text| change(text)).collect());
        Ok(match self {
            Self::Regex(regex) => {
                State::Many(texts.iter().map(|text| regex.apply(text)).collect::<Result<_, _>>()?)
            }
            Self::ChoiceRegex(regex) => State::Many(regex.apply(&texts, row)?),
            Self::RemoveWhitespace => each(&|text| trim(text).to_owned()),
            Self::Lowercase => each(&str::to_lowercase),
            Self::Uppercase => each(&str::to_uppercase),
            Self::Map(Mapped { mapping_dict, default_value }) => {
                each(&|text| mapping_dict.get(text).unwrap_or(default_value).clone())
            }
            Self::TakeFirst => State::One(texts.into_iter().next().ok_or("no text")?),
            Self::TakeFirstK(k) => State::Many(texts.into_iter().take(*k).collect()),
            Self::MajorityVote => State::Many(vec![majority(&texts).ok_or("no text")?.to_owned()]),
        })
    }
}

/// The commonest text, the first of equally common ones.
fn majority(texts: &[String]) -> Option<&str> {
    let count = |text: &String| texts.iter().filter(|other| *other == text).count();
    let most = texts.iter().map(count).max()?;
    texts.iter().find(|text| count(text) == most).map(String::as_str)
}

fn settings<T: DeserializeOwned>(spec: &FilterSpec) -> Result<T> {
    let mapping = spec.settings.iter().map(|(key, value)| (Yaml::String(key.clone()), value.clone()));
    serde_norway::from_value(Yaml::Mapping(mapping.collect()))
        .map_err(|error| Error::usage(format!("{}: {}", spec.function, error.to_string().replace('\n', " "))))
}

impl Regex {
    fn new(settings: RegexSettings) -> Result<Self> {
        let RegexSettings { regex_pattern: source, group_select, fallback } = settings;
        let pattern =
            Pattern::new(&source).map_err(|message| Error::usage(format!("regex_pattern: {message}")))?;
        Ok(Self { source, group_select, fallback, pattern })
    }

    fn apply(&self, text: &str) -> Result<String, String> {
        let found = self.select(&self.pattern.find_all(text)?);
        Ok(found.unwrap_or_else(|| self.fallback.clone()))
    }

    /// Of the wanted match the first group that took part; `None` where there is no such match or group. (Where there are
    /// matches and too few of them lm-eval ends with an error.)
    fn select(&self, matches: &[Vec<String>]) -> Option<String> {
        let from_end =
            || usize::try_from(-self.group_select).ok().and_then(|back| matches.len().checked_sub(back));
        let place = usize::try_from(self.group_select).ok().or_else(from_end);
        let groups = matches.get(place?)?;
        let whole = groups.len() == 1;
        let taken = groups.iter().find(|group| whole || !group.is_empty());
        taken.map(|group| trim(group).to_owned())
    }
}

#[cfg(test)]
mod tests;
