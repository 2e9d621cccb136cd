//! Commands that run other commands: what of their words is the command inside.

use crate::shell::Word;

/// What a simple command runs besides itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inside<'a> {
    /// Nothing that its words tell.
    Nothing,
    /// The words from here on are a command.
    Words(usize),
    /// These texts are command lines.
    Scripts(Vec<&'a str>),
    /// A command that its words do not tell.
    Unseen,
}

const SHELLS: &[&str] = &[
    "sh",
    "ash",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "ksh93",
    "mksh",
    "rbash",
    "yash",
    "fish",
    "csh",
    "tcsh",
    "pwsh",
    "powershell",
    "cmd",
];

/// Programs whose words after options and numbers are a command.
const WRAPPERS: &[&str] = &[
    "env",
    "sudo",
    "doas",
    "nice",
    "nohup",
    "timeout",
    "gtimeout",
    "time",
    "stdbuf",
    "setsid",
    "ionice",
    "chrt",
    "taskset",
    "command",
    "builtin",
    "exec",
    "xargs",
    "busybox",
    "toybox",
    "unshare",
    "nsenter",
    "chroot",
    "strace",
    "ltrace",
    "flock",
    "parallel",
    "runuser",
    "caffeinate",
    "firejail",
    "bwrap",
    "proot",
    "fakeroot",
    "noglob",
    "nocorrect",
    "unbuffer",
    "systemd-run",
    "pkexec",
    "setarch",
    "linux64",
    "prlimit",
    "sem",
    "chronic",
    "ifne",
    "torify",
    "torsocks",
    "proxychains",
    "proxychains4",
    "catchsegv",
    "valgrind",
    "gosu",
    "su-exec",
    "dbus-run-session",
    "xvfb-run",
];

/// Programs that take a command line as a text, among other words.
const TAKES_SCRIPT: &[&str] = &[
    "watch", "su", "script", "ssh", "eval", "trap", "at", "batch", "tmux", "screen", "entr",
];

/// Words by which a program that is none of these runs others, or takes settings that name some.
const BY_OPTION: &[(&str, &[&str])] = &[
    (
        "find",
        &[
            "-exec", "-execdir", "-ok", "-okdir", "-delete", "-fls", "-fprint", "-fprint0",
            "-fprintf",
        ],
    ),
    ("fd", &["-x", "-X", "--exec", "--exec-batch"]),
    ("fdfind", &["-x", "-X", "--exec", "--exec-batch"]),
    ("rg", &["--pre", "--hostname-bin"]),
    (
        "git",
        &[
            "-c",
            "--config-env",
            "--exec-path",
            "--ext-diff",
            "--textconv",
            "--output",
            "--upload-pack",
            "--receive-pack",
            "--exec",
            "-x",
            "--open-files-in-pager",
            "--git-dir",
            "--work-tree",
        ],
    ),
    (
        "tar",
        &[
            "-I",
            "-F",
            "--use-compress-program",
            "--to-command",
            "--checkpoint-action",
            "--info-script",
            "--new-volume-script",
            "--rsh-command",
        ],
    ),
    ("sort", &["--compress-program", "-o", "--output"]),
    ("rsync", &["-e", "--rsh", "--rsync-path"]),
    ("man", &["-P", "--pager", "-H", "--html"]),
    ("zip", &["-T", "-TT", "--unzip-command"]),
    ("curl", &["-K", "--config", "-o", "-O", "--output"]),
    ("cargo", &["--config", "-Z"]),
    (
        "go",
        &["-exec", "-toolexec", "-vettool", "-overlay", "-modfile"],
    ),
    ("npm", &["--script-shell", "--node-options", "--prefix"]),
    ("printf", &["-v"]),
    ("test", &["-v", "-R"]),
    ("[", &["-v", "-R"]),
    ("tree", &["-o"]),
    ("less", &["-k", "-o", "-O"]),
];

/// Builtins that change what later commands of the line mean, or read their words a second time.
const STEERS: &[&str] = &[
    "alias",
    "unalias",
    "export",
    "declare",
    "typeset",
    "local",
    "readonly",
    "set",
    "unset",
    "shopt",
    "enable",
    "hash",
    "source",
    ".",
    "eval",
    "exec",
    "trap",
    "let",
    "read",
    "mapfile",
    "readarray",
    "getopts",
    "[[",
    "bind",
    "complete",
    "ulimit",
    "umask",
    "fc",
    "coproc",
    "function",
];

/// Programs that run a text in another language, which is not read here.
const INTERPRETERS: &[&str] = &[
    "python",
    "perl",
    "ruby",
    "node",
    "nodejs",
    "deno",
    "bun",
    "php",
    "lua",
    "awk",
    "gawk",
    "mawk",
    "nawk",
    "tclsh",
    "osascript",
    "expect",
    "gdb",
    "vim",
    "vi",
    "nvim",
    "emacs",
    "ed",
    "ex",
    "make",
    "gmake",
    "docker",
    "podman",
    "sed",
];

