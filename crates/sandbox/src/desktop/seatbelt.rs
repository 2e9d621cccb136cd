//! macOS: the profile that `sandbox-exec` enforces.

use crate::plan::Plan;
use std::{
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
    // The last rule wins: hooks and configuration of the repository run later, outside of any sandbox.
    profile.push_str("(deny file-write* (subpath (param \"REPOSITORY\")))\n");
    arguments.extend(parameter(
        "REPOSITORY",
        Path::new(&plan.workspace).join(".git").into(),
    ));
    arguments.extend(["-p".into(), profile.into()]);
    arguments
}

fn parameter(name: &str, value: OsString) -> [OsString; 2] {
    let mut definition = OsString::from(name);
    definition.push("=");
    definition.push(value);
    ["-D".into(), definition]
}
