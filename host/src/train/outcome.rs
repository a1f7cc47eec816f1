//! What comes out of a training: the adapter, how far it moves the model, and whether that is allowed.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use serde::{Deserialize, Serialize};

use super::{
    beside::{self, Beside},
    checkpoint,
    config::Kind,
    export,
    folder::Folder,
    job::Job,
    run::{Notice, Observer},
    search::{Point, search},
    session::{Lost, Session},
    state::{Choice, Guarded, Measured, State, Validated, Why},
    watch::{Warning, Watched, Watcher},
};
use crate::{
    engine::backend::Identity,
    error::{Error, Result},
    exit::Exit,
    gates::{Rule, decide},
    ids::Digest,
    metrics::{self, Kl},
    model::{Direction, Verdict},
    read,
    suite::{persona_run::plain, record::Metric},
    write::Output,
};

/// Version of the document; raised when an old reader would misread a new one.
pub const FORMAT: u32 = 1;

/// A finished training. It holds no clock and no path that differs between machines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// [`FORMAT`].
    pub format: u32,
    /// The first 12 digits of the plan's digest.
    pub id: String,
    /// Name of the configuration.
    pub name: String,
    /// What was trained.
    pub kind: Kind,
    /// Folder of the adapter, within the run's: `adapter`, or `adapter-over-limit`.
    pub adapter: String,
    /// Steps that were taken, and the one whose adapter came out.
    pub steps: u32,
    /// The step whose adapter came out.
    pub exported_step: u32,
    /// Why it is this one.
    #[serde(default)]
    pub why: Why,
    /// What the adapter was multiplied by.
    pub factor: f32,
    /// Loss of the last step.
    pub last_loss: Option<f64>,
    /// Validations, oldest first.
    pub validated: Vec<Validated>,
    /// Divergence on the way, oldest first.
    pub measured: Vec<Measured>,
    /// What the guard did.
    pub guarded: Vec<Guarded>,
    /// What the suite of `[watch]` said on the way, oldest first; empty where none watched.
    #[serde(default)]
    pub watched: Vec<Watched>,
    /// What it says of the adapter that came out, under its factor.
    pub exported: Option<Watched>,
    /// `kl`, with its gate, where prompts were given.
    pub metrics: Vec<Metric>,
    /// Of the plan and of the adapter's weights.
    pub digests: BTreeMap<String, Digest>,
    /// The starting model.
    pub subject: Identity,
    /// The engine.
    pub engine: Identity,
    /// Everything that decided the result.
    pub plan: serde_json::Value,
}

/// Divergence against the adapter's scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frontier {
    /// [`FORMAT`].
    pub format: u32,
    /// The limit.
    pub limit: f64,
    /// Measured on the search's prompts, in the order of measurement.
    pub points: Vec<Point>,
    /// The largest factor that could be expected to hold.
    pub chosen: Option<f32>,
    /// The same factor on prompts that the search has not seen; absent where no factor met the limit.
    pub confirmed: Option<Kl>,
    /// Nats per token of the confirmation within each context kind, where prompts have one.
    #[serde(default)]
    pub kinds: BTreeMap<String, f64>,
    /// On neutral prompts, under the factor that came out; absent where there are none.
    #[serde(default)]
    pub neutral: Option<Kl>,
    /// From the model without any adapter, under the same factor; absent where training began with it.
    #[serde(default)]
    pub original: Option<Kl>,
}

impl Frontier {
    /// Name of the file in the folder of a run.
    pub const FILE: &str = "frontier.json";

    /// The frontier in the folder of a run; `None` where no divergence was measured.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn read(root: &Path) -> Result<Option<Self>> {
        let path = root.join(Self::FILE);
        if !path.is_file() {
            return Ok(None);
        }
        serde_json::from_str(&read::text(&path)?)
            .map(Some)
            .map_err(|error| Error::bad_input(format!("{}: {error}", path.display())))
    }
}

