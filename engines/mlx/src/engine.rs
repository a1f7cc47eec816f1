//! One request in, one reply out; [`training`] has the requests about an adapter.

mod training;

use mlx_rs::{Device, DeviceType};
use realign_engine_abi::{
    ffi::Flow,
    message::{
        EngineError, EngineInfo, EngineOptions, Event, Load, ModelInfo, Reply, Request, TokenizeInput,
        Tokenized,
    },
};

use crate::{
    adapter,
    checkpoint::Checkpoint,
    error::{Error, Result},
    export::export,
    generate::generate,
    llama::{attention::Kernels, forward::Llama},
    raw,
    score::score,
    selftest,
    template::Template,
    tokenizer::Tokenizer,
    train::trainer::Trainer,
    transcript::transcript,
};

/// An engine with at most one model.
///
/// It must be made and used on one thread: MLX's default stream belongs to the thread.
#[derive(Debug)]
pub struct Engine {
    kernels: Kernels,
    model: Option<Model>,
    /// The adapter that is trained on the model, if there is one.
    trainer: Option<Trainer>,
}

#[derive(Debug)]
struct Model {
    llama: Llama,
    tokenizer: Tokenizer,
    template: Option<Template>,
}

impl Engine {
    /// Makes an engine without a model.
    ///
    /// # Errors
    /// An internal error if MLX does not work on this machine.
    pub fn new(_options: &EngineOptions) -> std::result::Result<Self, EngineError> {
        raw::prepare()?;
        let kernels = if on_gpu()? { Kernels::Mlx } else { Kernels::Host };
        Ok(Self { kernels, model: None, trainer: None })
    }

    /// Runs one request. Events reach `on_event`; [`Flow::Stop`] ends the call with an error reply.
    pub fn call(&mut self, request: Request, on_event: &mut dyn FnMut(Event) -> Flow) -> Reply {
        let mut progress = |done, total| on_event(Event::Progress { done, total }) == Flow::Continue;
        self.answer(request, &mut progress).unwrap_or_else(|error| Reply::Error(error.into()))
    }

    fn answer(&mut self, request: Request, progress: &mut dyn FnMut(u64, u64) -> bool) -> Result<Reply> {
        Ok(match request {
            Request::Load(load) => Reply::Model(self.load(&load, progress)?),
            Request::Info => Reply::Engine(info()?),
            Request::Tokenize(inputs) => {
                let model = self.model()?;
                Reply::Tokens(inputs.iter().map(|input| model.tokenize(input)).collect::<Result<_>>()?)
            }
            Request::Score(rows) => Reply::Scores(score(&self.model()?.llama, &rows, progress)?),
            Request::Generate(rows) => {
                let model = self.model()?;
                Reply::Texts(generate(&model.llama, &model.tokenizer, &rows, progress)?)
            }
            Request::Export(request) => Reply::Exported(export(&request, progress)?),
            Request::SelfTest => Reply::SelfTest(selftest::run()?),
            Request::TrainBegin(begin) => self.train_begin(&begin)?,
            Request::TrainStep(step) => self.train_step(&step, progress)?,
            Request::TrainSave(save) => self.train_save(&save)?,
            Request::AdapterFactor(factor) => self.adapter_factor(factor)?,
            Request::Adapt(files) => self.adapt(&files)?,
            Request::LogProbs(wanted) => self.log_probs(&wanted)?,
            Request::Kl(rows) => self.divergences(&rows)?,
        })
    }

    fn model(&self) -> Result<&Model> {
        self.model.as_ref().ok_or_else(no_model)
    }

    /// Loads a model in place of the one before, which is given up first so that both need not fit.
    fn load(&mut self, load: &Load, progress: &mut dyn FnMut(u64, u64) -> bool) -> Result<ModelInfo> {
        (self.model, self.trainer) = (None, None);
        let (model, info) = read(load, self.kernels, progress)?;
        self.model = Some(model);
        Ok(info)
    }
}

fn no_model() -> Error {
    Error::request("no model is loaded").hint("send `load` first")
}

impl Model {
    fn tokenize(&self, input: &TokenizeInput) -> Result<Tokenized> {
        let whole =
            |text: &str| Ok(Tokenized { tokens: self.tokenizer.encode(text)?, ..Tokenized::default() });
        match input {
            TokenizeInput::Raw(text) => whole(text),
            TokenizeInput::Pair { context, continuation } => {
                self.tokenizer.encode_pair(context, continuation)
            }
            TokenizeInput::Chat(messages) => whole(&self.template()?.render(messages, true)?),
            TokenizeInput::Transcript(messages) => transcript(&self.tokenizer, self.template()?, messages),
        }
    }

    fn template(&self) -> Result<&Template> {
        self.template.as_ref().ok_or_else(|| {
            Error::request("the model has no chat template")
                .hint("send raw text, or choose a model that is made for conversations")
        })
    }
}

fn read(
    load: &Load,
    kernels: Kernels,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<(Model, ModelInfo)> {
    let place = |error: Error| error.within(load.model.display());
    let checkpoint = Checkpoint::open(&load.model).map_err(place)?;
    let adapters = load.adapters.iter().map(|file| adapter::read(file, &checkpoint.config));
    let adapters = adapters.collect::<Result<Vec<_>>>()?;
    let llama = checkpoint.load(&adapters, kernels, progress).map_err(place)?;
    let Checkpoint { name, tokenizer, template, .. } = checkpoint;
    let info = ModelInfo {
        architecture: "llama".into(),
        name,
        parameters: llama.weights.parameters,
        layers: narrow(llama.config.layers),
        vocabulary: narrow(llama.config.vocabulary),
        context_length: narrow(llama.config.context),
        dtype: "f32".into(),
        template_digest: template.as_ref().map(|template| template.digest().to_owned()).unwrap_or_default(),
        tokenizer_digest: tokenizer.digest().to_owned(),
    };
    Ok((Model { llama, tokenizer, template }, info))
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).expect("counts of a model were checked to be far below 2^32")
}

fn info() -> Result<EngineInfo> {
    Ok(EngineInfo {
        backend: "mlx".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        mlx: raw::mlx_version()?,
        blas: raw::blas(),
        device: if on_gpu()? { "gpu" } else { "cpu" }.into(),
    })
}

fn on_gpu() -> Result<bool> {
    Ok(matches!(Device::try_default()?.get_type()?, DeviceType::Gpu))
}
