//! The tool that runs commands.

use super::or_root;
use kerf_protocol::{
    item::Exit,
    policy::{Isolation, NetworkLevel, SandboxMode},
};
use kerf_sandbox::{End, Finding, Invocation, Job, Outcome};
use kerf_workspace::{Workspace, path::Escaped};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{ffi::OsStr, fmt::Write, path::PathBuf, time::Duration};

const DEFAULT_TIMEOUT: u64 = 120;
const MAX_TIMEOUT: u64 = 3_600;
/// What is kept of an output at each end, in bytes.
const OUTPUT_CAP: usize = 16 * 1024;
/// More of what a command left behind is not told.
const MAX_FINDINGS: usize = 20;

/// Runs a shell command in the sandbox and gives its exit code and output, cut in the middle when long. With `background` it gives a job number at once: `job` then gives its new output, `stop` ends it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunCommand {
    #[serde(default)]
    pub(crate) command: String,
    /// The folder to run in.
    #[serde(default)]
    pub(crate) cwd: String,
    /// 120 if not given.
    pub(crate) timeout_seconds: Option<u64>,
    #[serde(default)]
    pub(crate) background: bool,
    pub(crate) job: Option<u32>,
    #[serde(default)]
    pub(crate) stop: bool,
}

impl RunCommand {
    pub(crate) fn title(&self) -> String {
        match self.job {
            Some(job) if self.stop => format!("Stop job {job}"),
            Some(job) => format!("Look at job {job}"),
            None if self.background => format!("Start {}", self.command),
            None => format!("Run {}", self.command),
        }
    }

    /// The folder to run in, inside the workspace.
    pub(crate) fn folder(&self, workspace: &Workspace) -> Result<PathBuf, String> {
        let path = workspace
            .resolve(or_root(&self.cwd))
            .map_err(|error| error.to_string())?;
        // Listing goes through the workspace's directory handle, so a link that leads outside is refused.
        workspace
            .fs()
            .list(&path)
            .map_err(|error| format!("cwd: {error}"))?;
        Ok(workspace.root().join(path.as_path()))
    }

    /// The job for the sandbox: `command` is the call's own with values where it has placeholders.
    pub(crate) fn job(
        &self,
        command: String,
        workspace: &Workspace,
        cwd: PathBuf,
        mode: SandboxMode,
    ) -> Job {
        let timeout = self
            .timeout_seconds
            .unwrap_or(DEFAULT_TIMEOUT)
            .clamp(1, MAX_TIMEOUT);
        Job {
            command: Invocation::Shell(command),
            cwd,
            workspace: workspace.root().to_owned(),
            mode,
            timeout: (!self.background).then(|| Duration::from_secs(timeout)),
            env: Vec::new(),
            writable: Vec::new(),
            output_cap: OUTPUT_CAP,
            network: None,
            commits: None,
            lent: Vec::new(),
            withheld: Vec::new(),
        }
    }
}

/// What the model reads of a finished command.
pub(crate) fn describe(outcome: &Outcome, command: &str, workspace: &Workspace) -> String {
    let mut text = match outcome.end {
        End::Exited(code) => format!("exit code {code}"),
        End::Signalled(signal) => format!("ended by signal {signal}"),
        End::TimedOut => "stopped: it ran out of time".to_owned(),
        End::Cancelled => "stopped by the user".to_owned(),
    };
    let _ = write!(text, " after {:.1} s", outcome.duration.as_secs_f64());
    let output = outcome.output.to_text();
    text.push('\n');
    text.push_str(if output.is_empty() {
        "(no output)"
    } else {
        &output
    });
    text += &notes(&outcome.findings);
    text += &note_withheld(&outcome.withheld, &[command, &output], workspace);
    text
}

/// What of the files that are withheld from a command one of the texts names; nothing when none does.
pub(crate) fn note_withheld(withheld: &[PathBuf], texts: &[&str], workspace: &Workspace) -> String {
    let named: Vec<String> = withheld
        .iter()
        .filter(|path| path.file_name().is_some_and(|name| is_named(texts, name)))
        .map(|path| {
            let inside = path.strip_prefix(workspace.root()).unwrap_or(path);
            Escaped(inside.as_os_str()).to_string()
        })
        .collect();
    if named.is_empty() {
        return String::new();
    }
    let more = named.len().saturating_sub(MAX_FINDINGS);
    let some = named[..named.len() - more].join("`, `");
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    format!(
        "\nnote: `.kerfignore` or a rule of the user's withholds `{some}`{more} from commands, which can neither read nor change it"
    )
}

/// Whether one of the texts has a file's name as a word.
fn is_named(texts: &[&str], name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    texts.iter().any(|text| {
        text.match_indices(name).any(|(at, _)| {
            let (before, behind) = (&text[..at], &text[at + name.len()..]);
            !before.ends_with(is_part) && !behind.starts_with(is_part)
        })
    })
}

/// What a command left that others should not follow unseen, a line each.
pub(crate) fn notes(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings.iter().take(MAX_FINDINGS) {
        let _ = write!(text, "\nnote: {finding}");
    }
    text
}

/// How the command ended, for the item.
pub(crate) fn exit(end: &End, isolation: &Isolation, network: NetworkLevel) -> Exit {
    Exit {
        code: match end {
            End::Exited(code) => Some(*code),
            _ => None,
        },
        timed_out: matches!(end, End::TimedOut),
        isolation: isolation.clone(),
        network,
    }
}
