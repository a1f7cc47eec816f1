//! Memory inside the sandbox.
//!
//! Every text that the host hands over, every word and every list is a request for memory: small, and soon given back. Small
//! blocks are therefore kept by size. One that is given back becomes the first in the list of its size, and the next request of
//! that size takes it from there, in far fewer instructions than a general allocator takes. Larger blocks are talc's, and so is
//! the room that small ones are cut from. What was cut stays cut, since an instance lives for one call.
//!
//! Invariants: a block of a list belongs to nobody else, has the size of its list, begins at a multiple of [`STEP`], and holds the
//! address of the next one, null in the last. Whether a block is small depends on nothing but its layout.

#![expect(
    unsafe_code,
    clippy::cast_ptr_alignment,
    reason = "small blocks are aligned to `STEP`; what goes wrong here stays inside the sandbox"
)]

use std::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
    ptr,
};

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: BySize<talc::wasm::WasmDynamicTalc> = BySize(talc::wasm::new_wasm_dynamic_allocator());

/// Bytes between two sizes, and what every small block is aligned to.
const STEP: usize = 16;

/// Most bytes of a small block.
const LARGEST: usize = 1024;

/// Bytes that are asked for at once, to cut small blocks from.
const ROOM: usize = 32 << 10;

thread_local! {
    /// The first free block of each size.
    static FREE: [Cell<*mut u8>; LARGEST / STEP] = const { [const { Cell::new(ptr::null_mut()) }; LARGEST / STEP] };
    /// Where the room begins that nothing was cut from yet, and how many bytes it has.
    static UNCUT: Cell<(*mut u8, usize)> = const { Cell::new((ptr::null_mut(), 0)) };
}

/// Small blocks by size, the others from `A`.
struct BySize<A>(A);

/// Which list blocks of this layout belong to; none where they are not small.
const fn list(layout: Layout) -> Option<usize> {
    if layout.size() <= LARGEST && layout.align() <= STEP {
        Some(layout.size().saturating_sub(1) / STEP)
    } else {
        None
    }
}

impl<A: GlobalAlloc> BySize<A> {
    /// A block that was never used before, of a multiple of [`STEP`] bytes and at most [`LARGEST`]; null where there is no memory.
    fn cut(&self, bytes: usize) -> *mut u8 {
        let (mut start, mut left) = UNCUT.get();
        if left < bytes {
            let Ok(room) = Layout::from_size_align(ROOM, STEP) else { return ptr::null_mut() };
            // SAFETY: the layout has a size.
            start = unsafe { self.0.alloc(room) };
            if start.is_null() {
                return start;
            }
            left = ROOM;
        }
        // SAFETY: `left` bytes from `start` are ours and uncut, and `bytes` is not more.
        UNCUT.set((unsafe { start.add(bytes) }, left - bytes));
        start
    }
}

// SAFETY: a block comes from a list or was just cut, so nobody has it, or from `A`. Cut blocks have the size of their list, which
// is no less than that of the layout, and begin at multiples of `STEP`, because rooms do and sizes are such multiples.
unsafe impl<A: GlobalAlloc> GlobalAlloc for BySize<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(list) = list(layout) else {
            // SAFETY: the caller's promise about the layout is the one that is asked for.
            return unsafe { self.0.alloc(layout) };
        };
        FREE.with(|free| {
            let first = free[list].get();
            if first.is_null() {
                return self.cut((list + 1) * STEP);
            }
            // SAFETY: a block in a list begins with the address of the next one.
            free[list].set(unsafe { first.cast::<*mut u8>().read() });
            first
        })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(list) = list(layout) else {
            // SAFETY: a block of this layout came from there.
            return unsafe { self.0.dealloc(block, layout) };
        };
        FREE.with(|free| {
            // SAFETY: the block is the caller's to give, has at least `STEP` bytes and is aligned to as many.
            unsafe { block.cast::<*mut u8>().write(free[list].get()) };
            free[list].set(block);
        });
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(size, layout.align()) else { return ptr::null_mut() };
        match (list(layout), list(wanted)) {
            (Some(old), Some(new)) if old == new => block,
            // SAFETY: the block came from there, and stays there.
            (None, None) => unsafe { self.0.realloc(block, layout, size) },
            // SAFETY: the new block is not the old one, and both have as many bytes as are copied.
            _ => unsafe {
                let new = self.alloc(wanted);
                if !new.is_null() {
                    ptr::copy_nonoverlapping(block, new, layout.size().min(size));
                    self.dealloc(block, layout);
                }
                new
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::System;

    use proptest::prelude::*;

    use super::*;

    /// A block in use: where it is, its layout, and the byte that it was filled with.
    struct Block(*mut u8, Layout, u8);

    impl Block {
        fn new(layout: Layout, byte: u8) -> Self {
            // SAFETY: no layout of these tests is empty.
            let block = unsafe { BySize(System).alloc(layout) };
            assert!(!block.is_null() && block.addr().is_multiple_of(layout.align()), "{layout:?}");
            let mut block = Self(block, layout, byte);
            block.fill();
            block
        }

        fn fill(&mut self) {
            // SAFETY: the block has so many bytes.
            unsafe { self.0.write_bytes(self.2, self.1.size()) };
        }

        fn holds(&self, bytes: usize) -> bool {
            // SAFETY: as above; `bytes` is not more than it has.
            unsafe { std::slice::from_raw_parts(self.0, bytes) }.iter().all(|byte| *byte == self.2)
        }

        fn resize(&mut self, size: usize) {
            // SAFETY: block and layout belong together.
            self.0 = unsafe { BySize(System).realloc(self.0, self.1, size) };
            let kept = self.1.size().min(size);
            self.1 = Layout::from_size_align(size, self.1.align()).expect("a layout");
            assert!(self.holds(kept), "what was there is moved along");
            self.fill();
        }

        fn free(self) {
            assert!(self.holds(self.1.size()), "nobody else wrote to it");
            // SAFETY: as above.
            unsafe { BySize(System).dealloc(self.0, self.1) };
        }
    }

    /// Sizes that share lists and ends of lists, and any.
    fn size() -> impl Strategy<Value = usize> {
        prop_oneof![3 => 1_usize..70, 1 => 1_usize..2200]
    }

    proptest! {
        #[test]
        fn blocks_in_use_do_not_touch_each_other(
            steps in prop::collection::vec((0_u8..4, size(), 0_u32..7, any::<prop::sample::Index>()), 1..400)
        ) {
            let mut blocks: Vec<Block> = Vec::new();
            for (number, (step, size, align, which)) in steps.into_iter().enumerate() {
                let layout = Layout::from_size_align(size, 1 << align).expect("a layout");
                match step {
                    2 if !blocks.is_empty() => blocks.swap_remove(which.index(blocks.len())).free(),
                    3 if !blocks.is_empty() => {
                        let at = which.index(blocks.len());
                        blocks[at].resize(size);
                    }
                    _ => blocks.push(Block::new(layout, u8::try_from(number % 251).expect("a byte"))),
                }
            }
            blocks.into_iter().for_each(Block::free);
        }
    }

    #[test]
    fn the_block_that_was_given_back_last_is_handed_out_first() {
        let layout = |size| Layout::from_size_align(size, 8).expect("a layout");
        let first = Block::new(layout(100), 1);
        let place = first.0;
        first.free();
        let larger = Block::new(layout(113), 2);
        let same = Block::new(layout(97), 3);
        assert!(larger.0 != place && same.0 == place);
        larger.free();
        same.free();
    }
}
