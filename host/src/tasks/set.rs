//! A task file as it is asked for: one task, or a group with everything that it names.
//!
//! Names are looked up among the `.yaml` files of the group's folder and those below it; a tag stands for all tasks that have
//! it, in the order of their names. Keys of a group that are not its own go to its members, whose own entry in the list wins.

use std::path::Path;

use serde::Deserialize;
use serde_norway::{Mapping, Value as Yaml};

use super::{
    file::OneOrMany,
    include::Source,
    names::Names,
    task::{Options, Task},
};
use crate::error::{Error, Result};

/// Deepest group in a group.
const MOST_DEPTH: usize = 16;

/// Keys of a group that are its own.
const GROUP_KEYS: [&str; 5] = ["group", "group_alias", "task", "aggregate_metric_list", "metadata"];

/// Tasks that are asked together.
#[derive(Debug, Clone)]
pub struct TaskSet {
    /// Name of the task, or of the group.
    pub name: String,
    /// In the order of the file; none stands twice.
    pub tasks: Vec<Task>,
    /// Groups, each before those in it.
    pub groups: Vec<Group>,
}

/// Tasks whose numbers become one.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Names of what it lists.
    pub children: Vec<String>,
    /// Places of all its tasks, those of its groups included; one that stands in two of its groups counts twice, as in
    /// lm-eval.
    pub members: Vec<usize>,
    /// What becomes one number.
    pub aggregates: Vec<Aggregate>,
}

/// One number of a group.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Aggregate {
    /// Metric of every member.
    pub metric: String,
    /// Which of their pipelines; all where absent.
    pub filters: Option<Vec<String>>,
    /// Whether every document counts the same, instead of every task.
    pub weight_by_size: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupFile {
    group: String,
    #[serde(default, rename = "group_alias")]
    _alias: Option<String>,
    task: Yaml,
    #[serde(default)]
    aggregate_metric_list: Option<Yaml>,
    #[serde(default, rename = "metadata")]
    _metadata: Option<Yaml>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AggregateSpec {
    metric: String,
    #[serde(default)]
    filter_list: Option<OneOrMany>,
    #[serde(default)]
    aggregation: Option<String>,
    #[serde(default = "by_size")]
    weight_by_size: bool,
}

const fn by_size() -> bool {
    true
}

impl TaskSet {
    /// Reads a task file, or a group's with all its members.
    ///
    /// # Errors
    /// As [`Task::new`]; a usage error naming the member that is not found or stands twice.
    pub fn read(path: &Path, options: &Options) -> Result<Self> {
        let source = Source::read(path)?;
        if source.document.get("group").is_none() {
            let task = Task::new(&source, options)?;
            return Ok(Self { name: task.name.clone(), tasks: vec![task], groups: Vec::new() });
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let names = Names::below(folder)?;
        let name = source.name("group").unwrap_or_default().to_owned();
        let mut builder = Builder {
            names,
            options,
            set: Self { name, tasks: Vec::new(), groups: Vec::new() },
            sources: Vec::new(),
        };
        builder.group(&source, None, &Mapping::new(), 0)?;
        Ok(builder.set)
    }

    /// How many documents there are.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.tasks.iter().map(|task| task.documents.len()).sum()
    }
}

struct Builder<'a> {
    names: Names,
    options: &'a Options,
    set: TaskSet,
    /// What each task of the set was made of.
    sources: Vec<Mapping>,
}

