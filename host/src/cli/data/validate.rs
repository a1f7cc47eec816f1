//! `data validate`: whether pairs are worth learning from.

use super::super::{args, model, terminal};
use crate::{
    data::{
        decontaminate::source::Against,
        validate::{Request, validate},
    },
    engine::{backend::Backend, recorded::RecordedModel},
    error::Result,
    exit::Exit,
    report,
    sandbox::{Limits, Sandbox},
    settings::Settings,
    store::Store,
    suite::{
        load::{Selection, Suite},
        run::Means,
    },
    train::data::inspect,
};

/// Reads, checks, reports.
pub(super) fn run(settings: &Settings, arguments: &args::DataValidate) -> Result<Exit> {
    let rows = inspect(&arguments.pairs)?;
    let selection = Selection { items: Some(0), without_control: true, ..Selection::default() };
    let suite = arguments.suite.as_deref().map(|path| Suite::load(path, selection)).transpose()?;
    let against = Against::read(&arguments.against)?;
    let mut backend = match &arguments.model {
        Some(name) => model::open(settings, name)?,
        None => Backend::Recorded(RecordedModel::nobody()),
    };
    let request = Request {
        profile: arguments.profile,
        least_pairs: arguments.least_pairs,
        suite: suite.as_ref(),
        held_out: arguments.held_out.iter().cloned().collect(),
        against: (!arguments.against.is_empty()).then_some(&against),
        shift: arguments.model.is_some(),
    };
    let bar = terminal::bar("");
    let mut observer = |stage: &str, done, total| {
        bar.set_prefix(stage.to_owned());
        terminal::advance(&bar, done, total);
    };
    let found = if suite.is_some() || request.shift {
        let store = Store::open(&settings.store)?;
        let sandbox = Sandbox::new(Some(&settings.home.artefacts()), Limits::default())?;
        let mut means = Means { backend: &mut backend, sandbox: &sandbox, store: &store };
        validate(&arguments.pairs, &rows, &request, Some(&mut means), &mut observer)
    } else {
        validate(&arguments.pairs, &rows, &request, None, &mut observer)
    };
    bar.finish_and_clear();
    let found = found?;
    if settings.json {
        terminal::print_json(&found)?;
    } else {
        terminal::print(&report::validate::render(&found))?;
    }
    Ok(super::exit(Some(found.verdict)))
}
