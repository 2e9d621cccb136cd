//! How well ranked search finds what a change is about: the messages of a repository's later commits are asked of an
//! older tree, and the files that each commit changed should come first.
//!
//! The older tree is the one tagged `base`, or that of the commit in the middle. Beside it stands BM25 over whole files
//! (Robertson and Zaragoza 2009) as tantivy does it by itself, on the same tree with the same questions.

use super::{command, indexed::Indexed, plain::Plain, tree::repository};
use crate::{
    Asked, Done,
    table::{Table, Unit},
};
use kerf_index::Mode;
use std::{collections::HashSet, fs, path::Path, process::Stdio};

/// So many questions at most, the latest ones.
const QUESTIONS: usize = 300;
/// A commit that changes more files is about no one thing.
const MAX_FILES: usize = 8;
/// A message says something when it has so many words.
const MIN_WORDS: usize = 3;
/// So many files of an answer are looked at.
const DEPTH: usize = 50;
/// How much better than whole files the mean reciprocal rank is to be.
const BETTER: f64 = 4.0 / 3.0;

/// A commit's message, and the files of the older tree that it changed.
struct Question {
    text: String,
    files: HashSet<String>,
}

/// How far up the files stand in the answers, as sums over all questions.
#[derive(Default)]
struct Score {
    reciprocal: f64,
    at_1: f64,
    at_5: f64,
    at_10: f64,
}

pub(crate) fn run(asked: &Asked, table: &mut Table) -> Done {
    let own = repository();
    let mut histories = asked.histories.clone();
    if histories.is_empty() {
        if !own.join(".git").exists() {
            table.note("Kerf's own history is not here, so there is nothing to rank by");
            return Ok(());
        }
        histories.extend(own.canonicalize());
    }
    for history in &histories {
        measure(history, table)?;
    }
    Ok(())
}

fn measure(repository: &Path, table: &mut Table) -> Done {
    let room = crate::room::home()?;
    let tree = room.path().join("tree");
    fs::create_dir(&tree).map_err(|error| format!("{}: {error}", tree.display()))?;
    let (old, questions) = questions(repository)?;
    check_out(repository, &old, &tree, room.path())?;
    let is_there = |mut question: Question| {
        question.files.retain(|file| tree.join(file).is_file());
        (!question.files.is_empty()).then_some(question)
    };
    let questions = questions.into_iter().filter_map(is_there);
    let questions: Vec<Question> = questions.take(QUESTIONS).collect();
    if questions.is_empty() {
        let repository = repository.display();
        return Err(format!("{repository} has no commit to ask about"));
    }
    let indexed = Indexed::build(&tree, &room.path().join("index"))?;
    let plain = Plain::build(&tree, &room.path().join("plain"))?;
    let mut scores = [Score::default(), Score::default()];
    for question in &questions {
        let answer = indexed.ask(&as_words(&question.text), Mode::Words, DEPTH)?;
        let ranked: Vec<_> = answer.hits.iter().map(|hit| hit.path.to_string()).collect();
        scores[0].add(&ranked, question);
        scores[1].add(&plain.rank(&question.text, DEPTH)?, question);
    }
    let name = repository.file_name().unwrap_or_default().to_string_lossy();
    let count = questions.len();
    for (what, of) in [
        ("MRR", (|score| score.reciprocal) as fn(&Score) -> f64),
        ("recall at 1", |score| score.at_1),
        ("recall at 5", |score| score.at_5),
        ("recall at 10", |score| score.at_10),
    ] {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let [own, other] = [0, 1].map(|who| of(&scores[who]) / count as f64);
        let what = format!("{name}, {count} commits: {what}");
        table.compare(&what, Unit::Share, Some(own));
        table.compare("– BM25 over whole files", Unit::Share, Some(other));
        if what.ends_with("MRR") {
            table.compare(
                &format!("– Kerf's beside it ({BETTER:.2} or more is wanted)"),
                Unit::Times,
                Some(own / other),
            );
        }
    }
    Ok(())
}

