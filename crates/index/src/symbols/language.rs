//! The languages whose symbols are known, and how a file's language is told.

use std::{fmt, path::Path, str::FromStr};
use thiserror::Error;

/// A language that symbols can be read from.
///
/// The number of each is stored with the index: add new ones at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Language {
    Rust,
    Python,
    TypeScript,
    Tsx,
    /// With JSX.
    JavaScript,
    Go,
    C,
    Cpp,
    Java,
    CSharp,
    Ruby,
    Php,
    Bash,
    Html,
    Css,
    Json,
    Toml,
    Yaml,
    Sql,
    Markdown,
}

/// A name that no language has.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the language `{name}` is not known; known are {}", known())]
pub(crate) struct UnknownLanguage {
    name: String,
}

struct Names {
    language: Language,
    name: &'static str,
    aliases: &'static [&'static str],
    extensions: &'static [&'static str],
    /// Whole file names, lower case.
    files: &'static [&'static str],
    /// Programs in the first line of a script, without their version.
    programs: &'static [&'static str],
}

/// In the order of the enum.
const NAMES: [Names; Language::COUNT] = [
    names(Language::Rust, "rust", &["rs"], &["rs"]).run_by(&["rust-script"]),
    names(Language::Python, "python", &["py"], &["py", "pyi", "pyw"])
        .or_named(&["sconstruct", "sconscript", "wscript"])
        .run_by(&["python", "pypy", "uv"]),
    names(
        Language::TypeScript,
        "typescript",
        &["ts"],
        &["ts", "mts", "cts"],
    )
    .run_by(&["deno", "ts-node", "tsx", "bun"]),
    names(Language::Tsx, "tsx", &[], &["tsx"]),
    names(
        Language::JavaScript,
        "javascript",
        &["js", "jsx"],
        &["js", "jsx", "mjs", "cjs"],
    )
    .or_named(&["jakefile"])
    .run_by(&["node", "nodejs"]),
    names(Language::Go, "go", &["golang"], &["go"]),
    names(Language::C, "c", &[], &["c", "h"]),
    names(
        Language::Cpp,
        "cpp",
        &["c++", "cxx", "cc"],
        &[
            "cpp", "cc", "cxx", "c++", "hpp", "hh", "hxx", "h++", "ipp", "inl", "tpp", "cu", "cuh",
            "ino",
        ],
    ),
    names(Language::Java, "java", &[], &["java"]),
    names(Language::CSharp, "csharp", &["c#", "cs"], &["cs", "csx"]),
    names(
        Language::Ruby,
        "ruby",
        &["rb"],
        &["rb", "rake", "gemspec", "ru", "podspec"],
    )
    .or_named(&[
        "rakefile",
        "gemfile",
        "vagrantfile",
        "podfile",
        "fastfile",
        "brewfile",
    ])
    .run_by(&["ruby", "jruby"]),
    names(
        Language::Php,
        "php",
        &[],
        &["php", "phtml", "php3", "php4", "php5", "phps"],
    )
    .run_by(&["php"]),
    names(
        Language::Bash,
        "bash",
        &["sh", "shell", "zsh"],
        &["sh", "bash", "zsh", "ksh", "bats", "ebuild"],
    )
    .or_named(&[
        ".bashrc",
        ".bash_profile",
        ".bash_aliases",
        ".profile",
        ".zshrc",
        ".zshenv",
        ".zprofile",
        "pkgbuild",
        ".envrc",
    ])
    .run_by(&["sh", "bash", "zsh", "dash", "ksh", "ash", "bats"]),
    names(Language::Html, "html", &["htm"], &["html", "htm", "xhtml"]),
    names(Language::Css, "css", &[], &["css"]),
    names(
        Language::Json,
        "json",
        &["jsonc"],
        &["json", "jsonc", "json5", "webmanifest", "geojson"],
    )
    .or_named(&[".babelrc", ".eslintrc", ".prettierrc", "composer.lock"]),
    names(Language::Toml, "toml", &[], &["toml"]).or_named(&[
        "cargo.lock",
        "poetry.lock",
        "uv.lock",
        "pipfile",
    ]),
    names(Language::Yaml, "yaml", &["yml"], &["yaml", "yml"])
        .or_named(&[".clang-format", ".clang-tidy"]),
    names(Language::Sql, "sql", &[], &["sql", "ddl", "pgsql"]),
    names(
        Language::Markdown,
        "markdown",
        &["md"],
        &["md", "markdown", "mdown", "mkd", "mdx"],
    ),
];

const fn names(
    language: Language,
    name: &'static str,
    aliases: &'static [&'static str],
    extensions: &'static [&'static str],
) -> Names {
    Names {
        language,
        name,
        aliases,
        extensions,
        files: &[],
        programs: &[],
    }
}

impl Names {
    const fn or_named(mut self, files: &'static [&'static str]) -> Self {
        self.files = files;
        self
    }

    const fn run_by(mut self, programs: &'static [&'static str]) -> Self {
        self.programs = programs;
        self
    }
}

impl Language {
    pub(crate) const COUNT: usize = 20;

