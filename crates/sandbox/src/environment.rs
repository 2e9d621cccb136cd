//! The variables that a command gets: a list of harmless names, nothing else of Kerf's own environment.
//!
//! An allow-list, because a key that reaches a command can be printed by it, and because variables such as
//! `LD_PRELOAD`, `NODE_OPTIONS`, `BASH_ENV` or `GIT_DIR` change what other programs do.

use kerf_protocol::policy::SandboxMode;
use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

/// A name and its value.
pub(crate) type Variable = (OsString, OsString);

/// Passed on when set: who and where the user is, and where the toolchains are.
const SAFE: &[&str] = &[
    // The user and the system.
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    // Compilers and package managers.
    "ANDROID_HOME",
    "ANDROID_NDK_HOME",
    "ANDROID_SDK_ROOT",
    "ASDF_DATA_DIR",
    "ASDF_DIR",
    "BUN_INSTALL",
    "CARGO_HOME",
    "CARGO_TARGET_DIR",
    "COMPOSER_HOME",
    "CONDA_DEFAULT_ENV",
    "CONDA_EXE",
    "CONDA_PREFIX",
    "DENO_DIR",
    "DEVELOPER_DIR",
    "DOTNET_ROOT",
    "FNM_DIR",
    "FNM_MULTISHELL_PATH",
    "GEM_HOME",
    "GEM_PATH",
    "GHCUP_INSTALL_BASE_PREFIX",
    "GOCACHE",
    "GOMODCACHE",
    "GOPATH",
    "GOROOT",
    "GRADLE_HOME",
    "GRADLE_USER_HOME",
    "HOMEBREW_PREFIX",
    "JAVA_HOME",
    "LIBCLANG_PATH",
    "M2_HOME",
    "MACOSX_DEPLOYMENT_TARGET",
    "MAVEN_HOME",
    "MISE_DATA_DIR",
    "NIX_PATH",
    "NIX_PROFILES",
    "NIX_SSL_CERT_FILE",
    "NVM_BIN",
    "NVM_DIR",
    "OPAMROOT",
    "OPAMSWITCH",
    "PIPX_HOME",
    "PKG_CONFIG_PATH",
    "PNPM_HOME",
    "POETRY_HOME",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "RBENV_ROOT",
    "RBENV_VERSION",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "SDKMAN_DIR",
    "SDKROOT",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "UV_CACHE_DIR",
    "VIRTUAL_ENV",
    "VOLTA_HOME",
];

/// Windows programs do not start without these.
#[cfg(windows)]
const SYSTEM: &[&str] = &[
    "ALLUSERSPROFILE",
    "APPDATA",
    "COMMONPROGRAMFILES",
    "COMMONPROGRAMFILES(X86)",
    "COMSPEC",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "NUMBER_OF_PROCESSORS",
    "OS",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PROGRAMFILES(X86)",
    "PROGRAMW6432",
    "PUBLIC",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "USERDOMAIN",
    "USERNAME",
    "USERPROFILE",
    "WINDIR",
];
#[cfg(not(windows))]
const SYSTEM: &[&str] = &[];

/// The ways out that a command needs when the user has turned the isolation off.
const UNCONFINED: &[&str] = &[
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSH_AUTH_SOCK",
    "XDG_RUNTIME_DIR",
];

