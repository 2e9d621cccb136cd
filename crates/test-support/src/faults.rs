//! Faults of the machine, made on purpose: a disk whose power is cut, system calls that fail. Linux only.
//!
//! They need what not every machine has (root, loop devices, strace). A test that lacks it says so by [`left_out`] and
//! passes; `cargo xtask attacks` reads that and counts the test as left out, not as held.
//!
//! Nothing here runs in Kerf, and what a test does with a fault is its own.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fs, iter,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// Whether tests that have a long form are to run it: `KERF_LONG_TESTS` is set.
#[must_use]
pub fn long() -> bool {
    std::env::var_os("KERF_LONG_TESTS").is_some()
}

/// Says that this machine lacks what the test needs, and what that is.
pub fn left_out(why: &str) {
    eprintln!("skipped 1: {why}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the machine's own programs, for tests"
)]
fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.stdin(Stdio::null());
    command
}

fn done(command: &mut Command) -> Result<String, String> {
    let shown = format!("{command:?}");
    let output = command
        .output()
        .map_err(|error| format!("{shown}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{shown}: {}: {}", output.status, said.trim()))
}

/// An ext4 disk in a file, whose power can be cut.
#[derive(Debug)]
pub struct Disk {
    folder: tempfile::TempDir,
    /// The loop device, kept through all mounts. One that `mount` makes goes some time after `umount`, and the next `mount`
    /// may be given it just before.
    device: String,
}

impl Disk {
    /// Makes and mounts one of so many megabytes.
    ///
    /// # Errors
    /// What the machine lacks.
    pub fn new(megabytes: u64) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let path = folder.path().join("image");
        let image = fs::File::create(&path).map_err(|error| error.to_string())?;
        image
            .set_len(megabytes << 20)
            .map_err(|error| error.to_string())?;
        done(program("mkfs.ext4").args(["-q", "-F"]).arg(&path))?;
        let device = done(program("losetup").args(["--find", "--show"]).arg(&path))?;
        let disk = Self { folder, device };
        fs::create_dir(disk.path()).map_err(|error| error.to_string())?;
        disk.mount()?;
        Ok(disk)
    }

    /// Where its files are.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// Cuts the power: what was not flushed is gone, the journal's end too. From now on every call fails, until
    /// [`Disk::power_on`].
    ///
    /// # Errors
    /// When the kernel cannot.
    pub fn cut_power(&self) -> Result<(), String> {
        // EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH; Python has ioctl without unsafe code.
        let shutdown = "import fcntl,os,struct,sys\n\
            fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";
        done(program("python3").args(["-c", shutdown]).arg(self.path())).map(drop)
    }

    /// Mounts it again, as after a start of the computer. Nobody may have a file on it open.
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn power_on(&self) -> Result<(), String> {
        done(program("umount").arg(self.path()))?;
        self.mount()
    }

    fn mount(&self) -> Result<(), String> {
        done(program("mount").arg(&self.device).arg(self.path())).map(drop)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It is not mounted when it could not be made.
        done(program("umount").arg("--lazy").arg(self.path())).ok();
        done(program("losetup").arg("--detach").arg(&self.device)).ok();
    }
}

/// A program whose system calls are made to fail, one in each run.
#[derive(Debug)]
pub struct Traced {
    words: Vec<OsString>,
    /// None: taken out.
    variables: Vec<(OsString, Option<OsString>)>,
    folder: Option<PathBuf>,
}

/// One system call of a program: the nth of its name in its thread.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Counted from 1.
    pub nth: usize,
}

/// The program looks for these files, which are not there, before and after what is tried.
const MARKS: [&str; 2] = ["/kerf-mark/begin", "/kerf-mark/end"];

impl Traced {
    /// A program and its arguments, first the program.
    ///
    /// # Errors
    /// When there is no strace that may trace here.
    pub fn new(words: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        done(program("strace").args(["-o", "/dev/null", "-e", "inject=sync:error=EIO", "true"]))?;
        Ok(Self {
            words: words.into_iter().collect(),
            variables: Vec::new(),
            folder: None,
        })
    }

