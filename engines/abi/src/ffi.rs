//! The C functions that an engine library exports.
//!
//! | Symbol | Type | Does |
//! |---|---|---|
//! | `realign_engine_abi_version` | [`VersionFn`] | returns [`ABI_VERSION`]; safe to call before anything else |
//! | `realign_engine_create` | [`CreateFn`] | makes an engine from a frame body holding `EngineOptions` |
//! | `realign_engine_call` | [`CallFn`] | one request in, events through a callback, one reply out |
//! | `realign_engine_free` | [`FreeFn`] | gives a reply's bytes back to the library that made them |
//! | `realign_engine_destroy` | [`DestroyFn`] | ends an engine |
//!
//! A request's bytes are a frame body whose header is a `message::Request`, an event's one of `message::Event`, a
//! reply's one of `message::Reply`. Ids (`message::Call`, `message::Message`) exist on the pipe only: across the C
//! ABI a call is its own id.
//!
//! Calls on one engine come from one thread, one at a time. No panic and no exception crosses the border: a
//! library catches its own and answers with an error reply.

use std::ffi::c_void;

/// Version of this border. Raised whenever a function, a layout or a message changes its meaning.
pub const ABI_VERSION: u32 = 4;

/// Bytes lent for the duration of a call.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Bytes {
    /// First byte; never null, dangling where `length` is 0.
    pub data: *const u8,
    /// How many bytes.
    pub length: usize,
}

impl Bytes {
    /// Lends a slice; valid as long as the slice is.
    #[must_use]
    pub fn lend(slice: &[u8]) -> Self {
        Self { data: slice.as_ptr(), length: slice.len() }
    }
}

/// Bytes that belong to the library and must go back to it through `realign_engine_free`.
#[repr(C)]
#[derive(Debug)]
pub struct Buffer {
    /// First byte; null where there are none.
    pub data: *mut u8,
    /// How many bytes are valid.
    pub length: usize,
    /// How many bytes were allocated.
    pub capacity: usize,
}

impl Buffer {
    /// A buffer without bytes, to be filled by a call.
    #[must_use]
    pub const fn empty() -> Self {
        Self { data: std::ptr::null_mut(), length: 0, capacity: 0 }
    }
}

/// Told of each event of a running call; the return value says whether to go on.
pub type EventFn = extern "C" fn(context: *mut c_void, event: Bytes) -> Flow;

/// What an event callback wants next.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue = 0,
    /// Stop at the next safe point and reply with what there is.
    Stop = 1,
}

/// `realign_engine_abi_version`.
pub type VersionFn = extern "C" fn() -> u32;
/// `realign_engine_create`: null on failure, with an error reply in `reply`.
pub type CreateFn = unsafe extern "C" fn(options: Bytes, reply: *mut Buffer) -> *mut c_void;
/// `realign_engine_call`: fills `reply` with a frame body holding a reply message.
pub type CallFn = unsafe extern "C" fn(
    engine: *mut c_void,
    request: Bytes,
    on_event: EventFn,
    context: *mut c_void,
    reply: *mut Buffer,
);
/// `realign_engine_free`.
pub type FreeFn = unsafe extern "C" fn(buffer: Buffer);
/// `realign_engine_destroy`.
pub type DestroyFn = unsafe extern "C" fn(engine: *mut c_void);
