//! Names that say nothing.

use tidy::{
    forbid,
    source::words,
    tree::{files, rust},
};

const EMPTY: [&str; 7] = [
    "utils", "util", "helpers", "common", "manager", "misc", "mod",
];
const CODE: [&str; 6] = ["rs", "ts", "js", "mjs", "svelte", "css"];

#[test]
fn files_and_folders_say_what_is_in_them() {
    let mut wrong = Vec::new();
    for path in files() {
        let parts: Vec<&str> = path.split('/').collect();
        let Some((file, folders)) = parts.split_last() else {
            continue;
        };
        let (stem, extension) = file.split_once('.').unwrap_or((file, ""));
        let is_code = CODE.iter().any(|code| extension.ends_with(code));
        if (is_code && EMPTY.contains(&stem)) || folders.iter().any(|folder| EMPTY.contains(folder))
        {
            wrong.push(path.clone());
        }
    }
    forbid(
        wrong,
        "Name the file after what it holds; a module `x` with parts is `x.rs` and `x/`.",
    );
}

#[test]
fn modules_say_what_is_in_them() {
    let wrong = rust().iter().flat_map(|source| {
        EMPTY
            .iter()
            .flat_map(|name| {
                let module = format!("mod {name}");
                words(source.code(), &module)
                    .map(|at| source.place(at))
                    .collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    });
    forbid(wrong, "Name the module after what it holds.");
}

#[test]
fn types_are_named_after_what_they_are() {
    const ENDS: [&str; 6] = ["Manager", "Helper", "Helpers", "Util", "Utils", "Misc"];
    let mut wrong = Vec::new();
    for source in rust() {
        for kind in ["struct ", "enum ", "trait ", "type ", "union "] {
            for at in source.find(kind) {
                let rest = &source.code()[at + kind.len()..];
                let name = rest
                    .split(|char: char| !char.is_alphanumeric())
                    .next()
                    .unwrap_or_default();
                if ENDS.iter().any(|end| name.ends_with(end)) {
                    wrong.push(source.place(at));
                }
            }
        }
    }
    forbid(wrong, "Say what the type is, not that it helps or manages.");
}
