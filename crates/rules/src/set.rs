//! The rules that count, and what they say.

use crate::{
    command::{self, CommandPattern, Hit},
    path::{self, PathPattern},
    rule::{About, Rule},
    shell::{Part, Taken, Word, take_apart},
};
use kerf_protocol::rule::{RuleOrigin, RuleVerdict};

/// More words of a line are not looked at as names of files.
const MAX_FILES: usize = 500;

/// A line goes to at most so many folders that are followed.
const MAX_FOLDERS: usize = 4;

/// Places that hold rules or settings of agents, and files that say what is withheld from them: no call changes them,
/// whatever else is allowed.
const CLOSED: &[&str] = &["Edit(.claude)", "Edit(.kerf)", "Edit(.kerfignore)"];

/// A rule with what it says and whose it is.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it says.
    pub verdict: RuleVerdict,
    /// Whose it is.
    pub origin: RuleOrigin,
    /// The rule.
    pub rule: Rule,
}

/// The rules of a folder that count.
#[derive(Debug, Clone)]
pub struct Rules {
    entries: Vec<Entry>,
    /// With `/` between names and none at the end.
    folder: String,
    home: Option<String>,
}

/// What the rules say.
#[derive(Debug, Clone, Copy)]
pub struct Judgement<'a> {
    /// None: no rule matches.
    pub verdict: Option<RuleVerdict>,
    /// The rule that decided.
    pub entry: Option<&'a Entry>,
    /// It could not be told whether the rule matches; the verdict is to ask then.
    pub guessed: bool,
}

/// A file: where the call names it, and where it really is when a link leads there.
#[derive(Debug, Clone, Copy)]
pub struct PathAt<'a> {
    /// By its path in the folder, with `/` between names.
    pub named: &'a str,
    /// The same for what a link leads to.
    pub real: Option<&'a str>,
}

/// A rule of Kerf's own that no call changes anything beneath a folder, given by its whole path.
#[must_use]
pub fn closed(folder: &str) -> Option<Entry> {
    let folder = if cfg!(windows) {
        folder.replace('\\', "/")
    } else {
        folder.to_owned()
    };
    let text = format!("Edit(/{})", path::exactly(folder.trim_start_matches('/')));
    Some(Entry {
        verdict: RuleVerdict::Deny,
        origin: RuleOrigin::Kerf,
        rule: Rule::parse(&text).ok()?,
    })
}

/// A folder's path with `/` between names and none at the end.
fn slashes(path: &str) -> String {
    let path = if cfg!(windows) {
        path.replace('\\', "/")
    } else {
        path.to_owned()
    };
    path.trim_end_matches('/').to_owned()
}

const NOTHING: Judgement<'static> = Judgement {
    verdict: None,
    entry: None,
    guessed: false,
};

impl Rules {
    /// Kerf's own rules and these. `folder` is the canonical path of the opened folder, `home` that of the user.
    #[must_use]
    pub fn new(folder: &str, home: Option<&str>, entries: Vec<Entry>) -> Self {
        let own = CLOSED.iter().filter_map(|text| {
            Some(Entry {
                verdict: RuleVerdict::Deny,
                origin: RuleOrigin::Kerf,
                rule: Rule::parse(text).ok()?,
            })
        });
        Self {
            entries: own.chain(entries).collect(),
            folder: slashes(folder),
            home: home.map(slashes).filter(|home| !home.is_empty()),
        }
    }

    /// All of them.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The folder as people write it: `~/ledgerd`.
    #[must_use]
    pub fn folder_in_words(&self) -> String {
        let beneath = self
            .home
            .as_deref()
            .and_then(|home| self.folder.strip_prefix(home));
        match beneath.and_then(|rest| rest.strip_prefix('/')) {
            Some(rest) => format!("~/{rest}"),
            None => self.folder.clone(),
        }
    }

    pub(crate) fn folder(&self) -> &str {
        &self.folder
    }

    pub(crate) fn home(&self) -> Option<&str> {
        self.home.as_deref()
    }

    /// The same rules as they count in another folder.
    #[must_use]
    pub fn in_folder(&self, folder: &str) -> Self {
        Self {
            folder: slashes(folder),
            ..self.clone()
        }
    }

