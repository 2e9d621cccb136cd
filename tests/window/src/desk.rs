//! A display, a session bus, a driver and a home: what a window stands on.

use crate::Window;
use kerf_test_support::ModelServer;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The window of Kerf.
const PROGRAM: &str = "kerf-desktop";
/// What may be left open on a desk; the second is the one that the bench opens beside.
const PROGRAMS: [&str; 2] = [PROGRAM, "empty-window"];

/// What a window stands on. Everything ends with it.
pub struct Desk {
    home: TempDir,
    environment: Vec<(&'static str, String)>,
    // Ended in this order.
    children: Vec<Child>,
    /// Held as long as the desk is there: one window at a time, whatever runs the tests.
    _turn: fs::File,
}

impl Desk {
    /// Starts all that a window needs, beside a model.
    ///
    /// # Panics
    /// When a program is missing or does not start.
    #[must_use]
    pub fn new(model: &ModelServer) -> Self {
        let turn = fs::File::create(env::temp_dir().join("kerf-window-tests.lock"));
        let turn = turn.and_then(|file| file.lock().map(|()| file));
        let turn = turn.unwrap_or_else(|error| panic!("no lock: {error}"));
        let home = tempfile::Builder::new().prefix("kerf-window-").tempdir();
        let home = home.unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let path = home.path().to_string_lossy().into_owned();
        let (display, number) = telling("Xvfb", |xvfb| {
            xvfb.args(["-displayfd", "1", "-screen", "0", "1600x1100x24"]);
            xvfb.args(["-nolisten", "tcp"]);
        });
        let (bus, address) = telling("dbus-daemon", |bus| {
            bus.args(["--session", "--nofork", "--print-address=1"]);
        });
        let mut environment = vec![
            ("PATH", env::var("PATH").unwrap_or_default()),
            ("HOME", path.clone()),
            ("KERF_HOME", path.clone()),
            ("XDG_RUNTIME_DIR", path),
            ("DISPLAY", format!(":{number}")),
            ("DBUS_SESSION_BUS_ADDRESS", address),
            ("NO_AT_BRIDGE", "1".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TAURI_WEBVIEW_AUTOMATION", "true".to_owned()),
            ("KERF_BASE_URL", model.base_url()),
            ("KERF_WIRE", "chat".to_owned()),
            ("KERF_MODEL", "qwen3-coder".to_owned()),
        ];
        // Where a project's own tools are.
        for name in ["CARGO_HOME", "RUSTUP_HOME"] {
            let folder = env::var_os(name).map(PathBuf::from).or_else(|| {
                let hidden = format!(".{}", name.trim_end_matches("_HOME").to_lowercase());
                Some(PathBuf::from(env::var_os("HOME")?).join(hidden))
            });
            environment.extend(folder.map(|folder| (name, folder.to_string_lossy().into_owned())));
        }
        Self {
            home,
            environment,
            children: vec![bus, display],
            _turn: turn,
        }
    }

    /// Opens a window with folders, as the program's first start.
    ///
    /// # Panics
    /// When the driver cannot start it.
    #[must_use]
    pub fn open(&self, folders: &[&Path]) -> Window {
        let window = self.driven(PROGRAM, folders, "normal");
        window.wait(
            "document.querySelector('main') && !document.body.innerText.includes('Kerf starts')",
        );
        window
    }

    /// Starts a built program by its name, and gives its window as soon as there is one: its page may not be there yet.
    ///
    /// # Panics
    /// When the driver cannot start it.
    #[must_use]
    pub fn start(&self, program: &str, arguments: &[&Path]) -> Window {
        self.driven(program, arguments, "none")
    }

    fn driven(&self, program: &str, arguments: &[&Path], page_load: &str) -> Window {
        let address = free_address();
        let driver = self
            .command("WebKitWebDriver".as_ref())
            .arg(format!("--port={}", address.port()))
            .arg("--host=127.0.0.1")
            .spawn();
        let driver = driver.unwrap_or_else(|error| panic!("WebKitWebDriver: {error}"));
        Window::open(driver, address, &built(program), arguments, page_load)
    }

    /// Starts the program once more and waits for its end.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_again(&self, folders: &[&Path]) -> ExitStatus {
        let status = self.command(&built(PROGRAM)).args(folders).status();
        status.unwrap_or_else(|error| panic!("a second start: {error}"))
    }

    /// The ids of the processes of one program on this desk, by the last part of its path.
    #[must_use]
    pub fn processes(&self, name: &str) -> Vec<i32> {
        let home = format!("KERF_HOME={}", self.home.path().display());
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        all.filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let program = fs::read_link(entry.path().join("exe")).ok()?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let ours = environment
                .split(|byte| *byte == 0)
                .any(|line| line == home.as_bytes());
            let named = program.file_name()?.as_bytes() == name.as_bytes();
            (ours && named).then_some(pid)
        })
        .collect()
    }

    /// Ends all processes of a program without a warning, as a failure would, and waits until they are gone.
    pub fn kill(&self, name: &str) {
        let killed = self.processes(name);
        for pid in &killed {
            // It may be gone by itself.
            let _gone = Pid::from_raw(*pid).map(|pid| kill_process(pid, Signal::KILL));
        }
        until("the killed are gone", || {
            let left = self.processes(name);
            !killed.iter().any(|pid| left.contains(pid))
        });
    }

    /// The home of the program and of the user.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = command(program);
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        if env::var_os("KERF_WINDOW_LOUD").is_none() {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        command
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let left = PROGRAMS.iter().flat_map(|name| self.processes(name));
        for pid in left {
            // It may be gone by itself; what is left is told by nobody.
            let _gone = Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::KILL));
        }
        for child in &mut self.children {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }
}

/// Waits until something holds.
///
/// # Panics
/// When it does not after 20 s.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    let (_never, tick) = mpsc::channel::<()>();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "never so: {what}"
        );
        let _tick = tick.recv_timeout(Duration::from_millis(10));
    }
}

/// A built program, in a folder above the one that runs.
fn built(name: &str) -> PathBuf {
    let own = env::current_exe().unwrap_or_default();
    let folder = own.ancestors().find(|folder| folder.join(name).is_file());
    let folder = folder.unwrap_or_else(|| panic!("build it first: cargo build --package {name}"));
    folder.join(name)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests start the window as a user would, and what it stands on"
)]
fn command(program: &Path) -> Command {
    Command::new(program)
}

/// Starts a program that tells its address on its first line.
fn telling(name: &str, arguments: impl Fn(&mut Command)) -> (Child, String) {
    let mut command = command(name.as_ref());
    arguments(&mut command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        let read = BufReader::new(stdout).read_line(&mut line);
        read.unwrap_or_else(|error| panic!("{name} says nothing: {error}"));
    }
    (child, line.trim().to_owned())
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0");
    let address = listener.and_then(|listener| listener.local_addr());
    address.unwrap_or_else(|error| panic!("no free port: {error}"))
}
