//! A workspace, things around it that must not change, and ways to run something.

use kerf_protocol::policy::{Isolation, SandboxMode};
use kerf_sandbox::{Invocation, Job, Outcome, Sandbox, SandboxError};
use std::{
    fs,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) const HELPER: &str = env!("CARGO_BIN_EXE_sandbox-helper");

/// Long enough for any command here; only a hang reaches it.
const HANG: Duration = Duration::from_secs(60);

pub(crate) struct Room {
    base: TempDir,
    pub(crate) sandbox: Sandbox,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self::of(tempfile::tempdir().unwrap())
    }

    /// In a folder of another disk.
    pub(crate) fn within(folder: &Path) -> Self {
        Self::of(tempfile::tempdir_in(folder).unwrap())
    }

    fn of(base: TempDir) -> Self {
        for folder in ["ws/sub", "ws-evil"] {
            fs::create_dir_all(base.path().join(folder)).unwrap();
        }
        Self {
            base,
            sandbox: Sandbox::new(HELPER.into()),
        }
    }

    /// The folder that holds the workspace and its neighbour.
    pub(crate) fn base(&self) -> PathBuf {
        self.base.path().canonicalize().unwrap()
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.base().join("ws")
    }

    pub(crate) fn job(&self, mode: SandboxMode, line: &str) -> Job {
        Job {
            command: Invocation::Shell(line.to_owned()),
            cwd: self.workspace(),
            workspace: self.workspace(),
            mode,
            timeout: Some(HANG),
            env: Vec::new(),
            writable: Vec::new(),
            output_cap: 1 << 20,
            network: None,
            commits: None,
            lent: Vec::new(),
            withheld: Vec::new(),
        }
    }

    pub(crate) async fn try_run(&self, job: Job) -> Result<Outcome, SandboxError> {
        self.sandbox
            .run(job, CancellationToken::new(), |_| {})
            .await
    }

    pub(crate) async fn run(&self, mode: SandboxMode, line: &str) -> Outcome {
        self.try_run(self.job(mode, line)).await.unwrap()
    }

    /// What `line` says under `mode`.
    pub(crate) async fn says(&self, mode: SandboxMode, line: &str) -> String {
        self.run(mode, line).await.output.to_text()
    }

    /// Whether this machine can do everything; says so when a test is skipped because it cannot.
    pub(crate) fn is_full(&self) -> bool {
        let isolation = self.sandbox.isolation(SandboxMode::WorkspaceWrite);
        if isolation != Isolation::Full {
            eprintln!("skipped 1: {isolation:?}");
        }
        isolation == Isolation::Full
    }

    /// Makes a FIFO in the workspace. A command that opens it for writing and everything that inherits it keep it
    /// open, so a reader sees its end when the last of them is gone, without asking again and again.
    pub(crate) async fn fifo(&self) -> PathBuf {
        let path = self.workspace().join("alive");
        assert_eq!(self.says(SandboxMode::Off, "mkfifo alive").await, "");
        path
    }
}

/// Waits until somebody has opened `fifo` for writing.
pub(crate) async fn opened(fifo: &Path) -> fs::File {
    let fifo = fifo.to_owned();
    tokio::task::spawn_blocking(move || fs::File::open(fifo).unwrap())
        .await
        .unwrap()
}

/// Waits until nobody has it open any more; returns what was written.
pub(crate) async fn all_gone(mut fifo: fs::File) -> String {
    let read = move || {
        let mut text = String::new();
        fifo.read_to_string(&mut text).unwrap();
        text
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

/// A program of this machine, outside any sandbox.
#[expect(clippy::disallowed_methods, reason = "the test's own surroundings")]
pub(crate) fn outside(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// Whether `program` is installed; says so when a test is skipped because it is not.
pub(crate) fn has(program: &str) -> bool {
    let found = outside("sh")
        .args(["-c", "command -v \"$0\"", program])
        .stdout(Stdio::null())
        .status()
        .unwrap()
        .success();
    if !found {
        eprintln!("skipped 1: `{program}` is not installed");
    }
    found
}

/// Whether this is root.
pub(crate) fn is_root() -> bool {
    outside("id").arg("-u").output().unwrap().stdout == b"0\n"
}

/// Everything below `folder`: names, kinds, contents, permissions, owners and times of change.
pub(crate) fn snapshot(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let kind = meta.file_type();
            let held = if kind.is_dir() {
                folders.push(path.clone());
                "folder".to_owned()
            } else if kind.is_file() {
                format!("file {}", fs::read_to_string(&path).unwrap())
            } else {
                format!("{kind:?}")
            };
            let times =
                (kind.is_file() || kind.is_symlink()).then_some((meta.mtime(), meta.mtime_nsec()));
            all.push((
                path,
                format!("{held} {:o} {} {times:?}", meta.mode(), meta.uid()),
            ));
        }
    }
    all.sort();
    all
}

pub(crate) fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
