//! What the rules say about a call, in the words of questions and refusals.

use crate::policy::Verdict;
use kerf_protocol::{
    policy::QuestionAbout,
    rule::{RuleOffer, RuleOrigin, RuleVerdict},
};
use kerf_rules::{Judgement, PathAt, Rules};
use kerf_workspace::{RelPath, Workspace};
use std::path::Path;

/// A question with what its answers would cover.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) about: QuestionAbout,
    pub(crate) session: Option<String>,
    pub(crate) project: Option<RuleOffer>,
    pub(crate) because: Option<String>,
}

impl From<QuestionAbout> for Asking {
    /// A question whose answer counts once.
    fn from(about: QuestionAbout) -> Self {
        Self {
            about,
            session: None,
            project: None,
            because: None,
        }
    }
}

/// What the rules say, without the rules.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub(crate) verdict: Option<RuleVerdict>,
    /// The rule and whose it is.
    pub(crate) rule: String,
    guessed: bool,
}

impl Said {
    pub(crate) fn new(judgement: &Judgement<'_>) -> Self {
        Self {
            verdict: judgement.verdict,
            rule: judgement.entry.map_or_else(String::new, |entry| {
                format!("`{}` {}", entry.rule.text(), whose(&entry.origin))
            }),
            guessed: judgement.guessed,
        }
    }

    /// Why the call does not happen, if a rule denies it.
    pub(crate) fn refusal(&self) -> Option<Verdict> {
        (self.verdict == Some(RuleVerdict::Deny)).then(|| {
            Verdict::Refuse(format!(
                "The rule {} denies this. Only the user can change rules: do it in another way, or say what you would need.",
                self.rule
            ))
        })
    }

    /// Why it is asked, if a rule is the reason.
    pub(crate) fn because(&self) -> Option<String> {
        (self.verdict == Some(RuleVerdict::Ask)).then(|| {
            if self.guessed {
                format!(
                    "It cannot be told whether the rule {} means this",
                    self.rule
                )
            } else {
                format!("The rule {} asks", self.rule)
            }
        })
    }
}

fn whose(origin: &RuleOrigin) -> String {
    match origin {
        RuleOrigin::Kerf => "of Kerf".to_owned(),
        RuleOrigin::Settings => "of your settings".to_owned(),
        RuleOrigin::Answer { .. } => "of yours for this project".to_owned(),
        RuleOrigin::Project { file } => format!("of the project\u{2019}s {file}"),
    }
}

/// What an answer for this project would keep, with the folder. A rule that asks counts before one that allows, so
/// that there is nothing to offer where one asks.
pub(crate) fn offer(rules: &Rules, said: &Said, offer: Option<RuleOffer>) -> Option<RuleOffer> {
    let offer = offer.filter(|_| said.verdict.is_none())?;
    Some(RuleOffer {
        words: format!("{}, in {}", offer.words, rules.folder_in_words()),
        ..offer
    })
}

/// What the rules say about changing these files.
pub(crate) fn edit(rules: &Rules, workspace: &Workspace, paths: &[RelPath]) -> Said {
    let places: Vec<(String, Option<String>)> =
        paths.iter().map(|path| place(workspace, path)).collect();
    let places: Vec<PathAt<'_>> = places
        .iter()
        .map(|(named, real)| PathAt {
            named,
            real: real.as_deref(),
        })
        .collect();
    Said::new(&rules.edit(&places))
}

/// What the rules say about reading a file, or about reading all that a folder holds.
pub(crate) fn read(rules: &Rules, path: &RelPath, real: Option<&RelPath>, is_dir: bool) -> Said {
    let named = slashes(path.as_path());
    let real = real.map(|real| slashes(real.as_path()));
    let at = PathAt {
        named: &named,
        real: real.as_deref(),
    };
    let own = Said::new(&rules.read(at));
    if !is_dir {
        return own;
    }
    let all = Said::new(&rules.read_all(at));
    if all.verdict > own.verdict { all } else { own }
}

/// A path as rules see it, and where it really leads when that is elsewhere in the folder.
fn place(workspace: &Workspace, path: &RelPath) -> (String, Option<String>) {
    let real = real(workspace, path).map(|real| slashes(real.as_path()));
    (slashes(path.as_path()), real)
}

/// Where a path really leads when that is elsewhere in the folder. What is not there yet is where its folder is.
pub(crate) fn real(workspace: &Workspace, path: &RelPath) -> Option<RelPath> {
    let whole = workspace.root().join(path.as_path());
    let real = whole.ancestors().find_map(|there| {
        let real = there.canonicalize().ok()?;
        let rest = whole.strip_prefix(there).ok()?;
        let inside = real.strip_prefix(workspace.root()).ok()?;
        Some(inside.join(rest))
    })?;
    if real.as_os_str().is_empty() {
        return Some(RelPath::root()).filter(|real| real != path);
    }
    RelPath::new(&real).ok().filter(|real| real != path)
}

/// A path as a rule writes it. None: it has bytes that no text holds.
pub(crate) fn slashed(path: &RelPath) -> Option<String> {
    path.as_path().to_str().map(|_| slashes(path.as_path()))
}

pub(crate) fn slashes(path: &Path) -> String {
    let names: Vec<_> = path.iter().map(|name| name.to_string_lossy()).collect();
    names.join("/")
}
