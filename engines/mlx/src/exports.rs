//! The five C functions of the engine's border.
//!
//! Nothing unwinds across the border: each call runs under `catch_unwind` and a panic becomes an internal error
//! reply. Replies are vectors whose ownership is handed over and taken back by `realign_engine_free`.

#![expect(unsafe_code, reason = "the C border: raw pointers in and out, each function states its contract")]

use std::{
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
};

use realign_engine_abi::{
    ffi::{ABI_VERSION, Buffer, Bytes, EventFn, Flow},
    frame,
    message::{EngineError, EngineOptions, ErrorKind, Event, Reply, Request},
};

use crate::engine::Engine;

/// The version of the border that this library speaks.
#[unsafe(no_mangle)]
pub extern "C" fn realign_engine_abi_version() -> u32 {
    ABI_VERSION
}

/// Makes an engine from a frame body holding [`EngineOptions`]; null on failure, with an error reply in `reply`.
///
/// # Safety
/// `options` lends valid bytes for the duration of the call; `reply` points to a writable buffer without bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realign_engine_create(options: Bytes, reply: *mut Buffer) -> *mut c_void {
    // SAFETY: the caller lends the bytes for this call.
    let body = unsafe { borrow(&options) };
    let made = guarded(|| {
        let (options, _) = frame::decode::<EngineOptions>(body).map_err(|error| malformed(&error))?;
        Engine::new(&options)
    });
    match made {
        Ok(engine) => Box::into_raw(Box::new(engine)).cast(),
        Err(error) => {
            // SAFETY: the caller gave a writable buffer.
            unsafe { hand_over(&Reply::Error(error), reply) };
            std::ptr::null_mut()
        }
    }
}

/// Runs one request, a frame body holding a [`Request`]; fills `reply` with a frame body holding a [`Reply`].
/// Each event reaches `on_event` as a frame body holding an [`Event`], on the calling thread.
///
/// # Safety
/// `engine` came from `realign_engine_create`, has not been destroyed and is used by one thread only; `request`
/// lends valid bytes for the call; `on_event` may be called with `context`; `reply` points to a writable buffer
/// without bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realign_engine_call(
    engine: *mut c_void,
    request: Bytes,
    on_event: EventFn,
    context: *mut c_void,
    reply: *mut Buffer,
) {
    // SAFETY: the caller hands the engine to this thread alone for the call, and lends the bytes.
    let (engine, body) = unsafe { (&mut *engine.cast::<Engine>(), borrow(&request)) };
    let mut tell = |event: Event| match frame::encode(&event, &[]) {
        Ok(body) => on_event(context, Bytes::lend(&body)),
        Err(_) => Flow::Continue,
    };
    let answer = guarded(|| {
        let (request, _) = frame::decode::<Request>(body).map_err(|error| malformed(&error))?;
        Ok(engine.call(request, &mut tell))
    });
    // SAFETY: the caller gave a writable buffer.
    unsafe { hand_over(&answer.unwrap_or_else(Reply::Error), reply) };
}

/// Takes back the bytes of a reply.
///
/// # Safety
/// `buffer` was filled by this library and has not been given back before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realign_engine_free(buffer: Buffer) {
    if !buffer.data.is_null() {
        // SAFETY: `hand_over` made the parts from a vector of bytes.
        drop(unsafe { Vec::from_raw_parts(buffer.data, buffer.length, buffer.capacity) });
    }
}

/// Ends an engine.
///
/// # Safety
/// `engine` came from `realign_engine_create` and is not used again; null is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realign_engine_destroy(engine: *mut c_void) {
    if !engine.is_null() {
        // SAFETY: `realign_engine_create` made the pointer from a box.
        let engine = unsafe { Box::from_raw(engine.cast::<Engine>()) };
        // A panic while dropping must not cross the border either; there is nobody left to tell.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(engine)));
    }
}

/// # Safety
/// `bytes` is valid for reads while the result is used.
unsafe fn borrow(bytes: &Bytes) -> &[u8] {
    if bytes.length == 0 {
        return &[];
    }
    // SAFETY: the caller promises `length` readable bytes.
    unsafe { std::slice::from_raw_parts(bytes.data, bytes.length) }
}

/// # Safety
/// `target` is valid for writes.
unsafe fn hand_over(reply: &Reply, target: *mut Buffer) {
    let bytes = frame::encode(reply, &[])
        .or_else(|error| frame::encode(&Reply::Error(unanswerable(&error)), &[]))
        .expect("an error reply of a few words always fits a frame");
    let mut bytes = std::mem::ManuallyDrop::new(bytes);
    let buffer = Buffer { data: bytes.as_mut_ptr(), length: bytes.len(), capacity: bytes.capacity() };
    // SAFETY: the caller promises a writable buffer; what it held had no bytes.
    unsafe { target.write(buffer) };
}

/// Runs `work`; a panic becomes an internal error.
fn guarded<T>(work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text =
            text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
        Err(EngineError {
            kind: ErrorKind::Internal,
            message: format!("the engine panicked: {text}"),
            hint: "this is a bug in the engine; please report it".into(),
        })
    })
}

fn malformed(error: &frame::FrameError) -> EngineError {
    EngineError {
        kind: ErrorKind::Request,
        message: error.to_string(),
        hint: "host and engine disagree on the messages; build both from the same source".into(),
    }
}

fn unanswerable(error: &frame::FrameError) -> EngineError {
    EngineError {
        kind: ErrorKind::Request,
        message: format!("the reply does not fit: {error}"),
        hint: "ask for smaller batches".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_internal_error_and_does_not_cross() {
        let error = guarded::<()>(|| panic!("index {} out of bounds", 7)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Internal);
        assert_eq!(error.message, "the engine panicked: index 7 out of bounds");
    }

    #[test]
    fn a_reply_handed_over_can_be_taken_back() {
        let mut buffer = Buffer::empty();
        // SAFETY: the buffer is writable, and goes back once.
        unsafe {
            hand_over(&Reply::Tokens(Vec::new()), &raw mut buffer);
            assert!(buffer.length > 0 && buffer.capacity >= buffer.length);
            realign_engine_free(buffer);
            realign_engine_free(Buffer::empty());
        }
    }
}