    /// A command as it would be run: its program, arguments, variables and folder.
    ///
    /// # Errors
    /// When there is no strace that may trace here.
    pub fn of(command: &Command) -> Result<Self, String> {
        let words = iter::once(command.get_program()).chain(command.get_args());
        let mut traced = Self::new(words.map(ToOwned::to_owned))?;
        let owned = |text: &OsStr| text.to_owned();
        let variables = command.get_envs();
        traced.variables = variables
            .map(|(name, value)| (owned(name), value.map(owned)))
            .collect();
        traced.folder = command.get_current_dir().map(Path::to_owned);
        Ok(traced)
    }

    /// With a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), Some(value.into())));
        self
    }

    /// Tells the trace that what is tried begins, in the program itself.
    pub fn begin() {
        let _not_there = fs::metadata(MARKS[0]);
    }

    /// Tells the trace that it is over.
    pub fn end() {
        let _not_there = fs::metadata(MARKS[1]);
    }

    /// The calls of these names that the program makes between [`Traced::begin`] and [`Traced::end`].
    ///
    /// # Errors
    /// When it does not run, or does not come to its end.
    pub fn calls(&self, names: &[&str]) -> Result<Vec<Call>, String> {
        let log = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        let traced = format!("trace={},statx,newfstatat,stat", names.join(","));
        let output = self.run(&["-e", &traced], log.path())?;
        if !output.status.success() {
            return Err(format!("it fails by itself: {output:?}"));
        }
        let text = fs::read_to_string(log.path()).map_err(|error| error.to_string())?;
        let calls = calls_between(&text, names);
        if calls.is_empty() {
            return Err(format!("no such call is in the trace:\n{text}"));
        }
        Ok(calls)
    }

    /// Runs the program with one call failing.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn with_fault(&self, call: &Call, error: &str) -> Result<Output, String> {
        let inject = format!("inject={}:error={error}:when={}", call.name, call.nth);
        self.run(&["-e", &inject], Path::new("/dev/null"))
    }

    /// Runs the program and kills it at one call, before that is made. Several names with commas between them count as one.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn with_kill(&self, call: &Call) -> Result<Output, String> {
        let inject = format!("inject={}:signal=SIGKILL:when={}", call.name, call.nth);
        self.run(&["-e", &inject], Path::new("/dev/null"))
    }

    fn run(&self, arguments: &[&str], log: &Path) -> Result<Output, String> {
        let mut strace = program("strace");
        strace.args(["-f", "-qq", "-o"]).arg(log).args(arguments);
        strace.arg("--").args(&self.words);
        for (name, value) in &self.variables {
            match value {
                Some(value) => strace.env(name, value),
                None => strace.env_remove(name),
            };
        }
        if let Some(folder) = &self.folder {
            strace.current_dir(folder);
        }
        strace.output().map_err(|error| error.to_string())
    }
}

/// Reads lines such as `123 openat(AT_FDCWD, …) = 3`, a thread's number first.
fn calls_between(log: &str, names: &[&str]) -> Vec<Call> {
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    let mut calls = Vec::new();
    let mut between = false;
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        if rest.contains(MARKS[0]) || rest.contains(MARKS[1]) {
            between = rest.contains(MARKS[0]);
        }
        let Some((name, _)) = rest.trim_start().split_once('(') else {
            continue;
        };
        if !names.contains(&name) {
            continue;
        }
        let count = counts.entry((thread, name)).or_default();
        *count += 1;
        if between {
            calls.push(Call {
                name: name.to_owned(),
                nth: *count,
            });
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_between_the_marks_are_counted_from_the_start_of_their_thread() {
        let log = "7 openat(AT_FDCWD, \"a\") = 3\n\
            7 statx(AT_FDCWD, \"/kerf-mark/begin\") = -1 ENOENT\n\
            7 openat(AT_FDCWD, \"b\") = 3\n\
            8 write(3, \"x\", 1) = 1\n\
            7 close(3) = 0\n\
            7 statx(AT_FDCWD, \"/kerf-mark/end\") = -1 ENOENT\n\
            7 write(1, \"x\", 1) = 1\n";
        let call = |name: &str, nth| Call {
            name: name.to_owned(),
            nth,
        };
        assert_eq!(
            calls_between(log, &["openat", "write"]),
            [call("openat", 2), call("write", 1)]
        );
    }
}
