//! What Kerf's tests share; nothing here is part of the product, and no crate but a test links it.
//!
//! [`fixture`] makes folders and repositories from one string and renders a folder as the same kind of
//! string, so that a test compares whole trees. [`model_server`] is a real HTTP server that plays a
//! [`Script`] in the wire API that the client asked for, faults included; [`raw_server`] plays bytes, for
//! what is not HTTP any more. `faults` cuts a disk's power and lets system calls fail, `inotify` runs a test where little
//! can be watched. [`mem_fs`] is a file system in memory, stricter than a real one, [`sleeper`] a computer that sleeps
//! when it is told to, and [`normalise`] makes output comparable.
//!
//! Mistakes in a test's own set-up panic with a message that says what to write instead: a test has nobody
//! to hand an error to.
//!
//! Start with [`Fixture`] and [`ModelServer`].

#[cfg(target_os = "linux")]
pub mod faults;
pub mod fixture;
#[cfg(target_os = "linux")]
pub mod inotify;
pub mod mem_fs;
pub mod model_server;
pub mod normalise;
pub mod raw_server;
pub mod script;
mod script_json;
pub mod seen;
pub mod sleeper;
mod sse;
pub mod tree;
mod turn;

pub use fixture::Fixture;
pub use mem_fs::MemFs;
pub use model_server::{ModelServer, Outcome, Recorded};
pub use normalise::Normaliser;
pub use raw_server::{RawServer, RawStep};
pub use script::{LineEnds, Reported, Script, Step, Stop, Tokens};
pub use seen::Seen;
pub use sleeper::Sleeper;
pub use turn::Turn;
