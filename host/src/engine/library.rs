//! The engine library across its C ABI.
//!
//! The only unsafe code of this room. It trusts the library as far as the operator does who chose it: the
//! version is checked before anything else is called, but a library that breaks its word can crash the process.
//! That is why only worker processes open one.
//!
//! A request, an event and a reply cross as frame bodies that hold a [`Request`], an [`Event`] and a [`Reply`].

#![expect(
    unsafe_code,
    reason = "calls the engine library; each block names the promise of the ABI that it relies on"
)]

use std::{
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use realign_engine_abi::{
    ffi::{ABI_VERSION, Buffer, Bytes, CallFn, CreateFn, DestroyFn, Flow, FreeFn, VersionFn},
    frame,
    message::{EngineError, EngineOptions, ErrorKind, Event, Reply, Request},
};

/// An open engine library of the right version.
#[derive(Debug)]
pub struct EngineLibrary {
    create: CreateFn,
    call: CallFn,
    free: FreeFn,
    destroy: DestroyFn,
    /// Keeps the code behind the four pointers mapped.
    _library: Library,
}

/// An engine made by a library; ended when dropped. It stays on the thread that made it.
#[derive(Debug)]
pub struct Engine<'a> {
    library: &'a EngineLibrary,
    handle: *mut c_void,
}

impl EngineLibrary {
    /// Opens a library by its absolute path and checks its version. All symbols are resolved now, so that a
    /// missing one shows here and not in the middle of a batch.
    ///
    /// # Errors
    /// The path is relative, the file is not a loadable library, a symbol is missing, or the version differs.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let refuse = |why: String| {
            let mut error = internal(format!("cannot use engine library {}: {why}", path.display()));
            "build the engine of this version again: cargo xtask engine".clone_into(&mut error.hint);
            error
        };
        if !path.is_absolute() {
            return Err(refuse("the path is not absolute".to_owned()));
        }
        // SAFETY: loading runs the library's initialisers. The operator chose this file, and this process exists
        // to be crashed by it.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
            .map_err(|error| refuse(reason(&error)))?;
        let version = symbol::<VersionFn>(&library, "realign_engine_abi_version").map_err(refuse)?();
        if version != ABI_VERSION {
            return Err(refuse(format!("it speaks version {version} of the interface, not {ABI_VERSION}")));
        }
        Ok(Self {
            create: symbol(&library, "realign_engine_create").map_err(refuse)?,
            call: symbol(&library, "realign_engine_call").map_err(refuse)?,
            free: symbol(&library, "realign_engine_free").map_err(refuse)?,
            destroy: symbol(&library, "realign_engine_destroy").map_err(refuse)?,
            _library: library,
        })
    }

    /// Makes an engine.
    ///
    /// # Errors
    /// What the library says of its failure.
    pub fn create(&self, options: &EngineOptions) -> Result<Engine<'_>, EngineError> {
        let body = frame::encode(options, &[]).map_err(|error| internal(error.to_string()))?;
        let mut reply = Buffer::empty();
        // SAFETY: the options are lent for the call, and `reply` is an empty buffer that the library may fill.
        let handle = unsafe { (self.create)(Bytes::lend(&body), &raw mut reply) };
        let answer = self.take(reply);
        if !handle.is_null() {
            return Ok(Engine { library: self, handle });
        }
        Err(match answer {
            Ok(Reply::Error(error)) | Err(error) => error,
            Ok(_) => internal("the engine library made no engine and did not say why".to_owned()),
        })
    }

    /// Decodes a buffer that the library filled and gives it back.
    fn take(&self, buffer: Buffer) -> Result<Reply, EngineError> {
        let body = if buffer.data.is_null() {
            Vec::new()
        } else {
            // SAFETY: by the ABI a buffer that is not null has `length` valid bytes until it is freed.
            unsafe { std::slice::from_raw_parts(buffer.data, buffer.length) }.to_vec()
        };
        // SAFETY: the buffer came from this library (or is the empty one) and is given back exactly once.
        unsafe { (self.free)(buffer) };
        let (reply, _) = frame::decode(&body)
            .map_err(|error| internal(format!("the engine library's reply is unreadable: {error}")))?;
        Ok(reply)
    }
}

impl Engine<'_> {
    /// Asks the engine and waits. `on_event` is told of progress and says whether to go on.
    pub fn call(&mut self, request: &Request, on_event: &mut dyn FnMut(Event) -> Flow) -> Reply {
        let body = match frame::encode(request, &[]) {
            Ok(body) => body,
            Err(error) => return Reply::Error(internal(error.to_string())),
        };
        let mut on_event = on_event;
        let mut reply = Buffer::empty();
        // SAFETY: the handle is live until drop and used on one thread only (this type is not `Send`); request
        // and context outlive the call, and the context is what `forward_event` takes it for.
        unsafe {
            (self.library.call)(
                self.handle,
                Bytes::lend(&body),
                forward_event,
                (&raw mut on_event).cast(),
                &raw mut reply,
            );
        }
        self.library.take(reply).unwrap_or_else(Reply::Error)
    }
}

impl Drop for Engine<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle came from `create` of the same library and is not used again.
        unsafe { (self.library.destroy)(self.handle) }
    }
}

/// Hands an event of a running call to the closure behind `context`. An event that cannot be read, or a closure
/// that panics, stops the call.
extern "C" fn forward_event(context: *mut c_void, event: Bytes) -> Flow {
    // SAFETY: `context` is the closure that `Engine::call` keeps borrowed for the whole call.
    let on_event = unsafe { &mut *context.cast::<&mut dyn FnMut(Event) -> Flow>() };
    // SAFETY: by the ABI the event's bytes are valid, and not null, for the duration of this callback.
    let body = unsafe { std::slice::from_raw_parts(event.data, event.length) };
    catch_unwind(AssertUnwindSafe(|| match frame::decode(body) {
        Ok((event, _)) => on_event(event),
        Err(_) => Flow::Stop,
    }))
    .unwrap_or(Flow::Stop)
}

/// One function of the ABI.
fn symbol<T: Copy>(library: &Library, name: &str) -> Result<T, String> {
    // SAFETY: `T` is the type that the ABI gives this name; the version was checked before any call through it,
    // and the version function itself never changes its type.
    unsafe { library.get::<T>(name) }.map(|symbol| *symbol).map_err(|error| reason(&error))
}

/// What the loader said, which the error itself keeps as its source.
fn reason(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn internal(message: String) -> EngineError {
    EngineError { kind: ErrorKind::Internal, message, hint: String::new() }
}

#[cfg(test)]
mod tests;