impl Outcome {
    /// The verdict of the gate; `None` where nothing was measured.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.metrics.iter().find_map(|metric| metric.verdict)
    }

    /// What the suite of `[watch]` warned of where the adapter came out: after its step, and under its factor.
    #[must_use]
    pub fn warnings(&self) -> Vec<&Warning> {
        let step = self.watched.iter().filter(|watched| watched.step == self.exported_step);
        let mut warnings: Vec<&Warning> = Vec::new();
        for warning in step.chain(&self.exported).flat_map(|watched| &watched.warnings) {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        warnings
    }

    /// Whether nothing that was measured speaks against the adapter: nothing but a proof passes a gate, because an adapter
    /// that may be over the limit is as bad as one that is, and there is no warning.
    #[must_use]
    pub fn passed(&self) -> bool {
        matches!(self.verdict(), None | Some(Verdict::Pass)) && self.warnings().is_empty()
    }
}

/// Brings the chosen checkpoint under the limit, confirms it, and writes the adapter.
///
/// # Errors
/// The engine fails twice, something cannot be written, or exit 130 where it was asked to stop.
pub fn finish(
    job: &Job,
    session: &mut Session,
    folder: &Folder,
    state: &State,
    watcher: &mut Watcher<'_>,
    stop: &AtomicBool,
    observer: &mut Observer<'_>,
) -> Result<Outcome> {
    let mut attempt = |session: &mut Session, observer: &mut Observer<'_>| {
        once(job, session, folder, state, watcher, stop, observer)
    };
    let first = attempt(session, observer);
    let second = match first {
        Err(Lost::Worker(cause)) => {
            observer(Notice::Note(format!("the engine worker died ({cause}); measuring again")));
            attempt(session, observer)
        }
        first => first,
    };
    second.map_err(|lost| match lost {
        Lost::Final(error) => error,
        Lost::Worker(cause) => {
            Error::engine(format!("the engine worker died twice after the last step: {cause}"))
                .hint("checkpoints are kept: run it again to go on where it stopped")
        }
    })
}

fn once(
    job: &Job,
    session: &mut Session,
    folder: &Folder,
    state: &State,
    watcher: &mut Watcher<'_>,
    stop: &AtomicBool,
    observer: &mut Observer<'_>,
) -> Result<Outcome, Lost> {
    let Choice { step: exported_step, why } = state.choice(job.limit(), job.file.checkpoint.export);
    session.begin(&job.begin(Some(checkpoint::path(folder, exported_step))))?;
    let frontier = frontier(job, session, folder, watcher, stop, observer)?;
    if let Some(frontier) = &frontier {
        let mut bytes = serde_json::to_vec_pretty(frontier).expect("a frontier is JSON");
        bytes.push(b'\n');
        Output::create(&folder.path(Frontier::FILE))?.commit(&bytes)?;
    }
    let metrics: Vec<Metric> = frontier.iter().flat_map(metrics).collect();
    let passed = metrics.iter().all(|metric| matches!(metric.verdict, None | Some(Verdict::Pass)));
    let outcome = Outcome {
        format: FORMAT,
        id: job.digest.short().to_owned(),
        name: job.name.clone(),
        kind: job.kind,
        adapter: if passed { export::PASSED } else { export::OVER_LIMIT }.to_owned(),
        steps: state.step,
        exported_step,
        why,
        factor: frontier.map_or(1.0, |frontier| frontier.chosen.unwrap_or(1.0)),
        last_loss: state.recent_losses.last().copied(),
        validated: state.validated.clone(),
        measured: state.measured.clone(),
        guarded: state.guarded.clone(),
        watched: state.watched.clone(),
        exported: None,
        metrics,
        digests: [("plan".to_owned(), job.digest.clone())].into(),
        subject: session.subject().clone(),
        engine: session.engine().clone(),
        plan: job.plan.clone(),
    };
    export::write(folder, session, outcome, &mut |adapter| {
        watcher.watch(exported_step, Some(adapter), "exported", &mut |stage, done, total| {
            observer(Notice::Stage(stage, done, total));
        })
    })
}

/// # Errors
/// Exit 130 where the run was asked to stop.
fn go_on(stop: &AtomicBool) -> Result<()> {
    if !stop.load(Ordering::SeqCst) {
        return Ok(());
    }
    let message = "interrupted while the divergence was measured";
    Err(Error::new(Exit::Interrupted, message).hint("the same command measures again"))
}

