//! A job made ready: checked, with absolute paths, the whole environment and a temporary folder of its own.

use crate::{
    Invocation, Job, SandboxError,
    environment::{self, Variable},
    guard::{Before, Guard, Watchman},
    network::{PORT, VARIABLES},
};
use kerf_protocol::policy::SandboxMode;
use serde::{Deserialize, Serialize};
use std::{
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Everything a supervisor must know. Text is kept as the system's strings, because names need not be Unicode.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The program and its arguments; the first is an absolute path on Unix.
    pub(crate) argv: Vec<OsString>,
    /// Whether `argv` is the shell with its line, which Windows quotes in its own way.
    pub(crate) shell: bool,
    /// The whole environment.
    pub(crate) env: Vec<Variable>,
    /// The folder to start in, canonical.
    pub(crate) cwd: OsString,
    /// The workspace, canonical.
    pub(crate) workspace: OsString,
    /// What may be written, canonical: the temporary folder, and under `WorkspaceWrite` the workspace and more.
    pub(crate) writable: Vec<OsString>,
    /// The workspace and the further folders of the job, canonical, whether they may be written or not.
    pub(crate) shown: Vec<OsString>,
    /// The temporary folder.
    pub(crate) temp: OsString,
    /// What is not seen, and what is not changed although it lies below `writable`.
    pub(crate) guard: Guard,
    /// How far to isolate.
    pub(crate) mode: SandboxMode,
    /// Folders with the places where they are seen too, read-only.
    pub(crate) lent: Vec<(OsString, OsString)>,
    /// The port of its own network that it may connect to.
    pub(crate) port: Option<u16>,
}

/// Names the temporary folders, so that what a crash leaves can be told apart.
const TEMP_PREFIX: &str = "kerf-run-";

impl Plan {
    /// Checks `job`, makes its temporary folder, which goes with the second value, and looks at what is there before.
    pub(crate) fn new(
        job: &Job,
        own: Vec<Variable>,
        watchman: &Watchman,
    ) -> Result<(Self, TempDir, Before), SandboxError> {
        let workspace = folder(&job.workspace)?;
        let mut roots = vec![workspace.clone()];
        roots.extend(
            job.writable
                .iter()
                .filter_map(|path| path.canonicalize().ok()),
        );
        let cwd = folder(&job.cwd)?;
        if !roots.iter().any(|root| cwd.starts_with(root)) {
            return Err(SandboxError::Folder {
                path: job.cwd.clone(),
                reason: format!("it lies outside the workspace `{}`", workspace.display()),
            });
        }

        let temp = temp_folder().map_err(|source| SandboxError::Io {
            action: "making a temporary folder for the command",
            source,
        })?;
        let temp_path = temp
            .path()
            .canonicalize()
            .unwrap_or_else(|_| temp.path().to_owned());

        let mut env = environment::clean(&own, job.mode, &roots);
        env.extend(
            ["TMPDIR", "TEMP", "TMP"].map(|name| (name.into(), temp_path.clone().into_os_string())),
        );
        env.push(("PWD".into(), cwd.clone().into_os_string()));
        for (name, value) in &job.env {
            check_variable(name, value)?;
            env.retain(|(other, _)| other != name);
            env.push((name.clone(), value.clone()));
        }

        let shell = matches!(job.command, Invocation::Shell(_));
        let argv = argv(&job.command, &cwd, &env)?;
        let (mut guard, before) = match job.mode {
            SandboxMode::Off => Default::default(),
            mode => watchman.rules(&roots, mode == SandboxMode::WorkspaceWrite, &job.withheld)?,
        };
        let strings = |paths: &[PathBuf]| paths.iter().map(OsString::from).collect();
        let mut shown = roots.clone();
        let mut writable = vec![temp_path.clone()];
        if job.mode != SandboxMode::ReadOnly {
            writable.extend(roots);
        }
        if let Some(commits) = &job.commits {
            let git_dir = folder(&commits.git_dir)?;
            let objects = folder(&commits.objects)?;
            let common_dir = folder(&commits.common_dir)?;
            env.extend(commit_variables(&objects, &common_dir));
            if job.mode == SandboxMode::WorkspaceWrite {
                guard.keep_git_dir(&git_dir);
                writable.extend([git_dir, objects]);
            } else {
                shown.push(git_dir);
            }
            shown.push(common_dir);
        }
        let lent = match job.mode {
            SandboxMode::Off => Vec::new(),
            _ => lent(job, &workspace, &guard),
        };
        let shown = strings(&shown);
        let plan = Self {
            argv,
            shell,
            env,
            cwd: cwd.into(),
            workspace: workspace.into(),
            writable: strings(&writable),
            shown,
            temp: temp_path.into(),
            guard,
            mode: job.mode,
            lent,
            port: None,
        };
        Ok((plan, temp, before))
    }

