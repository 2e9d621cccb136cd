//! Names of worktrees' folders and branches.

use crate::failure::failure;
use kerf_protocol::{Code, Failure};

/// The branch `kerf/NAME`, of a name that git takes and that is one part.
pub(super) fn branch_name(name: &str) -> Result<String, Failure> {
    let name = name.strip_prefix("kerf/").unwrap_or(name);
    let fits = !name.is_empty()
        && name.len() <= 100
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !name.starts_with(['-', '.'])
        && !name.ends_with(['.'])
        && !name.contains("..")
        && !name.ends_with(".lock");
    if fits {
        return Ok(format!("kerf/{name}"));
    }
    Err(failure(
        Code::Usage,
        format!("`{name}` is no name for a branch"),
        "Use letters, digits, `-`, `_` and `.`",
    ))
}

/// A name as a part of a path that every system takes.
pub(super) fn slug(name: &str) -> String {
    let slug: String = name
        .chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() {
                char.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(24)
        .collect();
    match slug.trim_matches('-') {
        "" => "project".to_owned(),
        slug => slug.to_owned(),
    }
}

/// The end of an id, which tells ids of one day apart.
pub(super) fn tail(id: impl std::fmt::Display, digits: usize) -> String {
    let text = id.to_string().replace('-', "");
    text[text.len().saturating_sub(digits)..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_one_part_beneath_kerf() {
        for (name, is) in [
            ("fix", true),
            ("kerf/fix-1.2", true),
            ("a/b", false),
            ("", false),
            ("-c", false),
            ("..", false),
            ("a..b", false),
            ("x.lock", false),
            ("a b", false),
            ("a~1", false),
            ("--output=x", false),
        ] {
            assert_eq!(branch_name(name).is_ok(), is, "{name:?}");
        }
        assert_eq!(branch_name("fix").unwrap(), "kerf/fix");
    }

    #[test]
    fn names_of_folders_are_plain() {
        for (name, is) in [
            ("Kerf", "kerf"),
            ("a b/..", "a-b"),
            ("日本", "project"),
            ("CON.", "con"),
        ] {
            assert_eq!(slug(name), is, "{name:?}");
        }
    }
}
