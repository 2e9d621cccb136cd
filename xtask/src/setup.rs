//! Installs what a build needs and the machine lacks. Each privileged command is printed and asked about first.

use crate::{Done, run, window};
use std::{
    env,
    io::{IsTerminal, Write, stdin, stdout},
    path::{Path, PathBuf},
};

/// What something is needed for. Each command installs only what it needs itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Building `kerf`.
    Build,
    /// Running the tests.
    Tests,
    /// Building and showing the window.
    Window,
    /// Testing the interface.
    Interface,
    /// Driving the window in tests.
    WindowTests,
}

/// How it is found out whether something is there.
enum Probe {
    /// The program can be run with these arguments.
    Runs(&'static [&'static str]),
    /// The program has this version or a newer one.
    Version(&'static str, [u32; 2]),
    /// On Linux, a library that `pkg-config` knows.
    Library(&'static str),
    /// A browser that tests can drive.
    Browser,
    /// On Linux, a program that is on the path.
    Found(&'static str),
}

/// Something that is needed, and the packages that have it.
struct Need {
    purposes: &'static [Purpose],
    probe: Probe,
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
        purposes: &[Purpose::Build],
        probe: Probe::Runs(if cfg!(windows) {
            &["cl", "/?"]
        } else {
            &["cc", "--version"]
        }),
        why: "SQLite, libgit2 and zstd are built from C",
        apt: "gcc libc6-dev",
        dnf: "gcc",
        pacman: "gcc",
        zypper: "gcc",
        brew: "",
        winget: "Microsoft.VisualStudio.2022.BuildTools",
    },
    Need {
        purposes: &[Purpose::Tests],
        probe: Probe::Runs(&["git", "--version"]),
        why: "some tests compare with it",
        apt: "git",
        dnf: "git",
        pacman: "git",
        zypper: "git",
        brew: "git",
        winget: "Git.Git",
    },
    Need {
        purposes: &[Purpose::Build, Purpose::Tests],
        probe: Probe::Found("bwrap"),
        why: "Kerf's commands run in it",
        apt: "bubblewrap",
        dnf: "bubblewrap",
        pacman: "bubblewrap",
        zypper: "bubblewrap",
        brew: "",
        winget: "",
    },
    Need {
        purposes: &[Purpose::Window, Purpose::Interface],
        probe: Probe::Version("node", [20, 19]),
        why: "the interface is built with it",
        apt: "nodejs",
        dnf: "nodejs",
        pacman: "nodejs",
        zypper: "nodejs-default",
        brew: "node",
        winget: "OpenJS.NodeJS.LTS",
    },
    Need {
        purposes: &[Purpose::Window, Purpose::Interface],
        probe: Probe::Runs(&[NPM, "--version"]),
        why: "the interface's libraries are installed with it",
        apt: "npm",
        dnf: "nodejs-npm",
        pacman: "npm",
        zypper: "npm-default",
        brew: "node",
        winget: "OpenJS.NodeJS.LTS",
    },
    Need {
        purposes: &[Purpose::Window],
        probe: Probe::Library("webkit2gtk-4.1"),
        why: "it draws the window",
        apt: "pkg-config libgtk-3-dev libwebkit2gtk-4.1-dev",
        dnf: "pkgconf-pkg-config gtk3-devel webkit2gtk4.1-devel",
        pacman: "pkgconf gtk3 webkit2gtk-4.1",
        zypper: "pkgconf gtk3-devel webkit2gtk3-devel",
        brew: "",
        winget: "",
    },
    Need {
        purposes: &[Purpose::Window],
        probe: Probe::Library("librsvg-2.0"),
        why: "it draws the window's icons",
        apt: "librsvg2-dev librsvg2-common",
        dnf: "librsvg2-devel",
        pacman: "librsvg",
        zypper: "librsvg-devel",
        brew: "",
        winget: "",
    },
    Need {
        purposes: &[Purpose::Interface],
        probe: Probe::Browser,
        why: "the interface is tested in it; KERF_CHROMIUM names another one",
        apt: "chromium",
        dnf: "chromium",
        pacman: "chromium",
        zypper: "chromium",
        brew: "",
        winget: "",
    },
    Need {
        purposes: &[Purpose::WindowTests],
        probe: Probe::Found("Xvfb"),
        why: "the window's tests have a display of their own",
        apt: "xvfb",
        dnf: "xorg-x11-server-Xvfb",
        pacman: "xorg-server-xvfb",
        zypper: "xorg-x11-server-Xvfb",
        brew: "",
        winget: "",
    },
    Need {
        purposes: &[Purpose::WindowTests],
        probe: Probe::Found("dbus-daemon"),
        why: "the window's tests have a session bus of their own",
        apt: "dbus-daemon",
        dnf: "dbus-daemon",
        pacman: "dbus",
        zypper: "dbus-1-daemon",
        brew: "",
        winget: "",
    },
    Need {
        purposes: &[Purpose::WindowTests],
        probe: Probe::Found("WebKitWebDriver"),
        why: "the window's tests drive it",
        apt: "webkit2gtk-driver",
        dnf: "webkit2gtk-driver",
        pacman: "webkit2gtk-4.1",
        zypper: "webkit2gtk3-minibrowser",
        brew: "",
        winget: "",
    },
];

/// Where systems keep Chromium or Chrome.
const BROWSERS: &[&str] = if cfg!(target_os = "macos") {
    &["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]
} else if cfg!(windows) {
    &[r"C:\Program Files\Google\Chrome\Application\chrome.exe"]
} else {
    &[
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
        "/snap/bin/chromium",
    ]
};

/// The browser of the tests: the one that `KERF_CHROMIUM` names, else one that is installed.
pub(crate) fn browser() -> Option<PathBuf> {
    if let Some(named) = env::var_os("KERF_CHROMIUM") {
        return Some(PathBuf::from(named)).filter(|path| path.is_file());
    }
    let found = BROWSERS.iter().find(|path| Path::new(path).is_file());
    found.map(PathBuf::from)
}

/// npm's program; on Windows it is a script.
pub(crate) const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

impl Probe {
    fn holds(&self) -> bool {
        match self {
            // The linker that Rust found has the C compiler beside it, though it is on no path.
            Self::Runs(["cl", ..]) => true,
            Self::Runs([program, arguments @ ..]) => run::has(program, arguments),
            Self::Runs([]) => true,
            Self::Version(program, least) => {
                run::said(program, &["--version"]).is_some_and(|said| version(&said) >= *least)
            }
            Self::Library(name) => {
                !cfg!(target_os = "linux") || run::has("pkg-config", &["--exists", name])
            }
            Self::Browser => browser().is_some(),
            Self::Found(name) => {
                let path = env::var_os("PATH").unwrap_or_default();
                !cfg!(target_os = "linux")
                    || env::split_paths(&path).any(|folder| folder.join(name).is_file())
            }
        }
    }
}

impl std::fmt::Display for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Runs(words) => f.write_str(words.first().unwrap_or(&"")),
            Self::Version(program, [major, minor]) => {
                write!(f, "{program} {major}.{minor} or newer")
            }
            Self::Library(name) | Self::Found(name) => f.write_str(name),
            Self::Browser => f.write_str("Chromium or Chrome"),
        }
    }
}

