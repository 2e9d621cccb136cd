//! Paths in rules, by the patterns of gitignore: `src/**`, `*.pem`, `/build/` from the project, `~/` from the user's
//! home folder, `//` from the root of the file system.

use globset::{GlobBuilder, GlobMatcher};

/// Which files a rule means.
#[derive(Debug, Clone)]
pub(crate) enum PathPattern {
    /// All.
    Any,
    /// Those beneath a folder that fit.
    Beneath {
        anchor: Anchor,
        /// The pattern, from where it counts.
        glob: String,
        exact: Box<Fit>,
        folded: Box<Fit>,
    },
}

/// From where a pattern counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Project,
    Home,
    Root,
}

/// A pattern for a file itself, and for what is beneath a folder of that name.
#[derive(Debug, Clone)]
pub(crate) struct Fit {
    own: GlobMatcher,
    beneath: GlobMatcher,
}

impl Fit {
    fn new(glob: &str, folded: bool) -> Result<Self, globset::Error> {
        let build = |glob: &str| {
            GlobBuilder::new(glob)
                .literal_separator(true)
                .backslash_escape(true)
                .case_insensitive(folded)
                .build()
                .map(|glob| glob.compile_matcher())
        };
        Ok(Self {
            own: build(glob)?,
            beneath: build(&format!("{glob}/**"))?,
        })
    }

    fn matches(&self, path: &str) -> bool {
        self.own.is_match(path) || self.beneath.is_match(path)
    }
}

impl PathPattern {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if matches!(text, "*" | "**" | "./**" | "/**") {
            return Ok(Self::Any);
        }
        if text.starts_with(['!', '#']) {
            return Err(format!("a path does not begin with `{}`", &text[..1]));
        }
        let (anchor, rest, is_anchored) = if let Some(rest) = text.strip_prefix("//") {
            (Anchor::Root, rest, true)
        } else if let Some(rest) = text.strip_prefix("~/") {
            (Anchor::Home, rest, true)
        } else if let Some(rest) = text.strip_prefix("./").or_else(|| text.strip_prefix('/')) {
            (Anchor::Project, rest, true)
        } else {
            (Anchor::Project, text, false)
        };
        let rest = rest.trim_end_matches('/');
        if rest.is_empty() {
            return Ok(Self::Any);
        }
        if rest.split('/').any(|name| matches!(name, "." | "..")) {
            return Err("a path has no `.` or `..` in it".to_owned());
        }
        let glob = if is_anchored || rest.contains('/') {
            rest.to_owned()
        } else {
            format!("**/{rest}")
        };
        let fit = |folded| {
            let fit = Fit::new(&glob, folded);
            fit.map(Box::new).map_err(|error| error.kind().to_string())
        };
        Ok(Self::Beneath {
            anchor,
            exact: fit(false)?,
            folded: fit(true)?,
            glob,
        })
    }

    /// The whole path that it means, with all beneath, where it is no pattern but for an end that means all.
    pub(crate) fn place(&self, project: &str, home: Option<&str>) -> Option<String> {
        let Self::Beneath { anchor, glob, .. } = self else {
            return None;
        };
        let base = match anchor {
            Anchor::Project => project,
            Anchor::Home => home?,
            Anchor::Root => "",
        };
        let end = ["/**", "/*"].iter().find_map(|end| glob.strip_suffix(end));
        let path = plainly(end.unwrap_or(glob))?;
        Some(format!("{base}/{path}"))
    }

    /// `inside` is the path in the project, `whole` the whole one; with `/` between names.
    /// What denies or asks takes no account of upper and lower case: not every file system does.
    pub(crate) fn matches(
        &self,
        inside: Option<&str>,
        whole: &str,
        home: Option<&str>,
        folds: bool,
    ) -> bool {
        let Self::Beneath {
            anchor,
            exact,
            folded,
            ..
        } = self
        else {
            return true;
        };
        let fit = if folds { folded } else { exact };
        match anchor {
            Anchor::Project => inside.is_some_and(|path| fit.matches(path)),
            Anchor::Root => fit.matches(whole.trim_start_matches('/')),
            Anchor::Home => home
                .and_then(|home| whole.strip_prefix(home.trim_end_matches('/')))
                .and_then(|rest| rest.strip_prefix('/'))
                .is_some_and(|path| fit.matches(path)),
        }
    }
}

/// The path that a pattern means when it means one alone.
fn plainly(glob: &str) -> Option<String> {
    let mut path = String::new();
    let mut chars = glob.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => path.push(chars.next()?),
            '*' | '?' | '[' | ']' | '{' | '}' | '!' => return None,
            char => path.push(char),
        }
    }
    (!path.is_empty()).then_some(path)
}

/// A path as a pattern that means it alone.
pub(crate) fn exactly(path: &str) -> String {
    let mut text = String::from("/");
    for char in path.chars() {
        if matches!(char, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!') {
            text.push('\\');
        }
        text.push(char);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("src/**", "src/a/b.rs", true)]
    #[case("src/**", "lib/src/a.rs", false)]
    #[case("./.env", ".env", true)]
    #[case("./.env", "sub/.env", false)]
    #[case(".env", "sub/.env", true)]
    #[case("*.pem", "keys/a.pem", true)]
    #[case("keys/", "keys/a/b", true)]
    #[case("keys/", "other/keys/a", true)]
    #[case("/keys", "other/keys/a", false)]
    #[case("secrets", "secretsandmore", false)]
    #[case("//srv/proj/a", "a", true)]
    #[case("~/proj/a", "a", false)]
    #[case("**", "anything", true)]
    fn a_path_is_matched(#[case] rule: &str, #[case] path: &str, #[case] expected: bool) {
        let pattern = PathPattern::parse(rule).unwrap();
        let whole = format!("/srv/proj/{path}");
        assert_eq!(
            pattern.matches(Some(path), &whole, Some("/home/ada"), false),
            expected,
            "{rule}"
        );
    }

    #[test]
    fn what_denies_takes_no_account_of_case() {
        let pattern = PathPattern::parse("./.env").unwrap();
        assert!(pattern.matches(Some(".ENV"), "/p/.ENV", None, true));
        assert!(!pattern.matches(Some(".ENV"), "/p/.ENV", None, false));
    }

    #[test]
    fn a_path_as_a_pattern_means_itself_alone() {
        for path in [
            "a.rs",
            "we[i]rd*{x}.rs",
            "!a",
            "#b",
            "back\\slash",
            "sp ace",
        ] {
            let text = exactly(path);
            let pattern = PathPattern::parse(&text).unwrap();
            assert!(pattern.matches(Some(path), path, None, false), "{text}");
            assert!(
                !pattern.matches(Some("weird"), "weird", None, false),
                "{text}"
            );
        }
    }
}
