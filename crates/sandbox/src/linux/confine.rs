//! The isolation itself: capabilities, Landlock, seccomp, each on the calling process and all that it becomes.
//!
//! Reading is allowed nearly everywhere; `/dev` is the exception, because disks and other people's terminals are
//! files there. Writing is allowed below the given paths only. The network and other programs' sockets are closed
//! by [`filter`]; where a command has a network of its own, one port of that is left open by both. Nothing here needs privileges, and nothing can be undone by the command.

use super::{filter, syscall};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use std::{ffi::OsString, fs, os::unix::fs::MetadataExt, path::Path};

/// The newest rules known here; an older kernel enforces those that it knows.
const RULES: ABI = ABI::V9;

/// Devices without harm: they lead nowhere, or to the terminal, which a command does not have.
const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
];

/// Confines the calling process. `reads` can be read even when it lies in `/dev`; `writable` is written; `port` is the
/// one that can be connected to, in a network that has nothing else.
/// Returns the kernel's version of Landlock.
///
/// # Errors
/// What could not be set up; the process may be confined in part and must not go on.
pub(super) fn this_process(
    reads: Option<&Path>,
    writable: &[OsString],
    port: Option<u16>,
) -> Result<u8, String> {
    drop_capabilities(reads)?;
    let abi =
        restrict(reads, writable, port).map_err(|error| format!("Landlock failed: {error}"))??;
    filter::install(abi, port.is_some())?;
    Ok(abi)
}

/// Root without capabilities is an ordinary user who owns the system's files, and those Landlock protects.
fn drop_capabilities(workspace: Option<&Path>) -> Result<(), String> {
    // This one passes over permission bits only; Landlock still decides.
    let keep = if workspace.is_some_and(works_for_another_user) {
        syscall::CAP_DAC_OVERRIDE
    } else {
        0
    };
    syscall::keep_only_capabilities(keep)
        .map_err(|error| format!("capabilities cannot be dropped: {error}"))
}

/// Whether this is root working in another user's folder, as is usual in containers. Without any capability root could
/// not write there.
pub(super) fn works_for_another_user(workspace: &Path) -> bool {
    syscall::user() == 0 && workspace.metadata().is_ok_and(|meta| meta.uid() != 0)
}

/// Whether this process has a capability in force.
pub(super) fn has_capabilities() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut effective = status
        .lines()
        .filter_map(|line| line.strip_prefix("CapEff:"));
    effective
        .next()
        .is_none_or(|mask| mask.trim().contains(|digit| digit != '0'))
}

fn restrict(
    reads: Option<&Path>,
    writable: &[OsString],
    port: Option<u16>,
) -> Result<Result<u8, String>, RulesetError> {
    let read = AccessFs::from_read(RULES);
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev | AccessFs::Truncate;
    // Making devices is nobody's business, and sockets are beyond reach anyhow.
    let write = AccessFs::from_all(RULES)
        & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::ResolveUnix);

    let mut ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(RULES))?
        .handle_access(AccessNet::from_all(RULES))?
        .scope(Scope::from_all(RULES))?
        .create()?;
    ruleset = allow(ruleset, Path::new("/"), AccessFs::ReadDir.into())?;
    for entry in fs::read_dir("/").into_iter().flatten().flatten() {
        if entry.file_name() != "dev" {
            ruleset = allow(ruleset, &entry.path(), read)?;
        }
    }
    for path in DEVICES {
        ruleset = allow(ruleset, Path::new(path), device)?;
    }
    if let Some(reads) = reads {
        ruleset = allow(ruleset, reads, read)?;
    }
    for path in writable {
        ruleset = allow(ruleset, Path::new(path), write)?;
    }
    if let Some(port) = port {
        ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    let status = ruleset.restrict_self()?;
    Ok(match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => Err(
            "Landlock is switched off in this kernel (the `lsm=` boot parameter leaves it out)"
                .to_owned(),
        ),
        (RulesetStatus::NotEnforced, _) => {
            Err("this kernel has no Landlock (needs Linux 5.13)".to_owned())
        }
        (_, LandlockStatus::Available { effective_abi, .. }) if status.no_new_privs => {
            Ok(effective_abi as u8)
        }
        _ => Err("Landlock is not in force".to_owned()),
    })
}

/// Grants `access` below `path`. A path that cannot be opened is not granted.
fn allow(
    ruleset: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(handle) = PathFd::new(path) else {
        return Ok(ruleset);
    };
    // The kernel refuses rules about folders for anything else.
    let access = if path.is_dir() {
        access
    } else {
        access & AccessFs::from_file(RULES)
    };
    ruleset.add_rule(PathBeneath::new(handle, access))
}