    /// Adds a rule, behind the others.
    pub fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// What they say about a command line that would run in the folder `cwd`, a path in the opened folder.
    #[must_use]
    pub fn command(&self, line: &str, cwd: &str) -> Judgement<'_> {
        let taken = take_apart(line);
        let mut sure: Option<&Entry> = None;
        let mut guess: Option<&Entry> = None;
        let mut files = None;
        for entry in self
            .entries
            .iter()
            .filter(|entry| entry.verdict != RuleVerdict::Allow)
        {
            let hit = match &entry.rule.about {
                About::Command(pattern) => hits(pattern, line, &taken),
                About::Read(pattern) => {
                    let files = files.get_or_insert_with(|| self.files(&taken, cwd));
                    let hit = self.file_hit(pattern, &files.reads, &files.named);
                    if files.more { hit.max(Hit::Maybe) } else { hit }
                }
                About::Edit(pattern) => {
                    let files = files.get_or_insert_with(|| self.files(&taken, cwd));
                    self.file_hit(pattern, &files.writes, &[])
                }
                About::Network(_) | About::Fetch(_) | About::Mcp { .. } => Hit::No,
            };
            let slot = match hit {
                Hit::Yes => &mut sure,
                Hit::Maybe => &mut guess,
                Hit::No => continue,
            };
            if slot.is_none_or(|known| known.verdict < entry.verdict) {
                *slot = Some(entry);
            }
        }
        match (sure, guess) {
            (Some(entry), _) => said(entry),
            (None, Some(entry)) => Judgement {
                verdict: Some(RuleVerdict::Ask),
                entry: Some(entry),
                guessed: true,
            },
            (None, None) => {
                let allowing: Vec<(&Entry, &CommandPattern)> = self
                    .entries
                    .iter()
                    .filter(|entry| entry.verdict == RuleVerdict::Allow)
                    .filter_map(|entry| match &entry.rule.about {
                        About::Command(pattern) => Some((entry, pattern)),
                        _ => None,
                    })
                    .collect();
                command::allows(&allowing, line, &taken).map_or(NOTHING, |entry| said(entry))
            }
        }
    }

    /// What they say about reading a file.
    #[must_use]
    pub fn read(&self, path: PathAt<'_>) -> Judgement<'_> {
        self.file(path, |about| match about {
            About::Read(pattern) => Some(pattern),
            _ => None,
        })
    }

    /// What they say about changing files: the strictest word on any; allowed only if each is.
    #[must_use]
    pub fn edit(&self, paths: &[PathAt<'_>]) -> Judgement<'_> {
        let mut all: Option<Judgement<'_>> = None;
        for path in paths {
            let one = self.file(*path, |about| match about {
                About::Edit(pattern) => Some(pattern),
                _ => None,
            });
            // A word that holds back counts before none, and none before one that allows.
            let rank = |judgement: &Judgement<'_>| match judgement.verdict {
                Some(RuleVerdict::Deny) => 3,
                Some(RuleVerdict::Ask) => 2,
                None => 1,
                Some(RuleVerdict::Allow) => 0,
            };
            if all.as_ref().is_none_or(|all| rank(all) < rank(&one)) {
                all = Some(one);
            }
        }
        all.unwrap_or(NOTHING)
    }

    /// What they say about a connection of a command to a host, with or without a port.
    #[must_use]
    pub fn network(&self, host: &str) -> Judgement<'_> {
        self.strictest(
            |entry| matches!(&entry.rule.about, About::Network(pattern) if pattern.matches(host)),
        )
    }

    /// What they say about fetching a page of a host.
    #[must_use]
    pub fn fetch(&self, host: &str) -> Judgement<'_> {
        self.strictest(
            |entry| matches!(&entry.rule.about, About::Fetch(pattern) if pattern.matches(host)),
        )
    }

    /// What they say about a tool of a server.
    #[must_use]
    pub fn tool(&self, server: &str, tool: &str) -> Judgement<'_> {
        self.strictest(|entry| match &entry.rule.about {
            About::Mcp {
                server: own,
                tool: only,
            } => own == server && only.as_ref().is_none_or(|only| only == tool),
            _ => false,
        })
    }

    fn strictest(&self, is: impl Fn(&Entry) -> bool) -> Judgement<'_> {
        let mut found: Option<&Entry> = None;
        for entry in self.entries.iter().filter(|entry| is(entry)) {
            if found.is_none_or(|known| known.verdict < entry.verdict) {
                found = Some(entry);
            }
        }
        found.map_or(NOTHING, said)
    }

    fn file(&self, path: PathAt<'_>, of: impl Fn(&About) -> Option<&PathPattern>) -> Judgement<'_> {
        self.strictest(|entry| {
            let Some(pattern) = of(&entry.rule.about) else {
                return false;
            };
            let folds = entry.verdict != RuleVerdict::Allow;
            let fits = |inside: &str| {
                let whole = format!("{}/{inside}", self.folder);
                pattern.matches(Some(inside), &whole, self.home.as_deref(), folds)
            };
            match path.real.map(fits) {
                None => fits(path.named),
                Some(real) if folds => real || fits(path.named),
                Some(real) => real && fits(path.named),
            }
        })
    }

    fn file_hit(&self, pattern: &PathPattern, sure: &[Place], maybe: &[Place]) -> Hit {
        let fits = |place: &Place| {
            let inside = place.inside.as_deref();
            pattern.matches(inside, &place.whole, self.home.as_deref(), true)
        };
        // What means all files is for the tools: hardly a command names none.
        if matches!(pattern, PathPattern::Any) {
            return Hit::No;
        }
        if sure.iter().any(fits) {
            Hit::Yes
        } else if maybe.iter().any(fits) {
            Hit::Maybe
        } else {
            Hit::No
        }
    }

    fn files(&self, taken: &Taken, cwd: &str) -> Files {
        // The line may go to other folders on its way: each word may be meant from any of them.
        let mut folders = vec![format!("{}/{cwd}", self.folder)];
        for part in &taken.parts {
            let words: Vec<&str> = part.words.iter().filter_map(Word::known).collect();
            if let [program, arguments @ ..] = words.as_slice()
                && matches!(*program, "cd" | "pushd" | "chdir")
                && let Some(to) = arguments.iter().find(|word| !word.starts_with('-'))
                && folders.len() < MAX_FOLDERS
                && let Some(from) = folders.last()
            {
                let to = self.place(from, to).whole;
                folders.push(to);
            }
        }
        let places = |words: &mut dyn Iterator<Item = &str>| -> Vec<Place> {
            words
                .take(MAX_FILES)
                .flat_map(|word| folders.iter().map(move |from| self.place(from, word)))
                .collect()
        };
        let named = taken
            .parts
            .iter()
            .flat_map(|part| part.words.iter().skip(1));
        let mut named = named.filter_map(Word::known).filter_map(|word| {
            // `--file=.env` and `@.env` name a file too.
            let word = word.rsplit(['=', '@']).next().unwrap_or(word);
            (!word.is_empty() && !word.starts_with('-')).then_some(word)
        });
        let of = |words: fn(&Part) -> &Vec<Word>| {
            let parts = taken.parts.iter();
            parts.flat_map(move |part| words(part).iter().filter_map(Word::known))
        };
        let count = taken
            .parts
            .iter()
            .map(|part| part.words.len())
            .sum::<usize>();
        Files {
            more: count > MAX_FILES,
            named: places(&mut named),
            reads: places(&mut of(|part| &part.reads)),
            writes: places(&mut of(|part| &part.writes)),
        }
    }

    /// Where a word of a command leads from a folder, as a name.
    fn place(&self, from: &str, word: &str) -> Place {
        let path = if word.starts_with('/') {
            word.to_owned()
        } else {
            format!("{from}/{word}")
        };
        let mut names: Vec<&str> = Vec::new();
        for name in path.split('/') {
            match name {
                "" | "." => {}
                ".." => {
                    names.pop();
                }
                name => names.push(name),
            }
        }
        let whole = format!("/{}", names.join("/"));
        let folder = format!("/{}/", self.folder.trim_start_matches('/'));
        let inside = whole.strip_prefix(&folder).map(str::to_owned);
        Place { inside, whole }
    }
}

fn said(entry: &Entry) -> Judgement<'_> {
    Judgement {
        verdict: Some(entry.verdict),
        entry: Some(entry),
        guessed: false,
    }
}

fn hits(pattern: &CommandPattern, line: &str, taken: &Taken) -> Hit {
    if pattern.is_line(line) {
        return Hit::Yes;
    }
    let found = taken
        .parts
        .iter()
        .map(|part| pattern.found_in(&part.words))
        .max();
    let found = found.unwrap_or(Hit::No);
    if taken.whole {
        found
    } else {
        found.max(Hit::Maybe)
    }
}

/// A file that a command names.
struct Place {
    inside: Option<String>,
    whole: String,
}

/// The files that a line names.
struct Files {
    /// There are more than were looked at.
    more: bool,
    /// As words of commands, which may be names of files.
    named: Vec<Place>,
    /// Where the shell itself reads.
    reads: Vec<Place>,
    /// Where the shell itself writes.
    writes: Vec<Place>,
}
