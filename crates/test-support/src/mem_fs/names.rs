//! The names that some platform refuses.

use kerf_workspace::RelPath;
use std::ffi::OsStr;

const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Every name of a path with the folder that holds it, from the top down.
pub(super) fn steps(path: &RelPath) -> impl Iterator<Item = (RelPath, &OsStr)> {
    path.names().scan(RelPath::root(), |folder, name| {
        let here = folder.clone();
        *folder = folder.join(name);
        Some((here, name))
    })
}

/// What is wrong with a name, or nothing.
pub(super) fn refused(name: &OsStr) -> Option<&'static str> {
    let Some(text) = name.to_str() else {
        return Some("is not UTF-8, which macOS refuses");
    };
    if text.len() > 255 {
        return Some("is longer than 255 bytes");
    }
    if text.ends_with(['.', ' ']) {
        return Some("ends with a dot or a space, which Windows drops");
    }
    if text.contains(['<', '>', ':', '"', '|', '?', '*', '\\'])
        || text.chars().any(char::is_control)
    {
        return Some("has a character that Windows refuses");
    }
    let stem = text
        .split('.')
        .next()
        .unwrap_or(text)
        .trim_end()
        .to_lowercase();
    let numbered = |prefix| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest != "0")
    };
    let is_digit = stem.ends_with(|last: char| last.is_ascii_digit());
    if DEVICES.contains(&stem.as_str()) || (is_digit && (numbered("com") || numbered("lpt"))) {
        return Some("is a device of Windows");
    }
    None
}
