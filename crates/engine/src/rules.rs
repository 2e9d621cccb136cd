//! The rules of a folder: where they come from, which of them count, and the requests about them and about trust.
//!
//! They come from the user's settings, from the user's answers "always for this project", and from the project's own
//! files. What a project brings can only tighten: what it denies and asks about counts at once, what it allows counts
//! when the user has trusted the very bytes that say so. Trust belongs to one folder by its canonical path. Neither
//! git nor a folder above or beneath has a say in it.

use crate::{
    engine::{Engine, canonical_folder, now},
    failure::{failure, from_fs, from_panic, from_store},
    home::Home,
    settings::RuleSettings,
};
use kerf_protocol::{
    Code, Failure,
    request::{Folder, Nothing},
    rule::{
        Rule as ListedRule, RuleList, RuleOrigin, RuleProblem, RuleRef, RuleVerdict, SetTrust,
        TestRules, TestedCommand, Trust, TrustItem, TrustKind, TrustShown, TrustState,
    },
    session::Session,
};
use kerf_rules::{Entry, FILES, Rule, Rules, closed, read_settings};
use kerf_store::{StoredRule, Write};
use kerf_workspace::{FsError, RelPath, Workspace};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// A settings file of a project above this size is none, in bytes.
const MAX_FILE_BYTES: u64 = 256 * 1024;
/// The commands of earlier sessions that are looked at.
const MAX_COMMANDS: u32 = 500;

/// All rules of a folder, and what of the project waits.
struct Gathered {
    /// Those that count.
    rules: Rules,
    /// Those of the project that wait for trust.
    waiting: Vec<Entry>,
    problems: Vec<RuleProblem>,
    trust: Vec<TrustItem>,
}

/// What a project's files say.
#[derive(Default)]
struct OfProject {
    files: Vec<ProjectFile>,
    problems: Vec<RuleProblem>,
}

struct ProjectFile {
    name: &'static str,
    text: String,
    hash: String,
    rules: Vec<(RuleVerdict, Rule)>,
}

impl Engine {
    /// The rules that count in a session. In a worktree they are those that the user gave for the folder it was made
    /// of, and what its own files say, by the same trust: that is of bytes, not of places.
    pub(crate) async fn rules_for(&self, session: &Session) -> Result<Rules, Failure> {
        let Gathered {
            rules, problems, ..
        } = self.gather(&session.folder, session.users_folder()).await?;
        for problem in &problems {
            tracing::warn!(
                folder = session.folder,
                file = problem.file,
                rule = problem.text,
                why = problem.message,
                "a rule of the project does not count"
            );
        }
        Ok(rules)
    }

    /// The rules that count in a folder for which there is no session.
    pub(crate) async fn rules_in(&self, folder: &str) -> Result<Rules, Failure> {
        Ok(self.gather_of(folder).await?.rules)
    }

    async fn gather_of(&self, folder: &str) -> Result<Gathered, Failure> {
        self.gather(folder, folder).await
    }

    /// The rules of the files in `folder`, and what the user said of the folder `of`.
    async fn gather(&self, folder: &str, of: &str) -> Result<Gathered, Failure> {
        let settings = self.settings()?.rules;
        let stored = self.store().rules(of).await.map_err(from_store)?;
        let trusts = self.store().trusts(Some(of)).await.map_err(from_store)?;
        let (at, home) = (folder.to_owned(), self.home().clone());
        tokio::task::spawn_blocking(move || {
            let project = of_project(&at)?;
            put_together(&at, &home, &settings, stored, &trusts, project)
        })
        .await
        .map_err(from_panic)?
    }

    pub(crate) async fn rules_list(&self, Folder { folder }: Folder) -> Result<RuleList, Failure> {
        let Gathered {
            rules,
            waiting,
            problems,
            ..
        } = self.gather_of(&canonical(&folder)?).await?;
        let counts = rules.entries().iter().map(|entry| listed(entry, true));
        let waits = waiting.iter().map(|entry| listed(entry, false));
        Ok(RuleList {
            rules: counts.chain(waits).collect(),
            problems,
        })
    }