/// Searches and confirms; `None` where there are no prompts.
fn frontier(
    job: &Job,
    session: &mut Session,
    folder: &Folder,
    watcher: &mut Watcher<'_>,
    stop: &AtomicBool,
    observer: &mut Observer<'_>,
) -> Result<Option<Frontier>, Lost> {
    let (Some((asked, untouched)), Some(limit)) = (&job.asked, job.limit()) else { return Ok(None) };
    let seed = job.file.seed.derive("search");
    let (chosen, mut points) = search(limit, untouched.families(), |factor| {
        go_on(stop)?;
        session.set_factor(factor)?;
        let label = format!("KL at {factor:.2}");
        let told = &mut |done, total| observer(Notice::Stage(&label, done, total));
        asked.measure(session, seed, told).map(|(kl, _)| kl)
    })?;
    if job.file.watch.is_some() {
        for point in &mut points {
            go_on(stop)?;
            let label = format!("factor-{:.4}", point.factor);
            point.adherence = export::with_factor(folder, session, point.factor, &mut |adapter| {
                watcher.adherence(adapter, &label, &mut |stage, done, total| {
                    observer(Notice::Stage(stage, done, total));
                })
            })?;
        }
    }
    let (mut confirmed, mut kinds) = (None, BTreeMap::new());
    let seed = job.file.seed.derive("confirmation-responses");
    if let Some(factor) = chosen {
        session.set_factor(factor)?;
        let (kl, by_kind) = untouched.measure(session, seed, &mut |done, total| {
            observer(Notice::Stage("confirmation", done, total));
        })?;
        (confirmed, kinds) = (Some(kl), by_kind);
    }
    go_on(stop)?;
    let exported = chosen.unwrap_or(1.0);
    let Beside { neutral, original } = beside::measure(job, session, folder, (exported, seed), observer)?;
    session.set_factor(1.0)?;
    Ok(Some(Frontier { format: FORMAT, limit, points, chosen, confirmed, kinds, neutral, original }))
}

/// The gate, and what stands beside it.
fn metrics(frontier: &Frontier) -> Vec<Metric> {
    let beside = [
        ("kl/neutral", frontier.neutral, "on neutral prompts; no gate"),
        ("kl/original", frontier.original, "from the model without any adapter; no gate"),
    ];
    let beside = beside
        .into_iter()
        .filter_map(|(name, kl, reason)| kl.map(|kl| named(name, Some(kl), reason.to_owned())));
    std::iter::once(gate(frontier)).chain(beside).collect()
}

/// The gate: the confirmed upper bound, or, where no factor met the limit, the smallest one that was tried.
fn gate(frontier: &Frontier) -> Metric {
    let smallest = frontier.points.iter().min_by(|a, b| a.factor.total_cmp(&b.factor));
    let kl = frontier.confirmed.or(smallest.map(|point| point.kl));
    let decision = decide(&Rule::at_most(frontier.limit), kl.map(|kl| kl.evidence).as_ref());
    let mut reason = decision.reason;
    if frontier.confirmed.is_none() {
        reason = format!("no factor met the limit in {} measurements; {reason}", frontier.points.len());
    } else if let Some(further) = decision.further {
        reason = format!("{reason}; about {further} more families of prompts would decide");
    }
    // Without a confirmation nothing passes, whatever the numbers say.
    let verdict = if frontier.confirmed.is_none() && decision.verdict == Verdict::Pass {
        Verdict::NotReached
    } else {
        decision.verdict
    };
    let mut metric = named("kl", kl, reason);
    metric.beside.extend(frontier.kinds.iter().map(|(kind, &value)| (format!("kind {kind}"), value)));
    Metric { threshold: Some(frontier.limit), verdict: Some(verdict), ..metric }
}

/// A divergence without a gate.
fn named(name: &str, kl: Option<Kl>, reason: String) -> Metric {
    let beside = kl.map_or_else(BTreeMap::new, |kl| {
        [("most", kl.most), ("p95", kl.p95), ("per response", kl.per_response), ("tokens", kl.tokens as f64)]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    });
    let evidence = kl.map(|kl| kl.evidence);
    Metric {
        unit: "nats/token".into(),
        direction: Some(Direction::Lower),
        range: None,
        bound: evidence.map(|evidence| evidence.upper),
        reason,
        beside,
        ..plain(name.into(), metrics::kl::FORMULA, evidence)
    }
}
