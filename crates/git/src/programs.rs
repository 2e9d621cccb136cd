//! What git would run besides itself: hooks, and programs that the repository's own settings name.
//!
//! Nothing here runs any of it. It is told to the user before a command of git's is begun.

use crate::{GitError, Repo};
use git2::{ConfigLevel, Repository};
use std::path::PathBuf;

/// So many programs are told of.
const MAX_TOLD: usize = 50;
/// Of a setting so much is told, in bytes.
const MAX_VALUE_BYTES: usize = 200;

/// What git is about to do, as far as it decides what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// `git fetch`.
    Fetch,
    /// `git pull`.
    Pull,
    /// `git push`.
    Push,
    /// `git commit`, also the one that ends a merge.
    Commit,
    /// Files are written: a merge is ended, large files come.
    Files,
    /// Nothing changes: another program asks git what is there.
    Look,
}

impl Act {
    fn hooks(self) -> &'static [&'static str] {
        match self {
            Self::Fetch => &["reference-transaction"],
            Self::Pull => &[
                "reference-transaction",
                "pre-merge-commit",
                "prepare-commit-msg",
                "commit-msg",
                "post-merge",
                "pre-rebase",
                "post-checkout",
                "post-rewrite",
            ],
            Self::Push => &["pre-push", "reference-transaction"],
            Self::Commit => &[
                "pre-commit",
                "pre-merge-commit",
                "prepare-commit-msg",
                "commit-msg",
                "post-commit",
                "post-rewrite",
                "reference-transaction",
            ],
            Self::Files => &["post-checkout", "reference-transaction"],
            Self::Look => &[],
        }
    }

    /// Whether git speaks to another machine.
    fn connects(self) -> bool {
        matches!(self, Self::Fetch | Self::Pull | Self::Push)
    }

    /// Whether files of the working tree are read or written.
    fn touches_files(self) -> bool {
        !matches!(self, Self::Fetch | Self::Push)
    }
}

impl Repo {
    /// The hooks that there are for `act`, and the settings of the repository itself that name programs for it, in words.
    /// What the user's own settings name is not told: they chose it.
    pub fn programs(&self, act: Act) -> Result<Vec<String>, GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("read the settings of", &self.workdir, error);
        let folder = self.hooks(&repo);
        let mut told: Vec<String> = act
            .hooks()
            .iter()
            .filter(|hook| is_hook(&folder.join(hook)))
            .map(|hook| format!("the hook {hook}"))
            .collect();
        let config = repo.config().map_err(failed)?;
        let mut entries = config.entries(None).map_err(failed)?;
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(failed)?;
            if !matches!(entry.level(), ConfigLevel::Local | ConfigLevel::Worktree) {
                continue;
            }
            let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
            let value = if entry.has_value() {
                String::from_utf8_lossy(entry.value_bytes()).into_owned()
            } else {
                String::new()
            };
            if names_program(act, &name, &value) {
                told.push(format!("{} = {}", cut(&name), cut(&value)));
            }
            if told.len() == MAX_TOLD {
                told.push("more of the repository's settings".to_owned());
                break;
            }
        }
        Ok(told)
    }

    pub(crate) fn hooks(&self, repo: &Repository) -> PathBuf {
        let config = repo.config().and_then(|mut config| config.snapshot());
        config
            .ok()
            .and_then(|config| config.get_path("core.hooksPath").ok())
            .map_or_else(
                || repo.commondir().join("hooks"),
                |path| self.workdir.join(path),
            )
    }
}

fn is_hook(path: &std::path::Path) -> bool {
    let Ok(metadata) = path.metadata() else {
        return false;
    };
    #[cfg(unix)]
    let runs = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let runs = true;
    metadata.is_file() && runs
}

/// Whether a setting, by its name in lower case, makes git run something for `act`, or speak to another server or in
/// another way than its address says.
fn names_program(act: Act, name: &str, value: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let in_section = |section: &str| name.starts_with(section);
    let not_a_switch = !matches!(
        value.to_ascii_lowercase().as_str(),
        "" | "true" | "false" | "yes" | "no" | "on" | "off" | "0" | "1"
    );
    // What the included file says is then not read here.
    let unread = |condition: &str| {
        !["gitdir:", "gitdir/i:", "onbranch:"]
            .iter()
            .any(|known| condition.starts_with(known))
    };
    let always = match name {
        "core.fsmonitor" => not_a_switch,
        // An alias counts where the program of that name is missing.
        "core.alternaterefscommand" | "alias.lfs" => true,
        _ => {
            name.strip_prefix("includeif.").is_some_and(unread)
                // A push may be signed.
                || (in_section("gpg.") && matches!(last, "program" | "defaultkeycommand"))
                || (in_section("hook.") && last == "command")
        }
    };
    let connecting = matches!(
        name,
        "core.sshcommand" | "core.gitproxy" | "core.askpass" | "fetch.bundleuri"
    ) || (in_section("credential.") && last == "helper")
        || (in_section("remote.")
            && matches!(
                last,
                "uploadpack" | "receivepack" | "vcs" | "proxy" | "lfsurl"
            ))
        || (in_section("protocol.") && last == "allow")
        || (in_section("http.")
            && (last.starts_with("ssl") || matches!(last, "proxy" | "curloptresolve")))
        || (in_section("lfs.") && matches!(last, "url" | "pushurl" | "path"));
    let with_files = (in_section("filter.") && matches!(last, "clean" | "smudge" | "process"))
        || (in_section("merge.") && last == "driver")
        || (in_section("diff.") && matches!(last, "command" | "textconv" | "external"))
        || matches!(name, "core.editor" | "sequence.editor");
    always || (connecting && act.connects()) || (with_files && act.touches_files())
}

fn cut(text: &str) -> String {
    if text.len() <= MAX_VALUE_BYTES {
        return text.to_owned();
    }
    let mut end = MAX_VALUE_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}