/// Set for every command: no colour, no pager, no editor, nobody there to answer.
const FIXED: &[(&str, &str)] = &[
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("GIT_EDITOR", ":"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("MANPAGER", "cat"),
    ("NO_COLOR", "1"),
    ("PAGER", "cat"),
    ("TERM", "dumb"),
];

/// Parts of names that hold secrets. A second net: no name above matches.
const SECRET: &[&str] = &["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL"];

/// Where programs are looked for when the user has no `PATH`.
#[cfg(unix)]
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
#[cfg(not(unix))]
const DEFAULT_PATH: &str = "";

pub(crate) fn of_this_process() -> Vec<Variable> {
    env::vars_os().collect()
}

/// The part of `own` that a command may see, and the fixed ones. Of `PATH` those folders stay that are absolute
/// and outside `writable`: what a command can write must not be run by the next one under another name.
pub(crate) fn clean(own: &[Variable], mode: SandboxMode, writable: &[PathBuf]) -> Vec<Variable> {
    let mut variables = Vec::new();
    let mut path = None;
    for (name, value) in own {
        // Names that are not UTF-8 are on no list.
        let Some(upper) = name.to_str().map(str::to_ascii_uppercase) else {
            continue;
        };
        if upper == "PATH" {
            path = Some(value);
        } else if is_safe(&upper, mode) {
            variables.push((name.clone(), value.clone()));
        }
    }
    variables.push((
        "PATH".into(),
        clean_path(
            path.map_or(OsStr::new(DEFAULT_PATH), OsString::as_os_str),
            writable,
        ),
    ));
    variables.extend(
        FIXED
            .iter()
            .map(|(name, value)| (name.into(), value.into())),
    );
    variables
}

fn is_safe(upper: &str, mode: SandboxMode) -> bool {
    let listed = SAFE.contains(&upper)
        || SYSTEM.contains(&upper)
        || upper.starts_with("LC_")
        || (mode == SandboxMode::Off && UNCONFINED.contains(&upper));
    listed && !upper.starts_with("KERF_") && !SECRET.iter().any(|part| upper.contains(part))
}

fn clean_path(path: &OsStr, writable: &[PathBuf]) -> OsString {
    let kept = env::split_paths(path).filter(|folder| {
        let inside = |folder: &Path| writable.iter().any(|root| folder.starts_with(root));
        let real = folder.canonicalize();
        folder.is_absolute() && !inside(folder) && !real.is_ok_and(|real| inside(&real))
    });
    // It was one list before, so its parts can be joined again.
    env::join_paths(kept).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(variables: &[Variable], name: &str) -> Option<String> {
        variables
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.to_string_lossy().into_owned())
    }

    #[test]
    fn only_harmless_names_pass() {
        let own: Vec<Variable> = [
            ("HOME", "/home/ada"),
            ("LC_ALL", "C"),
            ("CARGO_HOME", "/c"),
            ("TERM", "xterm"),
            ("KERF_API_KEY", "k"),
            ("KERF_HOME", "/k"),
            ("OPENAI_API_KEY", "k"),
            ("GITHUB_TOKEN", "t"),
            ("LC_SECRET", "s"),
            ("PGPASSWORD", "p"),
            ("LD_PRELOAD", "/x.so"),
            ("NODE_OPTIONS", "-r x"),
            ("BASH_ENV", "x"),
            ("ENV", "x"),
            ("GIT_DIR", "x"),
            ("PAGER", "evil"),
            ("CI", "1"),
            ("SSH_AUTH_SOCK", "/s"),
            ("http_proxy", "u:p@h"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
        let clean = clean(&own, SandboxMode::WorkspaceWrite, &[]);
        let mut names: Vec<_> = clean
            .iter()
            .map(|(name, _)| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "CARGO_HOME",
                "DEBIAN_FRONTEND",
                "GIT_EDITOR",
                "GIT_OPTIONAL_LOCKS",
                "GIT_PAGER",
                "GIT_TERMINAL_PROMPT",
                "HOME",
                "LC_ALL",
                "MANPAGER",
                "NO_COLOR",
                "PAGER",
                "PATH",
                "TERM"
            ]
        );
        assert_eq!(get(&clean, "TERM").as_deref(), Some("dumb"));
        assert_eq!(get(&clean, "PAGER").as_deref(), Some("cat"));
        let off = super::clean(&own, SandboxMode::Off, &[]);
        assert_eq!(get(&off, "SSH_AUTH_SOCK").as_deref(), Some("/s"));
        assert_eq!(get(&off, "KERF_API_KEY"), None);
    }

    #[test]
    fn no_listed_name_looks_like_a_secret() {
        for name in SAFE.iter().chain(SYSTEM) {
            assert!(
                is_safe(name, SandboxMode::ReadOnly),
                "{name} is listed but dropped"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn path_keeps_no_folder_of_the_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().canonicalize().unwrap();
        std::fs::create_dir(workspace.join("bin")).unwrap();
        let link = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(workspace.join("bin"), link.path().join("bin")).unwrap();
        let path = format!(
            "node_modules/.bin:{0}/bin::/usr/bin:.:{1}/bin:/bin",
            workspace.display(),
            link.path().display()
        );
        assert_eq!(clean_path(OsStr::new(&path), &[workspace]), "/usr/bin:/bin");
    }
}
