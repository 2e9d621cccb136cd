//! Folders as text: one marker line a file, then its content. The same format makes a folder and shows one.
//!
//! ```text
//! //- /src/main.rs
//! fn main() {}
//! //- /run.sh mode=755
//! echo
//! //- /dos.txt crlf
//! every line of this file ends with CR LF
//! //- /last-line.txt no_eol
//! no line end after this
//! //- /a-link link=src/main.rs
//! //- /empty-folder/
//! //- /binary base64
//! AAEC
//! ```
//!
//! A path may hold spaces; other odd characters are escaped as [`RelPath`] shows them (`\n`, `\xFF`).
//! A text without any marker is an error, so that a forgotten marker does not become an empty folder.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kerf_workspace::RelPath;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// What a path holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A regular file.
    File {
        /// Its content.
        bytes: Vec<u8>,
        /// Its permission bits; 0o644 is not written in the text.
        mode: u32,
    },
    /// A symbolic link.
    Link {
        /// Where it points, as written in it.
        target: PathBuf,
    },
    /// A folder with nothing in it.
    Dir,
}

/// A tree: every file and link, and the folders that are empty.
pub type Tree = BTreeMap<RelPath, Node>;

/// Reads a tree from its text. An empty text is an empty tree.
///
/// # Panics
/// When the text is not in the format; the message shows the line.
#[must_use]
pub fn parse(text: &str) -> Tree {
    let mut tree = Tree::new();
    let mut marker = None;
    let mut body = String::new();
    for line in text.split_inclusive('\n') {
        if let Some(next) = line.strip_prefix("//- /") {
            finish(
                &mut tree,
                marker.replace(next.trim_end_matches(['\n', '\r'])),
                &body,
            );
            body.clear();
        } else {
            assert!(
                marker.is_some() || line.trim().is_empty(),
                "{line:?} stands before the first `//- /path` line"
            );
            body.push_str(line);
        }
    }
    finish(&mut tree, marker, &body);
    tree
}

fn finish(tree: &mut Tree, marker: Option<&str>, body: &str) {
    let Some(marker) = marker else { return };
    let mut path = marker;
    let (mut mode, mut crlf, mut no_eol, mut base64, mut link) = (0o644, false, false, false, None);
    while let Some((rest, word)) = path.rsplit_once(' ') {
        match word.split_once('=') {
            None if word == "crlf" => crlf = true,
            None if word == "no_eol" => no_eol = true,
            None if word == "base64" => base64 = true,
            Some(("mode", octal)) => {
                mode = u32::from_str_radix(octal, 8)
                    .unwrap_or_else(|_| panic!("`{word}`: the mode is octal, as 755"));
            }
            Some(("link", target)) => link = Some(PathBuf::from(target)),
            _ => break,
        }
        path = rest.trim_end();
    }
    let node = if let Some(target) = link {
        assert!(body.trim().is_empty(), "the link `{path}` has content");
        Node::Link { target }
    } else if path.ends_with('/') {
        assert!(body.trim().is_empty(), "the folder `{path}` has content");
        Node::Dir
    } else {
        Node::File {
            bytes: content(path, body, crlf, no_eol, base64),
            mode,
        }
    };
    let path = path.trim_end_matches('/');
    let key: RelPath = path
        .parse()
        .unwrap_or_else(|error| panic!("`{path}` is no path for a fixture: {error}"));
    assert!(
        tree.insert(key, node).is_none(),
        "`{path}` stands twice in the fixture"
    );
}

fn content(path: &str, body: &str, crlf: bool, no_eol: bool, base64: bool) -> Vec<u8> {
    if base64 {
        let packed: String = body.split_whitespace().collect();
        return STANDARD
            .decode(packed)
            .unwrap_or_else(|error| panic!("`{path}` is not base64: {error}"));
    }
    let body = if no_eol {
        body.strip_suffix('\n').unwrap_or(body)
    } else {
        body
    };
    if crlf {
        body.replace('\n', "\r\n").into_bytes()
    } else {
        body.as_bytes().to_vec()
    }
}

/// Shows a tree as text, by path. What would not survive as text is shown in base64.
#[must_use]
pub fn render(tree: &Tree) -> String {
    let mut text = String::new();
    for (path, node) in tree {
        let (options, body) = match node {
            Node::Dir => ("/".to_owned(), String::new()),
            Node::Link { target } => (format!(" link={}", target.display()), String::new()),
            Node::File { bytes, mode } => {
                let mut options = if *mode == 0o644 {
                    String::new()
                } else {
                    format!(" mode={mode:o}")
                };
                let body = file_body(bytes, &mut options);
                (options, body)
            }
        };
        // Writing to a string does not fail.
        let _written = writeln!(text, "//- /{path}{options}");
        text.push_str(&body);
    }
    text
}

fn file_body(bytes: &[u8], options: &mut String) -> String {
    let as_text = std::str::from_utf8(bytes).ok().and_then(|text| {
        let crlf = text.contains('\r') && text.matches('\r').count() == text.matches('\n').count();
        let plain = if crlf {
            text.replace("\r\n", "\n")
        } else {
            text.to_owned()
        };
        let odd = plain
            .chars()
            .any(|c| (c.is_control() && c != '\n' && c != '\t') || c == '\u{feff}');
        let like_marker = plain.lines().any(|line| line.starts_with("//- /"));
        (!odd && !like_marker).then_some((plain, crlf))
    });
    let Some((mut plain, crlf)) = as_text else {
        options.push_str(" base64");
        return STANDARD.encode(bytes) + "\n";
    };
    if crlf {
        options.push_str(" crlf");
    }
    if !plain.is_empty() && !plain.ends_with('\n') {
        options.push_str(" no_eol");
        plain.push('\n');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_and_tree_are_the_same() {
        let text = "//- /a b/c.txt\none\n\n//- /bin base64\nAAEC\n//- /d.txt crlf no_eol\nx\ny\n//- /e/\n//- /empty\n\
                    //- /l link=../a b\n//- /run mode=755\nrun\n//- /x\\n\ny\n";
        // A link's target with a space is the one thing that the marker line cannot say.
        let text = text.replace("../a b", "../ab");
        let tree = parse(&text);
        assert_eq!(render(&tree), text);
        let crlf: RelPath = "d.txt".parse().expect("a path");
        assert_eq!(
            tree[&crlf],
            Node::File {
                bytes: b"x\r\ny".to_vec(),
                mode: 0o644
            }
        );
    }

    proptest! {
        #[test]
        fn any_content_survives(bytes in proptest::collection::vec(any::<u8>(), 0..40), text in "[ab\r\n\t/ -]{0,20}") {
            for bytes in [bytes, text.into_bytes()] {
                let path: RelPath = "f".parse().expect("a path");
                let tree = Tree::from([(path, Node::File { bytes, mode: 0o644 })]);
                prop_assert_eq!(parse(&render(&tree)), tree);
            }
        }
    }
}
