//! macOS: the profile that `sandbox-exec` enforces.

use crate::plan::Plan;
use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::Path,
    process::{Command, Stdio},
};

/// By its absolute path: one in a project must not be taken for it.
pub(super) const PROGRAM: &str = "/usr/bin/sandbox-exec";

/// What every command may do: read, run programs, and talk to its own kind. No network, no other program.
const BASE: &str = r#"(version 1)
(deny default)
(allow process-exec process-fork)
(allow process-info* (target same-sandbox))
(allow signal (target same-sandbox))
(allow sysctl-read)
(allow file-read*)
(allow file-write-data (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty"))
(allow file-ioctl (literal "/dev/null") (literal "/dev/tty"))
(allow ipc-posix-sem)
(allow mach-lookup
  (global-name "com.apple.system.notification_center")
  (global-name "com.apple.system.opendirectoryd.libinfo")
  (global-name "com.apple.system.opendirectoryd.membership")
  (global-name "com.apple.system.logger"))
"#;

/// Tries the program with a profile that allows everything.
pub(super) fn probe() -> Result<(), String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this crate is where processes are started"
    )]
    let status = Command::new(PROGRAM)
        .args(["-p", "(version 1)(allow default)", "/usr/bin/true"])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{PROGRAM}` does not work: {status}")),
        Err(error) => Err(format!("`{PROGRAM}` cannot be run: {error}")),
    }
}

/// The arguments before the command. Paths are parameters, so that nothing in them is read as a rule.
pub(super) fn arguments(plan: &Plan) -> Vec<OsString> {
    let mut profile = BASE.to_owned();
    let mut arguments = Vec::new();
    for (number, path) in plan.writable.iter().enumerate() {
        profile.push_str(&format!(
            "(allow file-write* (subpath (param \"WRITABLE_{number}\")))\n"
        ));
        arguments.extend(parameter(&format!("WRITABLE_{number}"), path.clone()));
    }
    // Of two rules the last one wins: what is hidden, what the command works with inside of that,
    // what is hidden in the workspace.
    let guard = &plan.guard;
    let is_shown = |path: &OsString| is_inside(Path::new(path), &plan.shown);
    let deny = |number: usize| {
        format!("(deny file-read* file-write* (subpath (param \"HIDDEN_{number}\")))\n")
    };
    let hidden: Vec<&OsString> = guard.hidden.iter().chain(&guard.withheld).collect();
    for (number, &path) in hidden.iter().enumerate() {
        profile.push_str(&deny(number));
        arguments.extend(parameter(&format!("HIDDEN_{number}"), path.clone()));
    }
    let needed = || plan.shown.iter().chain(&plan.writable);
    for (number, path) in needed().enumerate() {
        let path_at = Path::new(path);
        if !is_inside(path_at, &guard.hidden) && !is_inside(path_at, &guard.withheld) {
            continue;
        }
        let verbs = if plan.writable.contains(path) {
            "file-read* file-write*"
        } else {
            "file-read*"
        };
        profile.push_str(&format!(
            "(allow {verbs} (subpath (param \"SHOWN_{number}\")))\n"
        ));
        arguments.extend(parameter(&format!("SHOWN_{number}"), path.clone()));
    }
    for (number, _) in (0..).zip(&hidden).filter(|(_, path)| is_shown(path)) {
        profile.push_str(&deny(number));
    }
    // What is kept, held or withheld can neither be written nor made, nor can a folder above it be moved.
    let kept = guard.kept.iter().chain(&guard.held).chain(&guard.shared);
    let holds_needed = |place: &OsString| needed().any(|path| Path::new(path).starts_with(place));
    let closed = guard.withheld.iter().filter(|place| !holds_needed(place));
    let kept = kept.chain(closed);
    let mut pinned = BTreeSet::new();
    for (number, path) in kept.enumerate() {
        profile.push_str(&format!(
            "(deny file-write* (subpath (param \"KEPT_{number}\")))\n"
        ));
        arguments.extend(parameter(&format!("KEPT_{number}"), path.clone()));
        let above = Path::new(path).ancestors().skip(1);
        pinned.extend(above.filter(|folder| is_inside(folder, &plan.writable)));
    }
    for (number, path) in pinned.into_iter().enumerate() {
        profile.push_str(&format!(
            "(deny file-write-unlink (literal (param \"PINNED_{number}\")))\n"
        ));
        arguments.extend(parameter(&format!("PINNED_{number}"), path.into()));
    }
    arguments.extend(["-p".into(), profile.into()]);
    arguments
}

fn is_inside(path: &Path, folders: &[OsString]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

fn parameter(name: &str, value: OsString) -> [OsString; 2] {
    let mut definition = OsString::from(name);
    definition.push("=");
    definition.push(value);
    ["-D".into(), definition]
}