/// Major and minor version of `v20.19.4`.
fn version(said: &str) -> [u32; 2] {
    let mut numbers = said.trim().trim_start_matches('v').split('.');
    let mut next = || numbers.next().and_then(|number| number.parse().ok());
    [next().unwrap_or(0), next().unwrap_or(0)]
}

/// Whether everything for a purpose is there.
pub(crate) fn is_ready(purpose: Purpose) -> bool {
    missing(&[purpose]).is_empty()
}

fn missing(purposes: &[Purpose]) -> Vec<&'static Need> {
    NEEDS
        .iter()
        .filter(|need| need.purposes.iter().any(|one| purposes.contains(one)))
        .filter(|need| !need.probe.holds())
        .collect()
}

pub(crate) fn run(arguments: &[String]) -> Done {
    let mut purposes = vec![Purpose::Build, Purpose::Tests, Purpose::Interface];
    if window::has_display() {
        purposes.push(Purpose::Window);
    } else {
        println!("there is no display, so what the window needs is left out");
    }
    ensure(&purposes, agreed(arguments))?;
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
pub(crate) fn ensure(purposes: &[Purpose], agreed: bool) -> Done {
    let wanted = missing(purposes);
    if wanted.is_empty() {
        return Ok(());
    }
    for need in &wanted {
        println!("missing: {} ({})", need.probe, need.why);
    }
    install(&wanted, agreed)?;
    let still: Vec<String> = missing(purposes)
        .iter()
        .map(|need| need.probe.to_string())
        .collect();
    if still.is_empty() {
        return Ok(());
    }
    Err(format!(
        "this system's packages do not bring {}: install it by hand and run this again",
        still.join(", ")
    ))
}

fn install(wanted: &[&Need], agreed: bool) -> Done {
    let (manager, prefix, packages): (&str, &[&str], fn(&Need) -> &'static str) =
        if cfg!(target_os = "macos") {
            ("brew", &["install"], |need| need.brew)
        } else if cfg!(windows) {
            ("winget", &["install", "--exact", "--id"], |need| {
                need.winget
            })
        } else if run::has("apt-get", &["--version"]) {
            (
                "apt-get",
                // What is there stays as it is: the user may hold it back.
                &[
                    "install",
                    "--yes",
                    "--no-install-recommends",
                    "--no-upgrade",
                ],
                |need| need.apt,
            )
        } else if run::has("dnf", &["--version"]) {
            ("dnf", &["install", "--assumeyes"], |need| need.dnf)
        } else if run::has("pacman", &["--version"]) {
            ("pacman", &["-S", "--noconfirm"], |need| need.pacman)
        } else if run::has("zypper", &["--version"]) {
            ("zypper", &["--non-interactive", "install"], |need| {
                need.zypper
            })
        } else {
            return Err(
                "no known package manager is here; install the missing programs by hand".to_owned(),
            );
        };
    let mut names: Vec<&str> = wanted
        .iter()
        .flat_map(|need| packages(need).split_whitespace())
        .collect();
    names.dedup();
    if names.is_empty() {
        return Err(
            "install the command line tools of the system first (xcode-select --install)"
                .to_owned(),
        );
    }
    let mut words = vec![manager];
    words.extend(prefix);
    words.extend(names);
    if manager != "apt-get" {
        return privileged(&words, agreed);
    }
    // A source that does not answer need not be the one that has the packages.
    if let Err(error) = privileged(&["apt-get", "update"], agreed) {
        println!("{error}");
    }
    privileged(&words, agreed).or_else(|error| {
        println!("{error}; once more, with leave to change packages that are held back");
        words.insert(2, "--allow-change-held-packages");
        privileged(&words, agreed)
    })
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

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (said, new_enough) in [
            ("v20.19.0\n", true),
            ("v20.20.2", true),
            ("v22.1.0", true),
            ("v20.9.0", false),
            ("v18.20.4", false),
            ("not found", false),
            ("", false),
        ] {
            assert_eq!(version(said) >= [20, 19], new_enough, "{said:?}");
        }
    }
}
