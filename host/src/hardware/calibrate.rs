//! What is measured, in which order.

use std::path::Path;

use realign_engine_abi::message::Load;

use super::{
    bandwidth,
    bench::Bench,
    calibration::{Calibration, Measured, Model, Task, fitting, usable},
    clock,
    machine::{self, Machine},
    sweep::{self, Bounds, Point, Sweep, doubling},
    workload::Lengths,
};
use crate::{
    engine::{backend::Backend, capacity::available_memory, launch::Launch, model_ref::ModelRef},
    error::{Error, Result},
};

/// Most rows of a batch that are tried.
const MOST_ROWS: usize = 64;
/// Repeats of each measurement.
const REPEATS: usize = 5;
const QUICK_REPEATS: usize = 3;
/// Seconds of one call beyond which no larger one is tried.
const PATIENCE: f64 = 15.0;
const QUICK_PATIENCE: f64 = 5.0;

/// What to measure with.
#[derive(Debug)]
pub struct Setting<'a> {
    /// How workers are started.
    pub launch: &'a Launch,
    /// The model.
    pub model: &'a ModelRef,
    /// What it is called.
    pub name: &'a str,
    /// Fewer repeats of smaller work.
    pub quick: bool,
}

/// Told what is being measured, how many measurements are done and how many there may be.
pub type Progress<'a> = dyn FnMut(&'static str, usize, usize) + 'a;

/// Measures this machine.
///
/// # Errors
/// Usage where the model is not one for the engine; exit 21 where the engine fails; bad input where it refuses the
/// model.
pub fn calibrate(setting: &Setting<'_>, progress: &mut Progress<'_>) -> Result<Calibration> {
    let load = files(setting.model)?;
    let (available, load_before) = (available_memory(), machine::load());
    let backend = Backend::open(setting.model, setting.launch, Some(1))?;
    let (subject, engine) = (backend.subject(), backend.engine());
    drop(backend);
    let of_subject = |key: &str| subject.get(key).cloned().unwrap_or_default();
    let here = Machine::here();
    let most_workers =
        if engine.get("device").is_some_and(|device| device == "gpu") { 1 } else { here.cores };
    let repeats = if setting.quick { QUICK_REPEATS } else { REPEATS };

    let per_task = doubling(MOST_ROWS).len() + doubling(most_workers).len();
    let mut course = Course { progress, done: 0, total: 2 + Task::ALL.len() * per_task };
    course.tell("matrix product");
    let gflops = Bench::new(setting.launch, &load, Task::Score, repeats).gflops()?;
    course.reached("memory", 1);
    let memory_gbs = bandwidth::measure(repeats)
        .ok_or_else(|| Error::engine("memory: the measured rates are no positive numbers"))?;

    let mut adapter_parameters = 0;
    let mut of = |task: Task, place: usize| {
        let begun = 2 + place * per_task;
        course.reached(task.name(), begun);
        let sweeps = Sweeps { setting, load: &load, task, repeats, available, most_workers };
        let measured = sweeps.run(&mut adapter_parameters, &mut course)?;
        course.reached(task.name(), begun + per_task);
        Ok::<_, Error>(measured)
    };
    let (score, generate, train) = (of(Task::Score, 0)?, of(Task::Generate, 1)?, of(Task::Train, 2)?);
    let parameters = of_subject("parameters").parse().unwrap_or(0);
    let calibration = Calibration {
        measured: clock::now(),
        quick: setting.quick,
        machine: here,
        available_bytes: available,
        load: load_before,
        engine,
        model: Model { name: base_name(setting.name), digest: of_subject("model-digest"), parameters },
        gflops,
        memory_gbs,
        score,
        generate,
        train,
        adapter_parameters,
    };
    calibration.check().map_err(|error| Error::engine(error.to_string()))?;
    Ok(calibration)
}

