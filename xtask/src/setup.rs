//! Installs what a build needs and the machine lacks. Each privileged command is printed and asked about first.

use crate::{Done, run};
use std::{
    env,
    io::{IsTerminal, Write, stdin, stdout},
};

/// A program that is needed, and the package that has it.
struct Need {
    program: &'static str,
    argument: &'static str,
    why: &'static str,
    apt: &'static str,
    dnf: &'static str,
    pacman: &'static str,
    zypper: &'static str,
    brew: &'static str,
    winget: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        program: if cfg!(windows) { "cl" } else { "cc" },
        argument: if cfg!(windows) { "/?" } else { "--version" },
        why: "SQLite, libgit2 and zstd are built from C",
        apt: "gcc libc6-dev",
        dnf: "gcc",
        pacman: "gcc",
        zypper: "gcc",
        brew: "",
        winget: "Microsoft.VisualStudio.2022.BuildTools",
    },
    Need {
        program: "git",
        argument: "--version",
        why: "some tests compare with it",
        apt: "git",
        dnf: "git",
        pacman: "git",
        zypper: "git",
        brew: "git",
        winget: "Git.Git",
    },
];

pub(crate) fn run(arguments: &[String]) -> Done {
    ensure(agreed(arguments))?;
    println!("everything that is needed is here");
    Ok(())
}

/// Whether the user agreed to everything beforehand.
pub(crate) fn agreed(arguments: &[String]) -> bool {
    arguments
        .iter()
        .any(|argument| argument == "--yes" || argument == "--ci")
        || env::var_os("CI").is_some()
}

/// Installs what is missing.
pub(crate) fn ensure(agreed: bool) -> Done {
    // On Windows the linker that Rust found has the C compiler beside it, though it is on no path.
    let missing: Vec<&Need> = NEEDS
        .iter()
        .filter(|need| {
            let beside_the_linker = cfg!(windows) && need.program == "cl";
            !beside_the_linker && !run::has(need.program, need.argument)
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        println!("missing: {} ({})", need.program, need.why);
    }
    let (manager, prefix, packages): (&str, &[&str], fn(&Need) -> &'static str) =
        if cfg!(target_os = "macos") {
            ("brew", &["install"], |need| need.brew)
        } else if cfg!(windows) {
            ("winget", &["install", "--exact", "--id"], |need| {
                need.winget
            })
        } else if run::has("apt-get", "--version") {
            (
                "apt-get",
                &["install", "--yes", "--no-install-recommends"],
                |need| need.apt,
            )
        } else if run::has("dnf", "--version") {
            ("dnf", &["install", "--assumeyes"], |need| need.dnf)
        } else if run::has("pacman", "--version") {
            ("pacman", &["-S", "--noconfirm"], |need| need.pacman)
        } else if run::has("zypper", "--version") {
            ("zypper", &["--non-interactive", "install"], |need| {
                need.zypper
            })
        } else {
            return Err(
                "no known package manager is here; install the missing programs by hand".to_owned(),
            );
        };
    let names: Vec<&str> = missing
        .iter()
        .flat_map(|need| packages(need).split_whitespace())
        .collect();
    if names.is_empty() {
        return Err(
            "install the command line tools of the system first (xcode-select --install)"
                .to_owned(),
        );
    }
    let mut words = vec![manager];
    words.extend(prefix);
    words.extend(names);
    if manager == "apt-get" {
        privileged(&["apt-get", "update"], agreed)?;
    }
    privileged(&words, agreed)
}

/// Runs a command with the rights it needs, once the user has seen it and agreed.
fn privileged(words: &[&str], agreed: bool) -> Done {
    let as_root = cfg!(any(windows, target_os = "macos"))
        || env::var("USER").is_ok_and(|user| user == "root")
        || is_root();
    let mut words = words.to_vec();
    if !as_root {
        words.insert(0, "sudo");
    }
    println!("needs: {}", words.join(" "));
    if !agreed {
        if !stdin().is_terminal() {
            return Err("nobody is here to agree; run the command above, or give --yes".to_owned());
        }
        print!("run it? [y/N] ");
        let mut answer = String::new();
        if stdout().flush().is_err()
            || stdin().read_line(&mut answer).is_err()
            || !answer.trim().eq_ignore_ascii_case("y")
        {
            return Err("not installed".to_owned());
        }
    }
    run::run(run::command(words[0]).args(&words[1..]))
}

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    // The owner of a process's own folder is the user that it runs as; elsewhere sudo is asked.
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    true
}
