//! Commands that destroy files: which of them a line holds, and what they take away.
//!
//! It tells what a line says, not what a program does: who wants to destroy a file can call a script. It is for the question
//! to the user, who shall see what would go. What cannot be told for certain is told as [`Doomed::Unknown`].

use crate::{
    shell::{Part, Word, take_apart},
    wrapper::{self, Inside},
};

/// Commands inside of commands.
const MAX_LAYERS: usize = 6;
/// More are not told apart.
const MAX_DOOMED: usize = 256;

/// What a command would take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doomed {
    /// A path as it is written, from the command's folder: a file, or a folder with all that is in it.
    Path(String),
    /// A file at this path, if there is one, gets another content. In a folder it is the file of the second name.
    Replaced {
        /// The path as it is written.
        path: String,
        /// The name in it, where it is a folder.
        name: Option<String>,
    },
    /// The files beneath the command's folder that git does not know; ignored ones too, where it says so.
    Untracked {
        /// Whether ignored files go as well.
        ignored: bool,
    },
    /// What has changed in files that git knows, beneath this path.
    Changed(String),
    /// Files that the line does not name.
    Unknown,
}

/// What the commands of a line would take away; nothing when none of them is known to destroy.
#[must_use]
pub fn destroys(line: &str) -> Vec<Doomed> {
    let mut doomed = Vec::new();
    of_line(line, 0, &mut doomed);
    doomed.truncate(MAX_DOOMED);
    doomed
}

fn of_line(line: &str, depth: usize, doomed: &mut Vec<Doomed>) {
    for Part {
        words, truncates, ..
    } in take_apart(line).parts
    {
        for write in &truncates {
            match write.known() {
                // A device or a descriptor.
                Some(path) if path.starts_with("/dev/") || is_number(path) => {}
                Some(path) => doomed.push(Doomed::Replaced {
                    path: path.to_owned(),
                    name: None,
                }),
                None => {}
            }
        }
        of_words(&words, depth, doomed);
    }
}

fn is_number(text: &str) -> bool {
    text == "-" || text.bytes().all(|byte| byte.is_ascii_digit())
}

fn of_words(words: &[Word], depth: usize, doomed: &mut Vec<Doomed>) {
    if depth > MAX_LAYERS || doomed.len() > MAX_DOOMED {
        return;
    }
    let Some(program) = words.first().and_then(Word::known) else {
        return;
    };
    let rest = &words[1..];
    match wrapper::base(program).to_ascii_lowercase().as_str() {
        "rm" | "unlink" | "rmdir" | "shred" => paths(arguments(rest), doomed),
        "truncate" => paths(arguments(rest).filter(|word| !is_size(word)), doomed),
        "mv" => moved(rest, doomed),
        "find" => found(rest, doomed),
        "git" => of_git(rest, doomed),
        _ => match wrapper::inside(program, words) {
            Inside::Words(at) if at > 0 => {
                of_words(words.get(at..).unwrap_or_default(), depth + 1, doomed);
            }
            Inside::Scripts(scripts) if depth < MAX_LAYERS => {
                for script in scripts {
                    of_line(script, depth + 1, doomed);
                }
            }
            _ => {}
        },
    }
}

/// The words that are no options.
fn arguments(words: &[Word]) -> impl Iterator<Item = &Word> {
    let mut only_arguments = false;
    words.iter().filter(move |word| match word.known() {
        Some("--") if !only_arguments => {
            only_arguments = true;
            false
        }
        Some(text) => only_arguments || !text.starts_with('-') || text == "-",
        None => true,
    })
}

fn is_size(word: &Word) -> bool {
    let text = word.known().unwrap_or_default();
    let digits = text.trim_start_matches(['+', '-', '<', '>', '/', '%']);
    digits.starts_with(|char: char| char.is_ascii_digit())
        && digits
            .trim_end_matches(char::is_alphabetic)
            .bytes()
            .all(|byte| byte.is_ascii_digit())
}

fn paths<'a>(words: impl Iterator<Item = &'a Word>, doomed: &mut Vec<Doomed>) {
    for word in words {
        doomed.push(match word.known() {
            Some(path) => Doomed::Path(path.to_owned()),
            None => Doomed::Unknown,
        });
    }
}

/// What stands where something is moved to.
fn moved(words: &[Word], doomed: &mut Vec<Doomed>) {
    let is = |option: &str| words.iter().any(|word| word.known() == Some(option));
    // They leave what is there.
    if ["-n", "--no-clobber"].into_iter().any(is) {
        return;
    }
    let named: Vec<&Word> = arguments(words).collect();
    let Some((target, sources)) = named.split_last() else {
        return;
    };
    for source in sources {
        doomed.push(match (target.known(), source.known()) {
            (Some(path), Some(source)) => Doomed::Replaced {
                path: path.to_owned(),
                name: source
                    .trim_end_matches('/')
                    .rsplit('/')
                    .next()
                    .map(str::to_owned),
            },
            _ => Doomed::Unknown,
        });
    }
}

/// `find … -delete`, and `find … -exec rm`.
fn found(words: &[Word], doomed: &mut Vec<Doomed>) {
    let removes = words
        .iter()
        .enumerate()
        .any(|(at, word)| match word.known() {
            Some("-delete") => true,
            Some("-exec" | "-execdir" | "-ok" | "-okdir") => words
                .get(at + 1)
                .and_then(Word::known)
                .is_some_and(|program| matches!(wrapper::base(program), "rm" | "unlink" | "shred")),
            _ => false,
        });
    if !removes {
        return;
    }
    let beneath: Vec<&Word> = words
        .iter()
        .take_while(|word| {
            word.known()
                .is_none_or(|text| !text.starts_with('-') && text != "(" && text != "!")
        })
        .collect();
    if beneath.is_empty() {
        doomed.push(Doomed::Path(".".to_owned()));
    }
    paths(beneath.into_iter(), doomed);
}

