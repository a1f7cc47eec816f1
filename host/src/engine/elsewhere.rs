//! Systems that are no Unix: recorded responses work, engines do not.
//!
//! A worker speaks over a socket pair that is its descriptor 0, which only Unix has. Both sides keep their names here and
//! refuse, so that nothing above has to know.

use crate::error::Error;

/// In place of a worker from outside.
pub mod process {
    use std::{
        convert::Infallible,
        io,
        net::Shutdown,
        path::{Path, PathBuf},
    };

    use realign_engine_abi::message::{Event, Reply, Request};

    use crate::{
        engine::{launch::Launch, progress::Progress},
        error::Result,
    };

    /// The host's end of the line to a worker; there is none here.
    #[derive(Debug)]
    pub struct Line(Infallible);

    impl Line {
        /// Never called.
        ///
        /// # Errors
        /// None.
        pub fn shutdown(&self, _: Shutdown) -> io::Result<()> {
            match self.0 {}
        }
    }

    /// A worker; there is none here.
    #[derive(Debug)]
    pub struct WorkerProcess(Infallible);

    /// A worker that ended.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Death {
        /// How.
        pub cause: String,
        /// Whether it was meant to.
        pub interrupted: bool,
    }

    impl WorkerProcess {
        /// Refuses.
        ///
        /// # Errors
        /// Always: exit 21.
        pub fn spawn(_: &Launch) -> Result<Self> {
            Err(super::none())
        }

        /// Process id; never called.
        #[must_use]
        pub fn pid(&self) -> Option<u32> {
            match self.0 {}
        }

        /// Never called.
        ///
        /// # Errors
        /// None.
        pub fn line(&self) -> io::Result<Line> {
            match self.0 {}
        }

        /// Never called.
        ///
        /// # Errors
        /// None.
        pub fn call_among(
            &mut self,
            _: &Request,
            _: &Progress,
            _: &mut dyn FnMut(&Event),
        ) -> Result<Reply, Death> {
            match self.0 {}
        }

        /// Never called.
        ///
        /// # Errors
        /// None.
        pub fn carry(&mut self, _: &Path) -> Result<PathBuf, Death> {
            match self.0 {}
        }

        /// Never called.
        ///
        /// # Errors
        /// None.
        pub fn free_ports(&mut self) -> Result<(), Death> {
            match self.0 {}
        }

        /// Never called.
        ///
        /// # Errors
        /// None.
        pub fn call(&mut self, _: &Request, _: &mut dyn FnMut(&Event)) -> Result<Reply, Death> {
            match self.0 {}
        }
    }
}

/// In place of a worker from inside.
pub mod worker {
    use std::path::Path;

    use crate::error::Result;

    /// Refuses.
    ///
    /// # Errors
    /// Always: exit 21.
    pub fn run_worker(_: &Path) -> Result<()> {
        Err(super::none())
    }
}

/// In place of a relay.
pub mod relay {
    use std::path::Path;

    use crate::{engine::launch::Launch, error::Result};

    /// Refuses.
    ///
    /// # Errors
    /// Always: exit 21.
    pub fn run_relay(_: &Launch, _: &Path) -> Result<()> {
        Err(super::none())
    }
}

/// In place of processes that lend themselves, seen from rank 0.
pub mod lent {
    use std::{convert::Infallible, path::Path, time::Duration};

    use crate::{engine::member::Member, error::Result, exit::Exit, ids::Digest};

    /// Ranks that have come; there are none here.
    #[derive(Debug)]
    pub struct Lent(Infallible);

    impl Lent {
        /// Refuses.
        ///
        /// # Errors
        /// Always: exit 21.
        pub fn gather(_: &Member, _: &Path, _: &Digest, _: Duration) -> Result<Self> {
            Err(super::none())
        }

        /// Never called.
        pub fn end(&self, _: Exit) {
            match self.0 {}
        }
    }
}

/// In place of a process that lends itself.
pub mod lend {
    use std::path::Path;

    use crate::{
        engine::{launch::Launch, member::Member},
        error::Result,
        exit::Exit,
        ids::Digest,
    };

    /// Refuses.
    ///
    /// # Errors
    /// Always: exit 21.
    pub fn lend(_: &Member, _: &Path, _: &Digest, _: Launch, _: &Path) -> Result<Exit> {
        Err(super::none())
    }
}

/// In place of the ranks of other machines.
pub mod remote {
    use std::{convert::Infallible, sync::Arc};

    use realign_engine_abi::message::{Load, ModelInfo};

    use super::process::WorkerProcess;
    use crate::{
        engine::{hosts::Remote, launch::Launch, ring::Ring},
        error::Result,
    };

    /// Machines that were checked; there are none here.
    #[derive(Debug)]
    pub struct Team(Infallible);

    impl Team {
        /// Refuses.
        ///
        /// # Errors
        /// Always: exit 21.
        pub(in crate::engine) fn gather(_: &Launch, _: &Arc<Remote>, _: &Load) -> Result<(Ring, Self)> {
            Err(super::none())
        }

        /// Never called.
        ///
        /// # Errors
        /// None.
        pub(in crate::engine) fn start(
            self,
            _: &Launch,
            _: &Load,
        ) -> Result<Vec<(WorkerProcess, ModelInfo)>> {
            match self.0 {}
        }
    }
}

fn none() -> Error {
    Error::engine("engine workers need Linux or macOS")
        .hint("recorded responses work everywhere: --model recorded:FILE")
}
