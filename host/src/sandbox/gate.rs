//! How many guests are called at the same time.
//!
//! The pool of instances (`engine`) has room for so many and no more; who comes later waits, so that a full pool is never
//! what becomes of a call. A call that is tried again after a time-out waits until nothing else runs, and keeps it so.

use std::{
    num::NonZero,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// Most calls at the same time on any machine: calls only compute, and each has addresses reserved.
const MOST: usize = 64;

/// Whether other guests may run at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Company {
    Welcome,
    /// Waits until nothing else runs, and keeps it so.
    Alone,
}

/// Lets calls in.
#[derive(Debug)]
pub(super) struct Gate {
    places: usize,
    inside: Mutex<Inside>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Inside {
    taken: usize,
    // Calls that want to be alone; nobody else is let in before them, or they would wait for ever.
    lonely: usize,
}

/// A call that was let in, until it is dropped.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    places: usize,
}

impl Gate {
    /// A gate with one place for each call that can compute at the same time here.
    pub(super) fn new() -> Self {
        let places = thread::available_parallelism().map_or(1, NonZero::get).min(MOST);
        Self { places, inside: Mutex::default(), left: Condvar::new() }
    }

    /// Calls at the same time.
    pub(super) const fn places(&self) -> usize {
        self.places
    }

    /// Waits for a place, or for all of them.
    pub(super) fn enter(&self, company: Company) -> Pass<'_> {
        let mut inside = self.inside();
        match company {
            Company::Welcome => {
                while inside.taken >= self.places || inside.lonely > 0 {
                    inside = self.left.wait(inside).unwrap_or_else(PoisonError::into_inner);
                }
                inside.taken += 1;
                Pass { gate: self, places: 1 }
            }
            Company::Alone => {
                inside.lonely += 1;
                while inside.taken > 0 {
                    inside = self.left.wait(inside).unwrap_or_else(PoisonError::into_inner);
                }
                inside.lonely -= 1;
                inside.taken = self.places;
                Pass { gate: self, places: self.places }
            }
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Two counts, each changed by one statement: whatever a panic left is still true.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.inside().taken -= self.places;
        self.gate.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn never_more_inside_than_places_and_who_wants_to_be_alone_is() {
        let gate = Gate { places: 3, inside: Mutex::default(), left: Condvar::new() };
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for number in 0..12 {
                let (gate, inside, most) = (&gate, &inside, &most);
                let company = if number % 4 == 0 { Company::Alone } else { Company::Welcome };
                scope.spawn(move || {
                    for _ in 0..200 {
                        let _pass = gate.enter(company);
                        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        thread::yield_now();
                        if company == Company::Alone {
                            assert_eq!(inside.load(Ordering::SeqCst), 1);
                        }
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 3);
        assert_eq!(gate.inside().taken, 0);
    }

    #[test]
    fn a_panic_gives_its_place_back() {
        let gate = Gate { places: 1, inside: Mutex::default(), left: Condvar::new() };
        let panicked = thread::scope(|scope| {
            scope
                .spawn(|| {
                    let _pass = gate.enter(Company::Welcome);
                    panic!("on purpose");
                })
                .join()
        });
        assert!(panicked.is_err());
        drop(gate.enter(Company::Alone));
    }
}