    /// Gives the command the one port of its network, and tells its programs of it.
    pub(crate) fn connect(&mut self) {
        let proxy = OsString::from(format!("http://127.0.0.1:{PORT}"));
        self.env
            .retain(|(name, _)| !VARIABLES.iter().any(|variable| name == variable));
        self.env
            .extend(VARIABLES.map(|name| (name.into(), proxy.clone())));
        self.port = Some(PORT);
    }
}

/// The canonical form of an absolute path to a folder.
fn folder(path: &Path) -> Result<PathBuf, SandboxError> {
    let refuse = |reason: String| SandboxError::Folder {
        path: path.to_owned(),
        reason,
    };
    if !path.is_absolute() {
        return Err(refuse("the path is not absolute".to_owned()));
    }
    let canonical = path
        .canonicalize()
        .map_err(|error| refuse(error.to_string()))?;
    if canonical.is_dir() {
        Ok(canonical)
    } else {
        Err(refuse("it is not a folder".to_owned()))
    }
}

/// What of a job's lent folders can be lent: to empty folders of the workspace that are not withheld, without a link on the
/// way, and nothing in which the user's keys or something withheld lie.
fn lent(job: &Job, workspace: &Path, guard: &Guard) -> Vec<(OsString, OsString)> {
    let lend = |lent: &crate::Lent| {
        let (from, at) = (lent.from.canonicalize().ok()?, lent.at.canonicalize().ok()?);
        let fits = from.is_dir()
            && at != workspace
            && at.starts_with(workspace)
            && !from.starts_with(workspace)
            && at.read_dir().ok()?.next().is_none()
            // What hides Kerf's own data is around each worktree too.
            && !guard.withheld.iter().any(|closed| at.starts_with(closed))
            && !guard
                .hidden
                .iter()
                .chain(&guard.withheld)
                .any(|hidden| Path::new(hidden).starts_with(&from) || from.starts_with(hidden));
        fits.then(|| (from.into(), at.into()))
    };
    job.lent.iter().filter_map(lend).collect()
}

/// Tells git to write objects beside the repository, and to read those that it has.
fn commit_variables(objects: &Path, common_dir: &Path) -> [Variable; 2] {
    let known = common_dir.join("objects").into_os_string();
    // The list is separated as `PATH` is; a path with the separator or a quote in it is quoted as in C.
    let separator = if cfg!(windows) { ';' } else { ':' };
    let known = match known.to_str() {
        Some(text) if text.contains(separator) || text.starts_with('"') => {
            let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{quoted}\"").into()
        }
        _ => known,
    };
    [
        ("GIT_OBJECT_DIRECTORY".into(), objects.into()),
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES".into(), known),
    ]
}

/// A new folder that only this user can enter.
fn temp_folder() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMP_PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}

fn check_variable(name: &OsStr, value: &OsStr) -> Result<(), SandboxError> {
    let named = name.as_encoded_bytes();
    if named.is_empty() || named.contains(&b'=') || has_nul(name) || has_nul(value) {
        return Err(SandboxError::Unrepresentable {
            what: format!("the variable `{}`", name.to_string_lossy()),
        });
    }
    Ok(())
}

fn has_nul(text: &OsStr) -> bool {
    text.as_encoded_bytes().contains(&0)
}

fn argv(command: &Invocation, cwd: &Path, env: &[Variable]) -> Result<Vec<OsString>, SandboxError> {
    let argv = match command {
        Invocation::Shell(line) if line.trim().is_empty() => return Err(SandboxError::Empty),
        Invocation::Shell(line) => shell(line),
        Invocation::Program(argv) => {
            let mut argv = argv.clone();
            let Some(program) = argv.first_mut().filter(|program| !program.is_empty()) else {
                return Err(SandboxError::Empty);
            };
            *program = find_program(program, cwd, env)?;
            argv
        }
    };
    if argv.iter().any(|argument| has_nul(argument)) {
        return Err(SandboxError::Unrepresentable {
            what: "the command".to_owned(),
        });
    }
    Ok(argv)
}

#[cfg(unix)]
fn shell(line: &str) -> Vec<OsString> {
    // `--`: a line that starts with a dash is not an option.
    ["/bin/sh", "-c", "--", line].map(OsString::from).into()
}

#[cfg(windows)]
fn shell(line: &str) -> Vec<OsString> {
    let system = std::env::var_os("SYSTEMROOT").unwrap_or_else(|| "C:\\Windows".into());
    let cmd = Path::new(&system).join("System32").join("cmd.exe");
    vec![
        cmd.into_os_string(),
        "/D".into(),
        "/S".into(),
        "/C".into(),
        line.into(),
    ]
}

