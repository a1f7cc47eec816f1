//! The smallest engine library: the test compiles it with `rustc` alone, with one fault or none.
//!
//! It says in its reply how many buffers it has given away and not got back, itself included.

use std::{
    ffi::c_void,
    sync::atomic::{AtomicIsize, Ordering},
};

#[repr(C)]
pub struct Bytes {
    data: *const u8,
    length: usize,
}

#[repr(C)]
pub struct Buffer {
    data: *mut u8,
    length: usize,
    capacity: usize,
}

static OUTSTANDING: AtomicIsize = AtomicIsize::new(0);

fn frame(json: &str) -> Vec<u8> {
    let mut body = (json.len() as u32).to_le_bytes().to_vec();
    body.extend_from_slice(json.as_bytes());
    body
}

unsafe fn answer(reply: *mut Buffer, json: &str) {
    OUTSTANDING.fetch_add(1, Ordering::SeqCst);
    let mut bytes = std::mem::ManuallyDrop::new(frame(json));
    let buffer = Buffer {
        data: bytes.as_mut_ptr(),
        length: bytes.len(),
        capacity: bytes.capacity(),
    };
    unsafe { reply.write(buffer) };
}

#[unsafe(no_mangle)]
pub extern "C" fn realign_engine_abi_version() -> u32 {
    if cfg!(fault = "version") { 99 } else { 4 }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn realign_engine_create(_options: Bytes, reply: *mut Buffer) -> *mut c_void {
    if cfg!(fault = "refuses") {
        unsafe {
            answer(
                reply,
                r#"{"error":{"kind":"internal","message":"no accelerator","hint":"buy one"}}"#,
            )
        };
        return std::ptr::null_mut();
    }
    if cfg!(fault = "silent") {
        return std::ptr::null_mut();
    }
    Box::into_raw(Box::new(0_u64)).cast()
}

#[cfg(not(fault = "symbol"))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realign_engine_call(
    engine: *mut c_void,
    request: Bytes,
    on_event: extern "C" fn(*mut c_void, Bytes) -> u32,
    context: *mut c_void,
    reply: *mut Buffer,
) {
    if cfg!(fault = "garbage") {
        unsafe { answer(reply, "not json") };
        return;
    }
    let calls = unsafe { &mut *engine.cast::<u64>() };
    *calls += 1;
    let request = unsafe { std::slice::from_raw_parts(request.data, request.length) };
    assert_eq!(request, frame("\"info\""));
    for done in 0..3 {
        let event = frame(&format!(r#"{{"progress":{{"done":{done},"total":3}}}}"#));
        if on_event(
            context,
            Bytes {
                data: event.as_ptr(),
                length: event.len(),
            },
        ) == 1
        {
            let json = r#"{"error":{"kind":"request","message":"stopped","hint":""}}"#;
            unsafe { answer(reply, json) };
            return;
        }
    }
    let outstanding = OUTSTANDING.load(Ordering::SeqCst) + 1;
    let json = format!(
        r#"{{"engine":{{"backend":"fixture","version":"call {calls}, {outstanding} buffers out","mlx":"","blas":"","device":"cpu"}}}}"#
    );
    unsafe { answer(reply, &json) };
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn realign_engine_free(buffer: Buffer) {
    if !buffer.data.is_null() {
        OUTSTANDING.fetch_sub(1, Ordering::SeqCst);
        drop(unsafe { Vec::from_raw_parts(buffer.data, buffer.length, buffer.capacity) });
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn realign_engine_destroy(engine: *mut c_void) {
    drop(unsafe { Box::from_raw(engine.cast::<u64>()) });
}