fn of_git(words: &[Word], doomed: &mut Vec<Doomed>) {
    // Options before the command; two of them take a word.
    let mut at = 0;
    while let Some(word) = words.get(at).and_then(Word::known) {
        match word {
            "-c" => at += 2,
            // Another folder is meant.
            "-C" | "--git-dir" | "--work-tree" => return doomed.push(Doomed::Unknown),
            word if word.starts_with('-') => at += 1,
            _ => break,
        }
    }
    let Some(command) = words.get(at).and_then(Word::known) else {
        return;
    };
    let rest = words.get(at + 1..).unwrap_or_default();
    let is = |option: &str| rest.iter().any(|word| word.known() == Some(option));
    let letter = |letter: char| {
        rest.iter()
            .filter_map(Word::known)
            .any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letter))
    };
    let changed = |doomed: &mut Vec<Doomed>, words: &[Word]| {
        for word in words {
            doomed.push(match word.known() {
                Some(path) => Doomed::Changed(path.to_owned()),
                None => Doomed::Unknown,
            });
        }
    };
    match command {
        "clean" if !letter('n') && !is("--dry-run") => doomed.push(Doomed::Untracked {
            ignored: letter('x') || letter('X'),
        }),
        "reset" if is("--hard") || is("--merge") || is("--keep") => {
            doomed.push(Doomed::Changed(".".to_owned()));
        }
        "stash"
            if !["list", "show", "apply", "pop", "branch"]
                .into_iter()
                .any(is) =>
        {
            doomed.push(Doomed::Changed(".".to_owned()));
        }
        "checkout" | "switch" if letter('f') || is("--force") || is("--discard-changes") => {
            doomed.push(Doomed::Changed(".".to_owned()));
        }
        "checkout" => {
            let dashes = rest.iter().position(|word| word.known() == Some("--"));
            match dashes {
                Some(dashes) => changed(doomed, &rest[dashes + 1..]),
                None if is(".") => changed(doomed, &[Word::Known(".".to_owned())]),
                None => {}
            }
        }
        "restore" if !is("--staged") && !letter('S') || is("--worktree") || letter('W') => {
            let named: Vec<Word> = arguments(rest).cloned().collect();
            changed(doomed, &named);
        }
        "rm" if !is("--cached") => paths(arguments(rest), doomed),
        "mv" => moved(rest, doomed),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> String {
        let one = |doomed: &Doomed| match doomed {
            Doomed::Path(path) => path.clone(),
            Doomed::Replaced { path, name } => match name {
                Some(name) => format!(">{path}[/{name}]"),
                None => format!(">{path}"),
            },
            Doomed::Untracked { ignored } => if *ignored {
                "untracked+ignored"
            } else {
                "untracked"
            }
            .to_owned(),
            Doomed::Changed(path) => format!("changed {path}"),
            Doomed::Unknown => "?".to_owned(),
        };
        let all: Vec<String> = destroys(line).iter().map(one).collect();
        all.join(", ")
    }

    #[test]
    fn what_a_line_would_take_away() {
        for (line, expected) in [
            ("rm -rf build", "build"),
            ("rm -rf -- -x a/b", "-x, a/b"),
            ("/bin/RM a && echo done", "a"),
            ("sudo -n rm -rf src", "src"),
            ("sh -c 'rm -f a; rm b'", "a, b"),
            ("rm *.o", "?"),
            ("rm \"$DIR\"", "?"),
            ("for f in a b; do rm $f; done", "?"),
            ("git clean -fd", "untracked"),
            ("git clean -fdx", "untracked+ignored"),
            ("git clean -nd", ""),
            ("git -c core.pager=cat reset --hard HEAD~1", "changed ."),
            ("git reset HEAD a", ""),
            ("git checkout -- .", "changed ."),
            ("git checkout .", "changed ."),
            ("git checkout -- a b", "changed a, changed b"),
            ("git checkout main", ""),
            ("git checkout -f main", "changed ."),
            ("git restore src/a.rs", "changed src/a.rs"),
            ("git restore --staged a", ""),
            ("git stash", "changed ."),
            ("git stash list", ""),
            ("git rm a", "a"),
            ("git rm --cached a", ""),
            ("git -C other clean -fd", "?"),
            ("git status", ""),
            ("echo x > out.txt", ">out.txt"),
            ("echo x >> out.txt", ""),
            ("cargo test > /dev/null 2>&1", ""),
            ("mv a b", ">b[/a]"),
            ("mv dir/a/ b", ">b[/a]"),
            ("mv -n a b", ""),
            ("find . -name '*.tmp' -delete", "."),
            ("find src tests -exec rm {} +", "src, tests"),
            ("find . -name x", ""),
            ("truncate -s 0 log.txt", "log.txt"),
            ("cargo build", ""),
            ("echo rm -rf /", ""),
        ] {
            assert_eq!(told(line), expected, "{line}");
        }
    }

    #[test]
    fn a_hostile_line_is_bounded() {
        let long = format!("rm {}", "a ".repeat(20_000));
        assert!(destroys(&long).len() <= MAX_DOOMED);
        let deep = "sh -c '".repeat(200);
        assert!(destroys(&deep).len() <= MAX_DOOMED);
    }
}