impl Score {
    fn add(&mut self, ranked: &[String], question: &Question) {
        let is_asked = |path: &&String| question.files.contains(*path);
        let first = ranked.iter().position(|path| is_asked(&path));
        #[expect(clippy::cast_precision_loss, reason = "at most fifty")]
        let share = |at: usize| {
            let found = ranked.iter().take(at).filter(is_asked).count();
            found as f64 / question.files.len().min(at) as f64
        };
        #[expect(clippy::cast_precision_loss, reason = "at most fifty")]
        let reciprocal = first.map_or(0.0, |at| 1.0 / (at + 1) as f64);
        self.reciprocal += reciprocal;
        self.at_1 += share(1);
        self.at_5 += share(5);
        self.at_10 += share(10);
    }
}

/// A message without what the grammar of queries would read in it.
fn as_words(message: &str) -> String {
    let is_word = |char: char| char.is_alphanumeric() || matches!(char, '_' | '.');
    let words = message.chars();
    words
        .map(|char| if is_word(char) { char } else { ' ' })
        .collect()
}

/// The older commit, and what the later ones ask, the latest first.
fn questions(repository: &Path) -> Done<(String, Vec<Question>)> {
    let format = "--format=%x01%H%x02%s%n%b%x03";
    let arguments = [
        "log",
        "--no-merges",
        "--name-only",
        "--diff-filter=MD",
        format,
    ];
    let log = git(repository, &arguments)?;
    let commits: Vec<&str> = log.split('\u{1}').skip(1).collect();
    let id = |commit: &str| commit.split('\u{2}').next().unwrap_or_default().to_owned();
    let base = git(
        repository,
        &["rev-parse", "--verify", "--quiet", "base^{commit}"],
    );
    let base = base.unwrap_or_default();
    let tagged = commits.iter().position(|commit| id(commit) == base.trim());
    let at = tagged.unwrap_or(commits.len() / 2);
    let old = id(commits.get(at).ok_or("there is no commit")?);
    let later = commits[..at].iter();
    Ok((old, later.filter_map(|commit| question(commit)).collect()))
}

fn question(commit: &str) -> Option<Question> {
    let (message, files) = commit.split_once('\u{2}')?.1.split_once('\u{3}')?;
    let files = files.lines().filter(|file| is_source(file));
    let files: HashSet<String> = files.map(str::to_owned).collect();
    let lines = message.lines().filter(|line| !is_trailer(line));
    let text = lines.collect::<Vec<_>>().join(" ");
    let says_something = text.split_whitespace().count() >= MIN_WORDS;
    ((1..=MAX_FILES).contains(&files.len()) && says_something).then_some(Question { text, files })
}

/// What every change touches says nothing of what it is about.
fn is_source(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file).to_lowercase();
    let common = [
        "changelog",
        "changes",
        "history",
        "news",
        "cargo.toml",
        "package.json",
    ];
    !name.is_empty()
        && !name.ends_with(".lock")
        && !common.iter().any(|common| name.starts_with(common))
}

fn is_trailer(line: &str) -> bool {
    line.split_once(": ")
        .is_some_and(|(key, _)| key.ends_with("-by"))
}

/// Writes a commit's files into an empty folder; the repository's own index stays as it is.
fn check_out(repository: &Path, commit: &str, tree: &Path, room: &Path) -> Done {
    let index = room.join("git-index");
    for arguments in [
        &["read-tree", commit][..],
        &["checkout-index", "--all", "--quiet"],
    ] {
        let status = command("git")
            .arg("-C")
            .arg(repository)
            .arg("--work-tree")
            .arg(tree)
            .args(arguments)
            .env("GIT_INDEX_FILE", &index)
            .stdout(Stdio::null())
            .status();
        let status = status.map_err(|error| format!("git cannot be started: {error}"))?;
        if !status.success() {
            return Err(format!("git {} failed: {status}", arguments[0]));
        }
    }
    Ok(())
}

fn git(repository: &Path, arguments: &[&str]) -> Done<String> {
    let output = command("git")
        .arg("-C")
        .arg(repository)
        .args(arguments)
        .output();
    let output = output.map_err(|error| format!("git cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