/// The absolute path of `program`, looked up in the environment that the command will have, not in Kerf's own.
#[cfg(unix)]
fn find_program(program: &OsStr, cwd: &Path, env: &[Variable]) -> Result<OsString, SandboxError> {
    use std::os::unix::fs::PermissionsExt;
    let is_executable = |path: &Path| {
        path.metadata()
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    let missing = |reason: &str| SandboxError::Program {
        program: program.to_string_lossy().into_owned(),
        reason: reason.to_owned(),
    };
    if program.as_encoded_bytes().contains(&b'/') {
        let path = cwd.join(program);
        return if is_executable(&path) {
            Ok(path.into())
        } else {
            Err(missing("there is no such executable file"))
        };
    }
    let path = env
        .iter()
        .rev()
        .find(|(name, _)| name == "PATH")
        .map(|(_, value)| value.as_os_str());
    std::env::split_paths(path.unwrap_or_default())
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|path| is_executable(path))
        .map(PathBuf::into_os_string)
        .ok_or_else(|| missing("no folder of `PATH` holds it"))
}

/// Windows adds extensions and looks through the command's `PATH` itself.
#[cfg(windows)]
fn find_program(program: &OsStr, _cwd: &Path, _env: &[Variable]) -> Result<OsString, SandboxError> {
    Ok(program.to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::{fs, os::unix::fs::symlink};

    fn job(command: Invocation, cwd: &Path, workspace: &Path) -> Job {
        Job {
            command,
            cwd: cwd.to_owned(),
            workspace: workspace.to_owned(),
            mode: SandboxMode::WorkspaceWrite,
            timeout: None,
            env: vec![],
            writable: vec![],
            output_cap: 1000,
            network: None,
            commits: None,
            lent: Vec::new(),
            withheld: Vec::new(),
        }
    }

    #[rstest]
    #[case::inside("ws/sub", true)]
    #[case::itself("ws", true)]
    #[case::dots_that_stay("ws/sub/..", true)]
    #[case::above("ws/..", false)]
    #[case::twin_name("ws-evil", false)]
    #[case::link_out("ws/out", false)]
    #[case::missing("ws/none", false)]
    #[case::file("ws/file", false)]
    #[case::extra("extra", true)]
    fn starts_only_inside(#[case] cwd: &str, #[case] fine: bool) {
        let base = tempfile::tempdir().unwrap();
        for folder in ["ws/sub", "ws-evil", "extra"] {
            fs::create_dir_all(base.path().join(folder)).unwrap();
        }
        fs::write(base.path().join("ws/file"), "").unwrap();
        symlink(base.path().join("ws-evil"), base.path().join("ws/out")).unwrap();
        let mut job = job(
            Invocation::Shell("true".into()),
            &base.path().join(cwd),
            &base.path().join("ws"),
        );
        job.writable = vec![base.path().join("extra"), base.path().join("not-there")];
        assert_eq!(Plan::new(&job, vec![], &Watchman::default()).is_ok(), fine);
    }

    #[rstest]
    #[case("relative")]
    #[case("~")]
    #[case("")]
    fn relative_folders_are_refused(#[case] cwd: &str) {
        let base = tempfile::tempdir().unwrap();
        let job = job(
            Invocation::Shell("true".into()),
            Path::new(cwd),
            base.path(),
        );
        assert!(matches!(
            Plan::new(&job, vec![], &Watchman::default()),
            Err(SandboxError::Folder { .. })
        ));
    }

    #[test]
    fn programs_come_from_the_cleaned_path() {
        let base = tempfile::tempdir().unwrap();
        let fake = base.path().join("git");
        fs::write(&fake, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let own = vec![(
            "PATH".into(),
            format!("{}:.:/usr/bin:/bin", base.path().display()).into(),
        )];
        let job = |argv: &[&str]| {
            job(
                Invocation::Program(argv.iter().map(Into::into).collect()),
                base.path(),
                base.path(),
            )
        };
        let planned = |argv: &[&str]| {
            Plan::new(&job(argv), own.clone(), &Watchman::default())
                .map(|(plan, ..)| plan.argv[0].clone())
        };
        assert!(Path::new(&planned(&["sh", "-c", "x"]).unwrap()).is_absolute());
        assert_ne!(planned(&["git"]).ok(), Some(fake.clone().into_os_string()));
        assert_eq!(
            planned(&["./git"]).unwrap(),
            fake.canonicalize()
                .unwrap()
                .parent()
                .unwrap()
                .join("./git")
                .into_os_string()
        );
        assert!(matches!(
            planned(&["no-such-program"]),
            Err(SandboxError::Program { .. })
        ));
        assert!(matches!(planned(&[]), Err(SandboxError::Empty)));
        assert!(matches!(planned(&[""]), Err(SandboxError::Empty)));
        assert!(matches!(
            planned(&["sh", "a\0b"]),
            Err(SandboxError::Unrepresentable { .. })
        ));
    }

    #[rstest]
    #[case("A", "1", true)]
    #[case("", "1", false)]
    #[case("A=B", "1", false)]
    #[case("A", "a\0b", false)]
    fn variables_are_checked(#[case] name: &str, #[case] value: &str, #[case] fine: bool) {
        let base = tempfile::tempdir().unwrap();
        let mut job = job(Invocation::Shell("true".into()), base.path(), base.path());
        job.env = vec![(name.into(), value.into())];
        assert_eq!(Plan::new(&job, vec![], &Watchman::default()).is_ok(), fine);
    }
}
