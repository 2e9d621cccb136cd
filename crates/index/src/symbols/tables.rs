//! The tables of all languages, and the few rules that a table cannot say.

mod c;
#[cfg(feature = "languages-extra")]
mod csharp;
mod data;
mod go;
mod java;
mod javascript;
mod markdown;
#[cfg(feature = "languages-extra")]
mod php;
mod python;
#[cfg(feature = "languages-extra")]
mod ruby;
mod rust;
mod shell;
#[cfg(feature = "languages-extra")]
mod sql;
mod web;

use super::{Language, grammar::Grammar};

/// The grammar of a language, if this build has it.
pub(super) fn grammar(language: Language) -> Option<&'static Grammar> {
    Some(match language {
        Language::Rust => &rust::RUST,
        Language::Python => &python::PYTHON,
        Language::TypeScript => &javascript::TYPESCRIPT,
        Language::Tsx => &javascript::TSX,
        Language::JavaScript => &javascript::JAVASCRIPT,
        Language::Go => &go::GO,
        Language::C => &c::C,
        Language::Java => &java::JAVA,
        Language::Bash => &shell::BASH,
        Language::Html => &web::HTML,
        Language::Css => &web::CSS,
        Language::Json => &data::JSON,
        Language::Toml => &data::TOML,
        Language::Yaml => &data::YAML,
        Language::Markdown => &markdown::MARKDOWN,
        #[cfg(feature = "languages-extra")]
        Language::Cpp => &c::CPP,
        #[cfg(feature = "languages-extra")]
        Language::CSharp => &csharp::CSHARP,
        #[cfg(feature = "languages-extra")]
        Language::Ruby => &ruby::RUBY,
        #[cfg(feature = "languages-extra")]
        Language::Php => &php::PHP,
        #[cfg(feature = "languages-extra")]
        Language::Sql => &sql::SQL,
        #[cfg(not(feature = "languages-extra"))]
        Language::Cpp | Language::CSharp | Language::Ruby | Language::Php | Language::Sql => {
            return None;
        }
    })
}