    /// The language of a file: by its name, else by its extension, else by the program that its first line names.
    ///
    /// `head` is the beginning of the text, as much as there is at hand; empty when it is not known. A `.h` file is C
    /// unless its beginning has lines that only C++ has.
    pub(crate) fn of(path: &Path, head: &str) -> Option<Self> {
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name {
            let name = name.to_ascii_lowercase();
            if let Some(of_name) = NAMES
                .iter()
                .find(|names| names.files.contains(&name.as_str()))
            {
                return Some(of_name.language);
            }
            if let Some((stem, extension)) = name.rsplit_once('.')
                && !stem.is_empty()
            {
                let of_extension = NAMES
                    .iter()
                    .find(|names| names.extensions.contains(&extension));
                return match of_extension.map(|names| names.language) {
                    Some(Self::C) if extension == "h" && looks_like_cpp(head) => Some(Self::Cpp),
                    other => other,
                };
            }
        }
        let program = program(head)?;
        NAMES
            .iter()
            .find(|names| names.programs.contains(&program))
            .map(|names| names.language)
    }

    /// The name for the filter `lang:`, lower case. It never changes.
    pub(crate) fn name(self) -> &'static str {
        NAMES[self as usize].name
    }

    /// Its name, and the other names that the filter takes.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        let names = &NAMES[self as usize];
        std::iter::once(names.name).chain(names.aliases.iter().copied())
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        NAMES.get(usize::from(number)).map(|names| names.language)
    }

    /// All languages, in the order of their numbers.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|names| names.language)
    }

    /// Whether this build can read symbols of the language. The largest grammars come with the feature `languages-extra`.
    #[cfg(test)]
    pub(crate) fn has_grammar(self) -> bool {
        super::tables::grammar(self).is_some()
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// By name or alias, in any case.
impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(name: &str) -> Result<Self, UnknownLanguage> {
        let lower = name.to_ascii_lowercase();
        NAMES
            .iter()
            .find(|names| names.name == lower || names.aliases.contains(&lower.as_str()))
            .map(|names| names.language)
            .ok_or_else(|| UnknownLanguage {
                name: name.to_owned(),
            })
    }
}

fn known() -> String {
    NAMES.map(|names| names.name).join(", ")
}

/// The program of `#!/usr/bin/env -S python3.12 -u`: `python`.
fn program(head: &str) -> Option<&str> {
    let line = head.strip_prefix("#!")?.lines().next()?;
    let mut words = line.split_ascii_whitespace();
    let mut program = words.next()?.rsplit('/').next()?;
    if program == "env" {
        // After its options and the variables it sets.
        program = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
        program = program.rsplit('/').next()?;
    }
    Some(program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
}

/// Whether the first lines say so; a C header may hold `extern "C"` for C++ and stays C.
fn looks_like_cpp(head: &str) -> bool {
    const LINES: usize = 400;
    head.lines().take(LINES).map(str::trim_start).any(|line| {
        [
            "namespace ",
            "class ",
            "template <",
            "template<",
            "using ",
            "public:",
            "private:",
            "protected:",
        ]
        .iter()
        .any(|start| line.starts_with(start))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("a/main.rs", "", Some(Language::Rust))]
    #[case("A.PY", "", Some(Language::Python))]
    #[case("component.d.ts", "", Some(Language::TypeScript))]
    #[case("component.jsx", "", Some(Language::JavaScript))]
    #[case("Rakefile", "", Some(Language::Ruby))]
    #[case("Cargo.lock", "", Some(Language::Toml))]
    #[case("kernel.h", "#ifdef __cplusplus\nextern \"C\" {\n", Some(Language::C))]
    #[case("widget.h", "#pragma once\nnamespace ui {\n", Some(Language::Cpp))]
    #[case("configure", "#! /bin/sh\n", Some(Language::Bash))]
    #[case(
        "tool",
        "#!/usr/bin/env -S PATH=x python3.12 -u",
        Some(Language::Python)
    )]
    #[case("tool", "#!/usr/bin/env node", Some(Language::JavaScript))]
    #[case("tool", "#!", None)]
    #[case("tool", "#!/usr/bin/env", None)]
    #[case("tool", "text", None)]
    #[case("picture.png", "#!/bin/sh", None)]
    #[case(".bashrc", "", Some(Language::Bash))]
    #[case(".rs", "", None)]
    #[case("", "", None)]
    fn tells_the_language(
        #[case] path: &str,
        #[case] head: &str,
        #[case] expected: Option<Language>,
    ) {
        assert_eq!(Language::of(Path::new(path), head), expected);
    }

    #[test]
    fn every_name_and_alias_leads_to_one_language() {
        let mut seen = std::collections::HashSet::new();
        for (number, names) in NAMES.iter().enumerate() {
            assert_eq!(
                names.language as usize, number,
                "{} stands at its own number",
                names.name
            );
            for name in [names.name].iter().chain(names.aliases) {
                assert_eq!(name.to_uppercase().parse(), Ok(names.language));
                assert!(seen.insert(*name), "{name} is of two languages");
            }
            for extension in names.extensions {
                let path = format!("file.{extension}");
                assert_eq!(
                    Language::of(Path::new(&path), ""),
                    Some(names.language),
                    "{path}"
                );
            }
        }
        assert_eq!(
            "cobol"
                .parse::<Language>()
                .map_err(|error| error.to_string()[..35].to_owned()),
            Err("the language `cobol` is not known; ".to_owned())
        );
    }
}
