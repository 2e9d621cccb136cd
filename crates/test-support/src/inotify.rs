//! A system that lets nobody watch many folders, where a test wants it.

use std::{
    env,
    process::{Command, Output},
};

/// Tells the test that runs once more where the limit holds.
const INSIDE: &str = "KERF_TEST_INOTIFY_LIMIT";

/// Whether a limit of inotify holds here. Otherwise the test of this name is run once more in a user namespace of its own
/// where it does, has to pass there, and is done: `if !limited("max_inotify_watches", 3, "watch::few") { return; }`.
///
/// `limit` is a file of `/proc/sys/user`: `max_inotify_watches` or `max_inotify_instances`.
///
/// # Panics
/// When the test does not pass there, with what it printed.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "a test runs itself; nothing of the product is started"
)]
pub fn limited(limit: &str, most: u32, test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    let script = format!("echo {most} > /proc/sys/user/{limit} && exec \"$0\" --exact \"$1\"");
    let own = env::current_exe().unwrap_or_else(|error| panic!("this program: {error}"));
    let inside: Output = Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", &script])
        .arg(own)
        .arg(test)
        .env(INSIDE, "1")
        .output()
        .unwrap_or_else(|error| panic!("unshare, of the package util-linux: {error}"));
    let told = String::from_utf8_lossy(&inside.stdout);
    assert!(
        inside.status.success() && told.contains("1 passed"),
        "{test} under {limit} {most}: {inside:?}"
    );
    false
}
