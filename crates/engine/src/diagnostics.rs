//! What went wrong in a program that has no terminal, written down in Kerf's data folder.
//!
//! Messages name files, hosts and sessions; what files and messages say is never logged, nor is a key.

use crate::home::Home;
use std::{env, panic};
use tracing_appender::rolling::{Builder, Rotation};
use tracing_subscriber::EnvFilter;

/// A file a day, and so many days.
const DAYS: usize = 5;
/// What is logged when `KERF_LOG` asks for nothing else.
const USUAL: &str = "warn";

/// Logs warnings, errors and panics, or what `KERF_LOG` asks for, to files in [`Home::logs`]: one a day, five kept.
/// Called once, before anything else is. False when the files cannot be written: then nothing is logged.
pub fn log_to_files(home: &Home) -> bool {
    // The log looks for old files first, and complains on standard error about a folder that is not there.
    if std::fs::create_dir_all(home.logs()).is_err() {
        return false;
    }
    let files = Builder::new()
        .rotation(Rotation::DAILY)
        .filename_prefix("kerf")
        .filename_suffix("log")
        .max_log_files(DAYS)
        .build(home.logs());
    let Ok(files) = files else { return false };
    let filter = env::var("KERF_LOG").unwrap_or_else(|_| USUAL.to_owned());
    let begun = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_ansi(false)
        .with_writer(std::sync::Mutex::new(files))
        .try_init();
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        tracing::error!(%panic, "something in Kerf broke");
        usual(panic);
    }));
    begun.is_ok()
}
