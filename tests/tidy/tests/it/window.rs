//! The window's side: who imports what, and how small the shell is. Holds as soon as the folders are there.

use tidy::{
    forbid,
    tree::{files, shipped, text},
};

/// What may be imported in one folder alone.
const IMPORTERS: &[(&str, &str)] = &[
    ("@tauri-apps/", "ui/src/backend/"),
    ("@pierre/", "ui/src/diff/"),
];

/// Path and imported names of each file of the UI.
fn imports() -> Vec<(String, usize, String)> {
    let sources = files().iter().filter(|path| {
        path.starts_with("ui/src/")
            && [".ts", ".svelte", ".js"]
                .iter()
                .any(|end| path.ends_with(end))
    });
    sources
        .flat_map(|path| {
            let text = text(path).unwrap_or_default();
            let lines: Vec<_> = text
                .lines()
                .enumerate()
                .filter(|(_, line)| line.contains("import") || line.contains(" from "))
                .filter_map(|(index, line)| {
                    let quoted = line.split(['"', '\'']).collect::<Vec<_>>();
                    (quoted.len() >= 3)
                        .then(|| (path.clone(), index + 1, quoted[quoted.len() - 2].to_owned()))
                })
                .collect();
            lines
        })
        .collect()
}

#[test]
fn each_library_has_one_importer() {
    let wrong = imports().into_iter().filter_map(|(path, line, name)| {
        let (library, folder) = IMPORTERS
            .iter()
            .find(|(library, _)| name.starts_with(library))?;
        (!path.starts_with(folder))
            .then(|| format!("{path}:{line}: {library} is for {folder} alone"))
    });
    forbid(
        wrong,
        "Go through the interface of the folder that owns the library: the UI runs in a plain browser too.",
    );
}

#[test]
fn features_do_not_import_each_other() {
    let feature = |path: &str| {
        path.split_once("features/")
            .and_then(|(_, rest)| rest.split('/').next().map(str::to_owned))
    };
    let wrong = imports().into_iter().filter_map(|(path, line, name)| {
        let own = feature(&path)?;
        let other = match feature(&name) {
            Some(other) => other,
            // From features/a/x.ts, `../b/y` is a neighbour.
            None => {
                let depth = path.split_once("features/")?.1.matches('/').count();
                let rest = name.strip_prefix(&"../".repeat(depth))?;
                let other = rest.split('/').next()?.to_owned();
                if other == ".." {
                    return None;
                }
                other
            }
        };
        (other != own).then(|| format!("{path}:{line}: {name}"))
    });
    forbid(
        wrong,
        "A feature does not know its neighbours: move what both need to state/ or components/.",
    );
}

#[test]
fn the_shell_is_thin() {
    let lines: usize = shipped()
        .filter(|source| source.path().starts_with("src-tauri/"))
        .map(|source| source.text().lines().count())
        .sum();
    assert!(
        lines < 600,
        "src-tauri/src has {lines} lines, at most 600: the shell holds no logic, the engine does"
    );
}

#[test]
fn the_content_policy_names_no_remote_host() {
    let configs = files()
        .iter()
        .filter(|path| path.starts_with("src-tauri/tauri") && path.ends_with(".json"));
    let wrong = configs.flat_map(|path| {
        let text = text(path).unwrap_or_default();
        let lines = text
            .lines()
            .filter(|line| line.to_lowercase().contains("csp"));
        lines
            .flat_map(|line| line.split([' ', ';', '"', '\'']))
            .filter(|word| {
                word.contains("://")
                    && *word != "http://ipc.localhost"
                    && *word != "http://asset.localhost"
            })
            .map(|word| format!("{path}: {word}"))
            .collect::<Vec<_>>()
    });
    forbid(wrong, "The window reaches nothing but Kerf itself.");
}

/// The words of a directive of the window's content policy.
fn policy(directive: &str) -> Vec<String> {
    let text = text("src-tauri/tauri.conf.json").unwrap_or_default();
    let line = text.lines().find(|line| line.contains("\"csp\""));
    let policy = line
        .and_then(|line| line.split('"').nth(3))
        .unwrap_or_default();
    policy
        .split(';')
        .map(|part| part.split_whitespace().map(str::to_owned).collect())
        .find(|words: &Vec<String>| words.first().is_some_and(|word| word == directive))
        .unwrap_or_default()
}

#[test]
fn the_content_policy_lets_no_foreign_code_in() {
    assert_eq!(
        policy("script-src"),
        ["script-src", "'self'", "'wasm-unsafe-eval'"],
        "scripts are files of the program: neither inline nor made from text"
    );
    assert_eq!(policy("default-src"), ["default-src", "'self'"]);
    for directive in ["object-src", "base-uri", "form-action", "frame-ancestors"] {
        assert_eq!(policy(directive), [directive, "'none'"]);
    }
    let config = text("src-tauri/tauri.conf.json").unwrap_or_default();
    assert!(
        config.contains("\"withGlobalTauri\": false"),
        "pages reach the program through ui/src/backend alone"
    );
    assert!(
        !config.contains("devUrl"),
        "the interface is inside the program; there is no development server"
    );
}

#[test]
fn pages_may_ask_for_little() {
    let files: Vec<&String> = files()
        .iter()
        .filter(|path| path.starts_with("src-tauri/capabilities/"))
        .collect();
    assert_eq!(
        files,
        ["src-tauri/capabilities/main.json"],
        "what pages may ask for is in one file"
    );
    let text = text("src-tauri/capabilities/main.json").unwrap_or_default();
    assert!(text.contains("\"local\": true"), "only own pages may ask");
    let wrong = text.lines().map(str::trim).filter(|line| {
        let reaches = [
            "fs:", "shell:", "http:", "opener:", "process:", "updater:", "sql:",
        ];
        reaches.iter().any(|plugin| line.contains(plugin))
            || line.contains(":default")
            || line.contains("\"remote\"")
            || line.contains('*') && !line.starts_with("\"windows\"")
    });
    forbid(
        wrong.map(str::to_owned),
        "The engine reads, writes and asks; a page asks the engine. List exact permissions.",
    );
}

/// The names in `id: 'a.b'` of the interface's actions.
fn actions() -> Vec<String> {
    let sources = files().iter().filter(|path| path.starts_with("ui/src/"));
    sources
        .filter_map(|path| text(path))
        .flat_map(|text| {
            text.split("id: '")
                .skip(1)
                .filter_map(|rest| rest.split('\'').next().map(str::to_owned))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn the_menu_starts_actions_that_there_are() {
    let actions = actions();
    if actions.is_empty() {
        // The interface's actions are not there yet.
        return;
    }
    let menu = text("src-tauri/src/menu.rs").unwrap_or_default();
    let named = ["Action(\"", "NotMac(\""]
        .iter()
        .flat_map(|kind| menu.split(kind).skip(1))
        .filter_map(|rest| rest.split('"').next());
    let wrong = named
        .filter(|id| !id.starts_with("shell.") && !actions.iter().any(|action| action == id))
        .map(str::to_owned);
    forbid(wrong, "The interface has no such action: mend the menu.");
}