impl Builder<'_> {
    /// Adds a group; gives its name and the places of its tasks.
    fn group(
        &mut self,
        source: &Source,
        name: Option<String>,
        overrides: &Mapping,
        depth: usize,
    ) -> Result<(String, Vec<usize>)> {
        let place = source.path.display().to_string();
        if depth > MOST_DEPTH {
            return Err(Error::usage(format!("{place}: groups in groups deeper than {MOST_DEPTH}")));
        }
        let own = |key: &Yaml| key.as_str().is_some_and(|key| GROUP_KEYS.contains(&key));
        let (own, mut inherited): (Mapping, Mapping) =
            source.document.clone().into_iter().partition(|(key, _)| own(key));
        inherited.extend(overrides.clone());
        let file: GroupFile = Source::inline(&source.path, own).fit()?;
        let name = name.unwrap_or(file.group);
        if self.set.groups.iter().any(|group| group.name == name) {
            return Err(Error::usage(format!("{place}: group `{name}` stands twice")));
        }
        let aggregates = aggregates(file.aggregate_metric_list).map_err(|error| error.within(&place))?;
        let index = self.set.groups.len();
        self.set.groups.push(Group {
            name: name.clone(),
            children: Vec::new(),
            members: Vec::new(),
            aggregates,
        });
        let Yaml::Sequence(items) = file.task else {
            // There a single name is no member at all.
            return Err(Error::usage(format!("{place}: task: not a list")));
        };
        let (mut children, mut members) = (Vec::new(), Vec::new());
        for item in &items {
            let found = self.member(source, &name, item, &inherited, depth);
            for (child, places) in found.map_err(|error| {
                if error.to_string().starts_with(&place) { error } else { error.within(&place) }
            })? {
                if !children.contains(&child) {
                    children.push(child);
                    members.extend(places);
                }
            }
        }
        if members.is_empty() {
            return Err(Error::usage(format!("{place}: group `{name}` has no tasks")));
        }
        let group = &mut self.set.groups[index];
        (group.children, group.members) = (children, members);
        check(&self.set.groups[index], &self.set.tasks).map_err(|error| error.within(&place))?;
        Ok((name, self.set.groups[index].members.clone()))
    }

    /// What one entry of a group's list stands for: names with the places of their tasks.
    fn member(
        &mut self,
        parent: &Source,
        group: &str,
        item: &Yaml,
        inherited: &Mapping,
        depth: usize,
    ) -> Result<Vec<(String, Vec<usize>)>> {
        let (name, own) = match item {
            Yaml::String(name) => (name.clone(), Mapping::new()),
            Yaml::Mapping(own) => {
                let name = own.get("group").or_else(|| own.get("task")).and_then(Yaml::as_str);
                let name =
                    name.ok_or_else(|| Error::usage("task: an entry has neither a `task` nor a `group`"))?;
                (name.to_owned(), own.clone())
            }
            _ => return Err(Error::usage("task: neither names nor mappings")),
        };
        let inner = own.contains_key("group");
        let mut overrides = inherited.clone();
        overrides.extend(own.clone().into_iter().filter(|(key, _)| key.as_str() != Some("group")));
        if let Some(tasks) = self.names.tags.get(&name).filter(|_| !inner).cloned() {
            overrides.remove("task");
            let mut found = Vec::with_capacity(tasks.len());
            for task in tasks {
                let source = self.file(&task)?;
                found.push(self.task(&source, &overrides)?);
            }
            return Ok(found);
        }
        if self.names.files.contains_key(&name) {
            let source = self.file(&name)?;
            if source.document.contains_key("group") {
                overrides.remove("task");
                return Ok(vec![self.group(&source, None, &overrides, depth + 1)?]);
            }
            overrides.remove("task");
            return Ok(vec![self.task(&source, &overrides)?]);
        }
        let inline = |document: Mapping| Source::inline(&parent.path, document);
        if inner {
            let source = inline(own);
            return Ok(vec![self.group(&source, Some(format!("{group}::{name}")), inherited, depth + 1)?]);
        }
        if own.len() > 1 {
            overrides.insert("task".into(), format!("{group}::{name}").into());
            return Ok(vec![self.task(&inline(overrides), &Mapping::new())?]);
        }
        Err(Error::usage(format!(
            "task: no file of this folder is called `{name}`, and no task has that tag"
        )))
    }

    fn file(&self, name: &str) -> Result<Source> {
        let path = self.names.files.get(name);
        path.map_or_else(
            || Err(Error::usage(format!("task: no file is called `{name}`"))),
            |path| Source::read(path),
        )
    }

    /// Adds a task, or finds it among those that are there.
    fn task(&mut self, source: &Source, overrides: &Mapping) -> Result<(String, Vec<usize>)> {
        let source = source.clone().with(overrides);
        let name = source.name("task").unwrap_or_default().to_owned();
        if let Some(place) = self.set.tasks.iter().position(|task| task.name == name) {
            if self.sources[place] == source.document {
                return Ok((name, vec![place]));
            }
            return Err(Error::usage(format!("task: `{name}` stands twice, with different keys")));
        }
        let task = Task::new(&source, self.options)?;
        self.set.tasks.push(task);
        self.sources.push(source.document);
        Ok((name, vec![self.set.tasks.len() - 1]))
    }
}

fn aggregates(list: Option<Yaml>) -> Result<Vec<Aggregate>> {
    let specs = match list {
        None | Some(Yaml::Null) => Vec::new(),
        Some(Yaml::Sequence(many)) => many,
        Some(one) => vec![one],
    };
    let specs = specs.into_iter().map(serde_norway::from_value).collect::<Result<Vec<AggregateSpec>, _>>();
    let specs = specs.map_err(|error| {
        Error::usage(format!("aggregate_metric_list: {}", error.to_string().replace('\n', " ")))
    })?;
    let one = |spec: AggregateSpec| {
        if let Some(other) = spec.aggregation.filter(|name| name != "mean") {
            return Err(Error::usage(format!("aggregate_metric_list: aggregation `{other}`, only mean")));
        }
        let filters = spec.filter_list.map(|list| list.list().into_iter().map(str::to_owned).collect());
        Ok(Aggregate { metric: spec.metric, filters, weight_by_size: spec.weight_by_size })
    };
    specs.into_iter().map(one).collect()
}

/// Refuses a number that some member does not have: a mean over the others would look like one over all.
fn check(group: &Group, tasks: &[Task]) -> Result<()> {
    for aggregate in &group.aggregates {
        let wrong = |what: String| Err(Error::usage(format!("aggregate_metric_list: {what}")));
        for task in group.members.iter().map(|place| &tasks[*place]) {
            let Some(metric) = task.metrics.iter().find(|metric| metric.name == aggregate.metric) else {
                return wrong(format!("task `{}` has no metric `{}`", task.name, aggregate.metric));
            };
            if !metric.is_share() {
                return wrong(format!("`{}` is no mean over documents", metric.name));
            }
            for filter in aggregate.filters.iter().flatten() {
                if !task.pipelines.iter().any(|pipeline| pipeline.name == *filter) {
                    return wrong(format!("task `{}` has no filter `{filter}`", task.name));
                }
            }
        }
    }
    Ok(())
}