/// The files of a model that has a speed of its own.
fn files(model: &ModelRef) -> Result<Load> {
    const HINT: &str = "use a GGUF file, a model folder or smollm2";
    match model {
        ModelRef::Files(load) if load.adapters.is_empty() => Ok(load.clone()),
        ModelRef::Files(_) => Err(Error::usage("--model: an adapter has the speed of its model").hint(HINT)),
        ModelRef::Recorded(_) => Err(Error::usage("--model: recorded answers have no speed").hint(HINT)),
        ModelRef::OpenAi(_) => {
            Err(Error::usage("--model: a server's speed is not this machine's").hint(HINT))
        }
    }
}

/// A model's name without the folders that it lies in: a calibration can be given away.
fn base_name(name: &str) -> String {
    Path::new(name).file_name().map_or_else(|| name.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Both sweeps of one task.
struct Sweeps<'a> {
    setting: &'a Setting<'a>,
    load: &'a Load,
    task: Task,
    repeats: usize,
    available: Option<u64>,
    most_workers: usize,
}

impl Sweeps<'_> {
    fn run(&self, adapter_parameters: &mut u64, course: &mut Course<'_, '_>) -> Result<Measured> {
        let mut bench = self.bench();
        let window = bench.model()?.context_length as usize;
        let lengths = Lengths::of(self.task, self.setting.quick, window);
        *adapter_parameters = (*adapter_parameters).max(bench.adapter_parameters()?);
        let batch = self.sweep(&doubling(MOST_ROWS), course, &mut |rows| bench.measure(1, rows, lengths))?;
        // What a process held once it holds for ever: the next sweep begins with fresh ones.
        drop(bench);
        let rows = batch.best().size;
        let mut bench = self.bench();
        let most = fitting(self.available.map(usable), batch.best().peak_bytes, self.most_workers);
        let workers = self.sweep(&doubling(most), course, &mut |workers| {
            Ok(Point { size: workers, ..bench.measure(workers, rows, lengths)? })
        })?;
        Ok(Measured { row_tokens: lengths.row(), batch, workers })
    }

    fn bench(&self) -> Bench<'_> {
        Bench::new(self.setting.launch, self.load, self.task, self.repeats)
    }

    fn sweep(
        &self,
        sizes: &[usize],
        course: &mut Course<'_, '_>,
        measure: &mut dyn FnMut(usize) -> Result<Point>,
    ) -> Result<Sweep> {
        let seconds = if self.setting.quick { QUICK_PATIENCE } else { PATIENCE };
        sweep::run(sizes, Bounds { memory: self.available.map(usable), seconds }, &mut |size| {
            let point = measure(size)?;
            course.reached(self.task.name(), course.done + 1);
            Ok(point)
        })
    }
}

/// How far the measurements have come; sweeps that end early jump.
struct Course<'a, 'p> {
    progress: &'a mut Progress<'p>,
    done: usize,
    total: usize,
}

impl Course<'_, '_> {
    fn reached(&mut self, what: &'static str, done: usize) {
        self.done = done;
        self.tell(what);
    }

    fn tell(&mut self, what: &'static str) {
        (self.progress)(what, self.done, self.total);
    }
}

#[cfg(test)]
mod tests {
    use realign_engine_abi::message::AdapterFile;

    use super::*;
    use crate::engine::openai::address::Address;

    #[test]
    fn only_a_model_alone_has_a_speed() {
        let refusal = |model: ModelRef| files(&model).unwrap_err().to_string();
        let adapters = vec![AdapterFile { folder: "adapter".into(), factor: 1.0 }];
        let with_adapter = ModelRef::Files(Load { model: "a.gguf".into(), adapters });
        assert_eq!(refusal(with_adapter), "--model: an adapter has the speed of its model");
        let recorded = ModelRef::Recorded("a.jsonl".into());
        assert_eq!(refusal(recorded), "--model: recorded answers have no speed");
        let server = Address::parse("http://127.0.0.1:9#m").map(ModelRef::OpenAi).unwrap();
        assert_eq!(refusal(server), "--model: a server's speed is not this machine's");
    }

    #[test]
    fn a_calibration_does_not_tell_where_the_model_lies() {
        assert_eq!(base_name("/home/someone/models/a.gguf"), "a.gguf");
        assert_eq!(base_name("smollm2"), "smollm2");
    }
}
