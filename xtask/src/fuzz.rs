//! Fuzzes what reads what others wrote: `cargo xtask fuzz [TARGET…] [--seconds N] [--keep]`.
//!
//! The targets are a workspace of their own in `fuzz/`, built here with the compiler's own counters, so that neither
//! cargo-fuzz nor a nightly compiler is needed. New inputs are gathered beside the build; `--keep` puts the fewest of
//! them that reach the same code into `fuzz/corpus`, which is committed. `--seconds 0` only plays that back.

use crate::{Done, run};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// How long a target runs unless it is said.
const SECONDS: u32 = 600;
/// Bytes of one input. What a find needs fits, and quadratic time shows.
const LONGEST: u32 = 4096;
/// Bytes of a committed corpus.
const CORPUS: u64 = 200_000;
/// The target that is a feature too: it alone needs search, which takes long to compile.
const QUERY: &str = "query";
/// What libFuzzer reads: where in the code a run has been, and what was compared there.
const COUNTERS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

pub(crate) fn run(arguments: &[String]) -> Done {
    if cfg!(windows) {
        return Err("the fuzzer runs on Linux and macOS".to_owned());
    }
    let asked = read(arguments)?;
    let known = targets()?;
    if let Some(unknown) = asked.targets.iter().find(|name| !known.contains(name)) {
        return Err(format!(
            "{unknown} is no target; there are {}",
            known.join(", ")
        ));
    }
    let chosen = if asked.targets.is_empty() {
        known
    } else {
        asked.targets
    };
    let host = host()?;
    let mut wrong = Vec::new();
    for name in &chosen {
        run::run(
            run::cargo()
                .args([
                    "build",
                    "--release",
                    "--locked",
                    "--manifest-path",
                    "fuzz/Cargo.toml",
                ])
                .args(["--target", &host, "--bin", name])
                .args(if name == QUERY {
                    &["--features", QUERY][..]
                } else {
                    &[]
                })
                .env("RUSTFLAGS", COUNTERS)
                .env("CARGO_TARGET_DIR", run::target()),
        )?;
        let program = run::target().join(&host).join("release").join(name);
        let places = Places::make(name)?;
        if let Err(error) = fuzz(&program, &places, asked.seconds) {
            wrong.push(format!(
                "{name}: {error}; the input is in {}",
                places.finds.display()
            ));
        } else if asked.keep {
            keep(&program, &places)?;
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}

struct Asked {
    targets: Vec<String>,
    seconds: u32,
    keep: bool,
}

fn read(arguments: &[String]) -> Result<Asked, String> {
    let mut asked = Asked {
        targets: Vec::new(),
        seconds: SECONDS,
        keep: false,
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--keep" => asked.keep = true,
            "--seconds" => {
                let seconds = arguments.next().and_then(|text| text.parse().ok());
                asked.seconds = seconds.ok_or("--seconds wants a number")?;
            }
            name if !name.starts_with('-') => asked.targets.push(name.to_owned()),
            other => return Err(format!("{other} is not known here")),
        }
    }
    Ok(asked)
}

/// The names of the targets, in order.
fn targets() -> Result<Vec<String>, String> {
    let folder = run::root().join("fuzz/targets");
    let mut names: Vec<String> = list(&folder)?
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// With a named target the flags are for the target alone and not for build scripts.
fn host() -> Result<String, String> {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let said = run::said(&rustc, &["-vV"]).ok_or("rustc does not say what it compiles for")?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| "rustc does not say what it compiles for".to_owned())
}

/// Where the inputs of a target are.
struct Places {
    /// Committed.
    corpus: PathBuf,
    /// What this machine found new.
    gathered: PathBuf,
    /// What broke it.
    finds: PathBuf,
}

impl Places {
    fn make(name: &str) -> Result<Self, String> {
        let beside = run::target().join("fuzz");
        let places = Self {
            corpus: run::root().join("fuzz/corpus").join(name),
            gathered: beside.join("corpus").join(name),
            finds: beside.join("finds").join(name),
        };
        for folder in [&places.corpus, &places.gathered, &places.finds] {
            fs::create_dir_all(folder)
                .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
        }
        Ok(places)
    }
}

fn fuzz(program: &Path, places: &Places, seconds: u32) -> Done {
    let mut command = program_of(program);
    let runs = if seconds == 0 { "0" } else { "-1" };
    command.args([
        &format!("-max_total_time={seconds}"),
        &format!("-runs={runs}"),
        &format!("-artifact_prefix={}/", places.finds.display()),
        "-print_final_stats=1",
        "-verbosity=1",
        // Seconds for one input: a linear reader takes thousandths.
        "-timeout=5",
        "-rss_limit_mb=2048",
        &format!("-max_len={LONGEST}"),
    ]);
    command.args([&places.gathered, &places.corpus]);
    run::run(&mut command)
}

/// Puts the fewest inputs that reach all that was reached into the committed corpus, the shortest first, as many as fit.
fn keep(program: &Path, places: &Places) -> Done {
    let fewest = places.finds.with_extension("fewest");
    // It is there only when an earlier merge was cut short.
    fs::remove_dir_all(&fewest).ok();
    fs::create_dir_all(&fewest)
        .map_err(|error| format!("{} cannot be made: {error}", fewest.display()))?;
    run::run(
        program_of(program)
            .args(["-merge=1", "-verbosity=0"])
            .args([&fewest, &places.corpus, &places.gathered]),
    )?;
    let wrong = |error| format!("the corpus cannot be written: {error}");
    for old in list(&places.corpus)? {
        fs::remove_file(old).map_err(wrong)?;
    }
    let mut found = Vec::new();
    for path in list(&fewest)? {
        found.push((fs::metadata(&path).map_err(wrong)?.len(), path));
    }
    found.sort();
    let (mut bytes, mut kept) = (0, 0);
    for (length, path) in &found {
        bytes += length;
        if bytes > CORPUS {
            break;
        }
        if let Some(name) = path.file_name() {
            fs::copy(path, places.corpus.join(name)).map_err(wrong)?;
            kept += 1;
        }
    }
    println!("kept {kept} of {} inputs", found.len());
    fs::remove_dir_all(&fewest).map_err(wrong)
}

/// The target as a process that gives way to others.
fn program_of(program: &Path) -> Command {
    let mut command = run::command("nice");
    command.args(["-n", "19"]).arg(program);
    command
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).and_then(|entries| {
        entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect()
    });
    entries.map_err(|error| format!("{} cannot be read: {error}", folder.display()))
}