    pub(crate) async fn rules_test(&self, test: TestRules) -> Result<Vec<TestedCommand>, Failure> {
        let folder = canonical(&test.folder)?;
        let commands = match test.command {
            Some(command) => vec![(command, 0)],
            None => {
                let commands = self.store().commands(&folder, MAX_COMMANDS).await;
                commands.map_err(from_store)?
            }
        };
        let rules = self.gather_of(&folder).await?.rules;
        // Many long commands take a while.
        tokio::task::spawn_blocking(move || {
            commands
                .into_iter()
                .map(|(command, times)| tested(&rules, command, times))
                .collect()
        })
        .await
        .map_err(from_panic)
    }

    pub(crate) async fn rules_revoke(&self, RuleRef { id }: RuleRef) -> Result<Nothing, Failure> {
        let write = Write::RevokeRule(id);
        self.store().commit(vec![write]).await.map_err(from_store)?;
        Ok(Nothing {})
    }

    pub(crate) async fn trust_show(
        &self,
        Folder { folder }: Folder,
    ) -> Result<TrustShown, Failure> {
        let folder = canonical(&folder)?;
        let items = self.gather_of(&folder).await?.trust;
        let waits = items.iter().any(|item| item.state != TrustState::Trusted);
        Ok(TrustShown {
            folder,
            items,
            waits,
        })
    }

    pub(crate) async fn trust_set(&self, set: SetTrust) -> Result<Nothing, Failure> {
        let folder = canonical(&set.folder)?;
        let there = self.gather_of(&folder).await?.trust;
        let made_at = now();
        let mut writes = Vec::with_capacity(set.items.len());
        for pin in set.items {
            let is_there = there.iter().any(|item| {
                (item.kind, &item.name, &item.hash) == (pin.kind, &pin.name, &pin.hash)
            });
            if !is_there {
                return Err(failure(
                    Code::Conflict,
                    format!("{} is not as it was shown", pin.name),
                    "Look at it again, then decide",
                ));
            }
            writes.push(Write::Trust {
                folder: folder.clone(),
                pin,
                made_at,
            });
        }
        self.store().commit(writes).await.map_err(from_store)?;
        Ok(Nothing {})
    }

    pub(crate) async fn trust_revoke(&self, Folder { folder }: Folder) -> Result<Nothing, Failure> {
        // The folder may be gone, and its trust is taken back all the same.
        let folder = canonical(&folder).unwrap_or(folder);
        let write = Write::RevokeTrust { folder };
        self.store().commit(vec![write]).await.map_err(from_store)?;
        Ok(Nothing {})
    }

    pub(crate) async fn trust_list(&self) -> Result<Vec<Trust>, Failure> {
        self.store().trusts(None).await.map_err(from_store)
    }
}

fn canonical(folder: &str) -> Result<String, Failure> {
    let path = canonical_folder(folder)?;
    path.to_str().map(str::to_owned).ok_or_else(|| {
        failure(
            Code::Usage,
            format!("{} has a name that is not UTF-8", path.display()),
            "Open a folder whose path is UTF-8",
        )
    })
}

/// Reads what a project says. Links that lead out of the folder and large files are told and left out.
fn of_project(folder: &str) -> Result<OfProject, Failure> {
    let workspace = Workspace::open(Path::new(folder)).map_err(from_fs)?;
    let mut found = OfProject::default();
    for name in FILES {
        let mut problem = |message: String| {
            found.problems.push(RuleProblem {
                file: name.to_owned(),
                text: String::new(),
                message,
            });
        };
        let Ok(path) = name.parse::<RelPath>() else {
            continue;
        };
        let bytes = match workspace.fs().read(&path, MAX_FILE_BYTES) {
            Ok(bytes) => bytes,
            Err(FsError::NotFound { .. } | FsError::NotADir { .. }) => continue,
            Err(error) => {
                problem(error.to_string());
                continue;
            }
        };
        let hash = blake3::hash(&bytes).to_hex().to_string();
        let Ok(text) = String::from_utf8(bytes) else {
            problem("the file is not UTF-8".to_owned());
            continue;
        };
        let read = read_settings(name, &text);
        found.problems.extend(read.problems);
        found.files.push(ProjectFile {
            name,
            text,
            hash,
            rules: read.rules,
        });
    }
    Ok(found)
}

