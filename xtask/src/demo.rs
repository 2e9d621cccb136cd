//! The main job, once, on a sample repository: search, edit, test run, diff, accept.
//! It runs against the practice endpoint inside Kerf, so nothing leaves the machine.

use crate::{
    Done, run,
    setup::{self, Purpose},
};
use std::{fs, path::Path, process::Command};

const FILES: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        "[package]\nname = \"refunds\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n",
    ),
    (
        "src/lib.rs",
        "//! Refunds in whole cents.\n\npub mod round;\n\nuse round::div_ceil;\n\n/// Splits an amount into equal shares.\npub fn split(total: i64, parts: i64) -> i64 {\n    div_ceil(total, parts)\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn splits_evenly() {\n        assert_eq!(split(90, 3), 30);\n    }\n}\n",
    ),
    (
        "src/round.rs",
        "/// Divides and rounds up.\npub fn div_ceil(n: i64, d: i64) -> i64 {\n    (n + d - 1) / d\n}\n",
    ),
    ("AGENTS.md", "Run `cargo test` after each change.\n"),
];

pub(crate) fn run(arguments: &[String]) -> Done {
    setup::ensure(&[Purpose::Build], setup::agreed(arguments))?;
    run::run(run::cargo().args(["build", "--package", "kerf-cli"]))?;
    let place = run::target().join("demo");
    let (home, project) = (place.join("home"), place.join("refunds"));
    if place.exists() {
        fs::remove_dir_all(&place)
            .map_err(|error| format!("{} cannot be emptied: {error}", place.display()))?;
    }
    for (name, text) in FILES {
        let path = project.join(name);
        let folder = path.parent().unwrap_or(&project);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    let steps: &[(&str, &[&str])] = &[
        (
            "Search",
            &[
                "exec",
                "--endpoint",
                "practice",
                "where is div_ceil defined",
            ],
        ),
        (
            "Edit and run the tests",
            &[
                "exec",
                "--endpoint",
                "practice",
                "--approve",
                "auto",
                "rename div_ceil to div_round_up",
            ],
        ),
        ("The review, hunk by hunk", &["diff", "last"]),
        ("Accept one hunk", &["accept", "last", "src/round.rs:1"]),
        ("Reject the rest", &["reject", "last"]),
        ("Change your mind", &["undo", "last"]),
        ("Accept everything", &["accept", "last"]),
        ("What is there now", &["diff", "last"]),
        ("What left this machine", &["ledger", "list"]),
    ];
    for (title, arguments) in steps {
        println!("\n── {title} ──");
        run::run(kerf(&home, &project).args(*arguments))?;
    }
    let text = fs::read_to_string(project.join("src/lib.rs"))
        .map_err(|error| format!("the sample cannot be read: {error}"))?;
    if !text.contains("div_round_up(total, parts)") {
        return Err("the demo did not change the sample as it should".to_owned());
    }
    println!("\nThe sample repository is {}.", project.display());
    println!(
        "Try your own: {} -C FOLDER exec \"…\"",
        run::built("debug", "kerf").display()
    );
    println!(
        "This was the practice endpoint: rules, not a language model. `kerf endpoints add` adds a real one."
    );
    Ok(())
}

fn kerf(home: &Path, project: &Path) -> Command {
    let mut command = run::command(run::built("debug", "kerf"));
    command
        .current_dir(project)
        .env("KERF_HOME", home)
        .env_remove("KERF_BASE_URL");
    command
}
