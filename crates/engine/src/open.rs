//! Files and links that the user opens outside of Kerf. What a file is decides nothing: it is looked at, never run.

use crate::{engine::Engine, failure::failure};
use kerf_protocol::{Code, Failure};
use std::{
    ffi::OsString,
    fs::{self, Metadata},
    path::{Path, PathBuf},
};
use url::Url;

/// Ends of names that one of the systems runs, or shows as a page, when the file is opened.
const NOT_FOR_THE_SYSTEM: &[&str] = &[
    "app", "appimage", "bat", "chm", "class", "cmd", "com", "command", "cpl", "csh", "desktop",
    "dll", "exe", "fish", "hta", "htm", "html", "inf", "jar", "js", "jse", "kdelnk", "ksh", "lnk",
    "mht", "mhtml", "msc", "msi", "msp", "pif", "pkg", "pl", "ps1", "psm1", "py", "pyc", "pyw",
    "rb", "reg", "run", "scf", "scpt", "scr", "sh", "svg", "terminal", "tool", "url", "vb", "vbe",
    "vbs", "webloc", "workflow", "wsf", "wsh", "xhtml", "xht", "zsh",
];
/// Those arguments of a start in `folder` that are folders, whole and without links.
#[must_use]
pub fn folders_among(arguments: impl IntoIterator<Item = PathBuf>, folder: &Path) -> Vec<String> {
    arguments
        .into_iter()
        .map(|argument| folder.join(argument))
        .filter(|path| path.is_dir())
        .filter_map(|path| {
            path.canonicalize()
                .ok()?
                .into_os_string()
                .into_string()
                .ok()
        })
        .collect()
}

/// How a file is opened.
#[derive(Debug, PartialEq, Eq)]
pub enum Opened {
    /// The user's editor has it.
    InEditor,
    /// No editor is set: this file, which the system does not run, is for what the system shows it with.
    BySystem(String),
}

/// The program that looks at text, where a system has one for sure.
pub const VIEWER: Option<&str> = if cfg!(target_os = "macos") {
    Some("TextEdit")
} else if cfg!(windows) {
    Some("notepad.exe")
} else {
    None
};

impl Engine {
    /// Opens a file of a folder in the editor that the settings name.
    ///
    /// # Errors
    /// When it is no file of the folder, when the editor does not start, and, where no editor is set, when opening
    /// it might run it.
    pub async fn open_file(&self, folder: &str, path: &str, line: u32) -> Result<Opened, Failure> {
        let (folder, file) = beneath(Path::new(folder), path)?;
        let editor = self.settings_show()?.editor;
        if let Some((program, arguments)) = command(&editor, &file, line) {
            self.launch(&program, &arguments, &folder)?;
            return Ok(Opened::InEditor);
        }
        let metadata = fs::metadata(&file).map_err(|error| gone(path, &error))?;
        if is_launched(&file, &metadata) {
            return Err(failure(
                Code::Denied,
                format!("{path} is a file that the system might run"),
                "Set the command of your editor in the settings",
            ));
        }
        Ok(Opened::BySystem(file.to_string_lossy().into_owned()))
    }
}

/// The address, if it is one for a browser or a mail program: other schemes start whatever has claimed them.
///
/// # Errors
/// When it is not.
pub fn allowed_link(url: &str) -> Result<Url, Failure> {
    Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https" | "mailto"))
        .ok_or_else(|| {
            failure(
                Code::Denied,
                format!("Kerf does not open the link {url}"),
                "",
            )
        })
}

/// Whether an address is of the window's own pages.
pub fn is_own_page(url: &Url) -> bool {
    if cfg!(windows) {
        matches!(url.scheme(), "http" | "https") && url.host_str() == Some("tauri.localhost")
    } else {
        url.scheme() == "tauri" && url.host_str() == Some("localhost")
    }
}

fn gone(path: &str, error: &std::io::Error) -> Failure {
    failure(
        Code::NotFound,
        format!("{path} cannot be opened: {error}"),
        "",
    )
}

/// The folder and a file in it, both without links.
fn beneath(folder: &Path, path: &str) -> Result<(PathBuf, PathBuf), Failure> {
    let real = |at: &Path| at.canonicalize().map_err(|error| gone(path, &error));
    let folder = real(folder)?;
    let file = real(&folder.join(path))?;
    if file.starts_with(&folder) && file.is_file() {
        Ok((folder, file))
    } else {
        Err(failure(
            Code::Denied,
            format!("{path} is no file of this project"),
            "",
        ))
    }
}