fn put_together(
    folder: &str,
    home: &Home,
    settings: &RuleSettings,
    stored: Vec<StoredRule>,
    trusts: &[Trust],
    project: OfProject,
) -> Result<Gathered, Failure> {
    let real = |own: &PathBuf| own.canonicalize().unwrap_or_else(|_| own.clone());
    // Data and configuration may be in one folder.
    let mut own: BTreeSet<PathBuf> = home.folders().iter().map(real).collect();
    if Path::new(folder).starts_with(real(&home.worktrees())) {
        // The session's own worktree is open; what else is Kerf's stays closed by its name.
        own = home.places().iter().map(real).collect();
    }
    let mut entries: Vec<Entry> = own
        .iter()
        .filter_map(|own| closed(&own.to_string_lossy()))
        .collect();
    entries.extend(settings.entries(&home.config())?);
    for StoredRule {
        id,
        verdict,
        text,
        made_at,
        ..
    } in stored
    {
        match Rule::parse(&text) {
            Ok(rule) => entries.push(Entry {
                verdict,
                origin: RuleOrigin::Answer { id, made_at },
                rule,
            }),
            // A newer Kerf may have written it.
            Err(error) => tracing::warn!(id, text, %error, "a stored rule does not count"),
        }
    }
    let (mut waiting, mut trust) = (Vec::new(), Vec::new());
    for file in project.files {
        let pinned = trusts
            .iter()
            .find(|trust| trust.pin.kind == TrustKind::Rules && trust.pin.name == file.name);
        let state = match pinned {
            None => TrustState::Waiting,
            Some(trust) if trust.pin.hash == file.hash => TrustState::Trusted,
            Some(_) => TrustState::Changed,
        };
        let mut brings = Vec::new();
        for (verdict, rule) in file.rules {
            let allows = verdict == RuleVerdict::Allow;
            if allows {
                brings.push(rule.words());
            }
            let entry = Entry {
                verdict,
                origin: RuleOrigin::Project {
                    file: file.name.to_owned(),
                },
                rule,
            };
            if allows && state != TrustState::Trusted {
                waiting.push(entry);
            } else {
                entries.push(entry);
            }
        }
        // What only tightens needs nobody's consent.
        if !brings.is_empty() {
            trust.push(TrustItem {
                kind: TrustKind::Rules,
                name: file.name.to_owned(),
                hash: file.hash,
                text: file.text,
                brings,
                state,
            });
        }
    }
    let user = etcetera::home_dir().ok();
    let user = user.and_then(|path| path.canonicalize().ok());
    let user = user.as_deref().and_then(Path::to_str);
    Ok(Gathered {
        rules: Rules::new(folder, user, entries),
        waiting,
        problems: project.problems,
        trust,
    })
}

impl RuleSettings {
    /// The rules of the settings file. One that cannot be read is an error: it may have been meant to hold back.
    fn entries(&self, file: &Path) -> Result<Vec<Entry>, Failure> {
        let of = |verdict, texts: &[String]| -> Result<Vec<Entry>, Failure> {
            let parse = |text: &String| {
                let rule = Rule::parse(text).map_err(|error| {
                    failure(
                        Code::Configuration,
                        format!(
                            "the rule `{text}` in {} is not valid: {error}",
                            file.display()
                        ),
                        "Mend the rule under [rules]",
                    )
                })?;
                Ok(Entry {
                    verdict,
                    origin: RuleOrigin::Settings,
                    rule,
                })
            };
            texts.iter().map(parse).collect()
        };
        let mut all = of(RuleVerdict::Deny, &self.deny)?;
        all.extend(of(RuleVerdict::Ask, &self.ask)?);
        all.extend(of(RuleVerdict::Allow, &self.allow)?);
        Ok(all)
    }
}

fn listed(entry: &Entry, active: bool) -> ListedRule {
    ListedRule {
        verdict: entry.verdict,
        text: entry.rule.text().to_owned(),
        words: entry.rule.words(),
        origin: entry.origin.clone(),
        active,
    }
}

fn tested(rules: &Rules, command: String, times: u32) -> TestedCommand {
    let said = rules.command(&command, "");
    let rule = said.entry.map(|entry| listed(entry, true));
    let words = match (said.verdict, &rule) {
        (Some(_), Some(rule)) if said.guessed => {
            format!(
                "It cannot be told whether `{}` means this, so it is asked",
                rule.text
            )
        }
        (Some(verdict), Some(rule)) => {
            let says = match verdict {
                RuleVerdict::Allow => "allows it",
                RuleVerdict::Ask => "asks",
                RuleVerdict::Deny => "denies it",
            };
            format!("`{}` {says}", rule.text)
        }
        _ => "No rule means this: the task's policy decides".to_owned(),
    };
    TestedCommand {
        verdict: said.verdict,
        command,
        times,
        rule,
        words,
    }
}