/// A program's name without its folder.
pub(crate) fn base(program: &str) -> &str {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let cut = name.len().saturating_sub(4);
    match (name.get(..cut), name.get(cut..)) {
        (Some(stem), Some(end)) if !stem.is_empty() && end.eq_ignore_ascii_case(".exe") => stem,
        _ => name,
    }
}

fn is_among(list: &[&str], program: &str) -> bool {
    let name = base(program);
    list.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// What a command runs besides itself. Its first word is known.
pub(crate) fn inside<'a>(program: &str, words: &'a [Word]) -> Inside<'a> {
    let arguments = words.get(1..).unwrap_or_default();
    let known = || arguments.iter().filter_map(Word::known);
    if is_among(SHELLS, program) {
        let takes_line = known().any(|word| {
            matches!(word, "/c" | "/C" | "/k" | "/K")
                || word.eq_ignore_ascii_case("-command")
                || (word.starts_with(['-', '+']) && !word.starts_with("--") && word.contains('c'))
        });
        return if takes_line {
            scripts(arguments, known().filter(|word| !word.starts_with('-')))
        } else if known().all(|word| word.starts_with('-')) {
            // It reads what it runs.
            Inside::Unseen
        } else {
            Inside::Nothing
        };
    }
    if is_among(TAKES_SCRIPT, program) {
        return scripts(arguments, known().filter(|word| !word.starts_with('-')));
    }
    if is_among(&["find", "fd", "fdfind"], program) {
        let flag = |word: &Word| {
            matches!(
                word.known(),
                Some(
                    "-exec"
                        | "-execdir"
                        | "-ok"
                        | "-okdir"
                        | "-x"
                        | "-X"
                        | "--exec"
                        | "--exec-batch"
                )
            )
        };
        let at = arguments.iter().position(flag);
        return at.map_or(Inside::Nothing, |at| Inside::Words(at + 2));
    }
    if is_among(WRAPPERS, program) {
        if known().any(|word| {
            word.starts_with("-S") || word.starts_with("--split-string") || word == "-c"
        }) {
            return scripts(arguments, known().map(|word| word.trim_start_matches("-S")));
        }
        let is_own = |word: &Word| match word.known() {
            Some(word) => {
                word.starts_with('-')
                    || word.contains('=')
                    || word.starts_with(|char: char| char.is_ascii_digit())
            }
            None => false,
        };
        let at = arguments.iter().position(|word| !is_own(word));
        return at.map_or(Inside::Nothing, |at| Inside::Words(at + 1));
    }
    Inside::Nothing
}

fn scripts<'a>(arguments: &[Word], texts: impl Iterator<Item = &'a str>) -> Inside<'a> {
    let texts: Vec<&str> = texts.collect();
    if texts.is_empty() || arguments.iter().any(|word| word.known().is_none()) {
        return Inside::Unseen;
    }
    Inside::Scripts(texts)
}

/// Whether a command may run what a wildcard of a rule does not tell: it runs others by its nature, or by the options
/// that it has here.
pub(crate) fn runs_others(program: &str, words: &[Word]) -> bool {
    let named = |list| is_among(list, program);
    named(SHELLS)
        || named(TAKES_SCRIPT)
        || named(WRAPPERS)
        || named(STEERS)
        || risky_option(program, words).is_some()
}

/// Whether a command changes what others in its line mean, or runs what it reads.
pub(crate) fn steers(program: &str) -> bool {
    is_among(STEERS, program)
        || is_among(SHELLS, program)
        || is_among(TAKES_SCRIPT, program)
        || is_among(WRAPPERS, program)
}

/// The first option by which a command runs others.
pub(crate) fn risky_option(program: &str, words: &[Word]) -> Option<usize> {
    let (_, options) = BY_OPTION
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(base(program)))?;
    let is_risky = |word: &Word| {
        let Some(word) = word.known() else {
            return false;
        };
        options.iter().any(|option| {
            let long = option.len() > 2;
            word == *option
                // `--option=value`, and `-ovalue` of one letter.
                || (long && word.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')))
                || (!long && word.starts_with(option) && !word.starts_with("--"))
        }) || abbreviates(word, options)
    };
    words.iter().skip(1).position(is_risky).map(|at| at + 1)
}

/// A long option may be cut short: `--pre` of `--pre-glob`, `--outp` of `--output`.
fn abbreviates(word: &str, options: &[&str]) -> bool {
    let name = word.split('=').next().unwrap_or(word);
    name.len() > 4
        && name.starts_with("--")
        && options
            .iter()
            .any(|option| option.starts_with("--") && option.starts_with(name))
}

/// Whether a command runs a text that is not read here, and the text holds this name.
pub(crate) fn may_call(program: &str, words: &[Word], name: &str) -> bool {
    let own = base(program);
    let interprets = INTERPRETERS.iter().any(|known| {
        own.get(..known.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(known))
            // `python3.12`
            && own
                .get(known.len()..)
                .is_some_and(|rest| rest.chars().all(|char| char.is_ascii_digit() || char == '.'))
    });
    interprets
        && words.iter().skip(1).any(|word| match word.known() {
            Some(text) => text.contains(name),
            None => false,
        })
}
