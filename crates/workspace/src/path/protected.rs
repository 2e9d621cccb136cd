//! Which names some file system takes for `.git`.
//!
//! A name that differs from `.git` in bytes can still open it: by case, by characters that HFS+ drops, by the
//! trailing dots, short names and streams of NTFS. The same rules hold on every system, because a repository
//! written on one is checked out on another, and because refusing too much here costs nothing.

use std::ffi::OsStr;

use super::escape::is_invisible;

/// Whether `name` is `.git` or a twin of it.
pub(crate) fn is_git_name(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    // Almost every name is plain ASCII without `git` in it, and this runs for every part of every written path.
    if bytes.is_ascii()
        && !bytes
            .windows(3)
            .any(|part| part.eq_ignore_ascii_case(b"git"))
    {
        return false;
    }
    // A backslash is part of a name here but a separator where the repository may be checked out next.
    String::from_utf8_lossy(bytes).split('\\').any(is_git_part)
}

fn is_git_part(part: &str) -> bool {
    let before_stream = part.split(':').next().unwrap_or(part);
    let folded: String = before_stream
        .chars()
        .filter(|c| !is_invisible(*c))
        .map(fold)
        .collect();
    let name = folded.trim_end_matches(['.', ' ']);
    let short = name
        .strip_prefix("git~")
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    name == ".git" || short
}

/// Folds case, full-width forms and the Turkish letters, which some collations equate with `i`.
fn fold(c: char) -> char {
    match c {
        '\u{130}' | '\u{131}' => 'i',
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(c) - 0xfee0).map_or(c, |narrow| narrow.to_ascii_lowercase())
        }
        c => c.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_of_git_are_known() {
        for name in [
            ".git",
            ".GIT",
            ".Git",
            ".gIt",
            ".git.",
            ".git ",
            ".git. .",
            "git~1",
            "GIT~1",
            "git~12",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".git\u{202e}",
            ".git:stream",
            ".git::$INDEX_ALLOCATION",
            ".g\u{131}t",
            ".G\u{130}T",
            "．ｇｉｔ",
            "a\\.git",
            ".git\\config",
            ".g\u{ad}it",
        ] {
            assert!(
                is_git_name(OsStr::new(name)),
                "{name:?} must be taken for .git"
            );
        }
        for name in [
            "git",
            ".gitignore",
            ".gitattributes",
            ".github",
            "x.git",
            ".git1",
            "git~",
            "git~a",
            "gitx~1",
            ".gitmodules",
            ".gït",
            "..git",
        ] {
            assert!(
                !is_git_name(OsStr::new(name)),
                "{name:?} is an ordinary name"
            );
        }
    }
}