/// The words of an editor's command with the file in its place; none when there is no command.
/// Words are separated by spaces; quotes keep them together. There is no shell.
fn command(editor: &str, file: &Path, line: u32) -> Option<(OsString, Vec<OsString>)> {
    let mut words = Vec::new();
    let (mut word, mut quote) = (None::<String>, None);
    for char in editor.chars() {
        match (quote, char) {
            (Some(open), _) if char == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None, _) if char.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    let path = file.to_string_lossy();
    if !words.iter().any(|word| word.contains("{path}")) {
        words.push("{path}".to_owned());
    }
    let mut words = words.into_iter().map(|word| {
        // The path last: what it is called is not read again.
        OsString::from(
            word.replace("{line}", &line.to_string())
                .replace("{path}", &path),
        )
    });
    let program = words.next()?;
    let arguments: Vec<_> = words.collect();
    // A command that is the path alone would run the file.
    (!arguments.is_empty() && !editor.trim_start().starts_with("{path}"))
        .then_some((program, arguments))
}

/// Whether opening the file might run it.
fn is_launched(file: &Path, metadata: &Metadata) -> bool {
    let end = file.extension().unwrap_or_default().to_string_lossy();
    NOT_FOR_THE_SYSTEM.contains(&end.to_ascii_lowercase().as_str()) || is_executable(metadata)
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_metadata: &Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("code -g {path}:{line}", &["code", "-g", "/p/a b.rs:7"])]
    #[case("\"/opt/My Editor/edit\" '+{line}' {path}", &["/opt/My Editor/edit", "+7", "/p/a b.rs"])]
    #[case("kate", &["kate", "/p/a b.rs"])]
    #[case("e $(rm) ; {path}", &["e", "$(rm)", ";", "/p/a b.rs"])]
    #[case("e ''", &["e", "", "/p/a b.rs"])]
    #[case("", &[])]
    #[case("{path}", &[])]
    #[case("{path} x", &[])]
    fn an_editor_s_command_is_words(#[case] editor: &str, #[case] expected: &[&str]) {
        let words: Vec<OsString> = command(editor, Path::new("/p/a b.rs"), 7)
            .map(|(program, arguments)| [vec![program], arguments].concat())
            .unwrap_or_default();
        assert_eq!(words, expected);
    }

    #[test]
    fn files_are_beneath_their_folder() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("project");
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join("src/a.rs"), "").unwrap();
        fs::write(place.path().join("secret"), "").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(place.path().join("secret"), folder.join("link")).unwrap();
        assert!(beneath(&folder, "src/a.rs").is_ok());
        let outside = place.path().join("secret").to_string_lossy().into_owned();
        for path in [
            "../secret",
            "src/../../secret",
            "link",
            "src",
            "gone",
            "",
            &outside,
        ] {
            assert!(
                beneath(&folder, path).is_err(),
                "{path:?} is not a file of the project"
            );
        }
    }

    #[test]
    fn what_the_system_would_run_is_not_opened() {
        let place = tempfile::tempdir().unwrap();
        let launched = |name: &str| {
            let path = place.path().join(name);
            fs::write(&path, "").unwrap();
            is_launched(&path, &fs::metadata(&path).unwrap())
        };
        for name in ["a.desktop", "a.EXE", "a.command", "a.html", "a.py"] {
            assert!(launched(name), "{name} might run");
        }
        for name in ["a.rs", "a.txt", "Makefile"] {
            assert!(!launched(name), "{name} is text");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let path = place.path().join("tool");
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            assert!(
                is_launched(&path, &fs::metadata(&path).unwrap()),
                "it may be executed"
            );
        }
    }

    #[test]
    fn folders_are_found_among_arguments() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("a")).unwrap();
        fs::write(place.path().join("file"), "").unwrap();
        let words = ["--flag", "a", "file", "gone"].map(PathBuf::from);
        let found = folders_among(words, place.path());
        assert!(
            found.len() == 1 && found[0].ends_with('a'),
            "only `a` is a folder: {found:?}"
        );
    }

    #[test]
    fn only_links_for_browsers_and_mail_are_opened() {
        for url in [
            "https://example.org/a?b#c",
            "http://127.0.0.1:8080",
            "mailto:a@b.example",
        ] {
            assert!(allowed_link(url).is_ok(), "{url} is a link");
        }
        for url in [
            "file:///etc/passwd",
            "smb://host/share",
            "javascript:alert(1)",
            "vscode://x",
            "ms-msdt:/id",
            "/etc/passwd",
            "-e",
            "",
        ] {
            assert!(allowed_link(url).is_err(), "{url} would start something");
        }
    }

    #[test]
    fn only_own_pages_are_loaded() {
        let own = ["tauri://localhost/x", "http://tauri.localhost/x"][usize::from(cfg!(windows))];
        assert!(
            is_own_page(&own.parse().unwrap()),
            "{own} is the page itself"
        );
        let foreign = "https://example.org/ tauri://elsewhere/ file:///x data:text/html,x about:blank \
            javascript:alert(1) http://tauri.localhost.example.org/ http://localhost/";
        for url in foreign.split_whitespace() {
            assert!(
                !is_own_page(&url.parse().unwrap()),
                "{url} is not this program"
            );
        }
    }
}
