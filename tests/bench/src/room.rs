//! The repository that Kerf works on, and what its process is given.

use kerf_test_support::{Fixture, ModelServer};
use std::{
    fmt::Write,
    fs::File,
    path::Path,
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

/// Files of the repository.
const FILES: usize = 200;
/// Lines of a file. With its line numbers a file is about 2.4 KB of tool output; `calls.rs` says why.
const LINES: usize = 36;

/// The path of a file of the repository.
pub(crate) fn path(file: usize) -> String {
    format!("src/part_{}/file_{file}.rs", file % 10)
}

/// The line of a file that an edit replaces; it is there once.
pub(crate) fn unique_line(file: usize) -> String {
    format!("const FILE_{file}: u32 = {file};")
}

/// A git repository with a commit, whose files are not new: a fresh file has to be read again, since a change
/// within the clock's step cannot be seen.
pub(crate) fn repository() -> Fixture {
    let mut text = String::new();
    for file in 0..FILES {
        let _ = writeln!(text, "//- /{}\n{}", path(file), unique_line(file));
        for line in 2..=LINES {
            let noise = file * 7_919 + line * 104_729;
            let _ = writeln!(
                text,
                "pub fn f{file}_line_{line}(x: u32) -> u32 {{ x + {line} }} // {noise:08x}"
            );
        }
    }
    let fixture = Fixture::new(&text);
    let hour_ago = SystemTime::now() - Duration::from_secs(3_600);
    for file in 0..FILES {
        let file = File::options().write(true).open(fixture.join(&path(file)));
        // Without it the first checkpoint reads more; nothing else depends on it.
        let _aged = file.and_then(|file| file.set_modified(hour_ago));
    }
    fixture.git()
}

/// A folder for Kerf's own data.
pub(crate) fn home() -> Result<TempDir, String> {
    let made = tempfile::Builder::new().prefix("kerf-bench-").tempdir();
    made.map_err(|error| format!("no temporary folder: {error}"))
}

/// The environment of the child, besides the path of programs.
pub(crate) fn environment(home: &Path, server: &ModelServer) -> [(&'static str, String); 6] {
    let home = home.to_string_lossy().into_owned();
    [
        ("KERF_HOME", home.clone()),
        ("HOME", home),
        ("KERF_BASE_URL", server.base_url()),
        ("KERF_WIRE", "chat".to_owned()),
        ("KERF_MODEL", "scripted".to_owned()),
        ("KERF_API_KEY", "bench".to_owned()),
    ]
}
