//! Measured in a process of its own, whose memory is nobody else's: this program, started again with [`ONCE`].

use super::{ONCE, command, indexed::Indexed, plain::Plain};
use crate::Done;
use serde_json::{Value, json};
use std::{env, fs, path::Path, process::ExitCode, time::Instant};

/// What a process has done.
pub(super) struct Once {
    pub(super) seconds: f64,
    /// The most memory it held, in bytes, mapped files included; none where the system does not tell.
    pub(super) peak: Option<f64>,
    pub(super) files: f64,
    /// The bytes of the files.
    pub(super) bytes: f64,
    pub(super) contents_read: f64,
    pub(super) index_bytes: f64,
}

/// Opens the folder's index until it is ready.
pub(super) fn kerf(root: &Path, place: &Path) -> Done<Once> {
    start("kerf", root, place)
}

/// Indexes the folder's files by tantivy's own means.
pub(super) fn tantivy(root: &Path, place: &Path) -> Done<Once> {
    start("tantivy", root, place)
}

fn start(what: &str, root: &Path, place: &Path) -> Done<Once> {
    let own = env::current_exe().map_err(|error| format!("this program has no path: {error}"))?;
    let mut command = command(own);
    command.args([ONCE, what]).arg(root).arg(place);
    let output = command
        .output()
        .map_err(|error| format!("this program cannot be started again: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let told: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{what}: {error}"))?;
    let number = |name: &str| told[name].as_f64();
    Ok(Once {
        seconds: number("seconds").unwrap_or_default(),
        peak: number("peak"),
        files: number("files").unwrap_or_default(),
        bytes: number("bytes").unwrap_or_default(),
        contents_read: number("contents_read").unwrap_or_default(),
        index_bytes: number("index_bytes").unwrap_or_default(),
    })
}

/// What such a process does.
pub(crate) fn once(arguments: &[String]) -> ExitCode {
    let done = match arguments {
        [what, root, place] => measure(what, Path::new(root), Path::new(place)),
        _ => Err("a folder and a place are needed".to_owned()),
    };
    match done {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(what: &str, root: &Path, place: &Path) -> Done<Value> {
    let begun = Instant::now();
    let mut told = match what {
        "kerf" => {
            let indexed = Indexed::build(root, place)?;
            let seconds = begun.elapsed().as_secs_f64();
            let status = indexed.ready()?;
            json!({
                "seconds": seconds,
                "files": status.files,
                "bytes": status.bytes,
                "contents_read": status.contents_read,
                "index_bytes": status.index_bytes,
            })
        }
        "tantivy" => {
            let files = Plain::index(root, place)?;
            json!({ "seconds": begun.elapsed().as_secs_f64(), "files": files })
        }
        other => return Err(format!("`{other}` is not known")),
    };
    told["peak"] = peak().into();
    Ok(told)
}

/// The most memory this process held until now, in bytes.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().split(' ').next()?.parse().ok()?;
    Some(kib * 1024)
}
