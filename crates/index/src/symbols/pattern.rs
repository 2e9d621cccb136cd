//! A symbol's name as a person or a model types it: `parse`, `Parser::parse`, `Parser.parse`, `Parser#parse`.

use super::{Definition, Outline};

/// Which definitions are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SymbolPattern {
    whole: Box<str>,
    /// The names around it, the outermost first.
    containers: Vec<Box<str>>,
    name: Box<str>,
}

impl SymbolPattern {
    /// Any text is a pattern; one that is empty matches nothing.
    pub(crate) fn new(text: &str) -> Self {
        let whole = text.trim();
        // Calls are often typed with their brackets.
        let mut parts: Vec<Box<str>> = whole
            .strip_suffix("()")
            .unwrap_or(whole)
            .split("::")
            .flat_map(|part| part.split("->"))
            .flat_map(|part| part.split(['.', '#', '\\']))
            .filter(|part| !part.is_empty())
            .map(Into::into)
            .collect();
        let name = parts.pop().unwrap_or_default();
        Self {
            whole: whole.into(),
            containers: parts,
            name,
        }
    }

    /// The name that is looked for in the index: a definition that matches has this name or [`SymbolPattern::whole`].
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The whole text, since names of headings and keys hold dots too.
    pub(crate) fn whole(&self) -> &str {
        &self.whole
    }

    /// Whether the definition has the name, and the names around it come in this order in what encloses it. Others may
    /// lie between: `engine::parse` is also `parse` in `engine::Parser`. Upper and lower case differ.
    pub(crate) fn matches(&self, outline: &Outline, definition: &Definition) -> bool {
        if definition.name.is_empty() {
            return false;
        }
        if definition.name == self.whole {
            return true;
        }
        if definition.name != self.name {
            return false;
        }
        let mut around = outline.path(definition).into_iter();
        self.containers
            .iter()
            .all(|wanted| around.any(|name| name == &**wanted))
    }

    /// Whether the names around the definition are those of the pattern, whatever its own name; upper and lower case
    /// are the same.
    pub(crate) fn is_inside(&self, outline: &Outline, definition: &Definition) -> bool {
        if self.containers.is_empty() {
            return true;
        }
        let mut around = outline.path(definition).into_iter();
        self.containers.iter().all(|wanted| {
            let wanted = wanted.to_lowercase();
            around.any(|name| name.to_lowercase() == wanted)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Kind,
        outline::{Container, Named},
    };
    use super::*;

    /// An outline with one definition: the last name of the path, inside the others.
    fn outline(path: &[&str]) -> Outline {
        let (name, around) = path.split_last().expect("a path has a name");
        let containers = (0..).zip(around).map(|(number, name): (u32, _)| Container {
            named: Named::Text((*name).into()),
            parent: number.checked_sub(1),
        });
        let definition = Definition {
            name: (*name).into(),
            kind: Kind::Method,
            line: 1,
            column: 1,
            first_line: 1,
            last_line: 1,
            container: (around.len() as u32).checked_sub(1),
        };
        Outline::new(vec![definition], containers.collect())
    }

    #[rstest::rstest]
    #[case("parse", &["parse"], true)]
    #[case("parse", &["Parser", "parse"], true)]
    #[case(" parse() ", &["Parser", "parse"], true)]
    #[case("Parser::parse", &["Parser", "parse"], true)]
    #[case("Parser.parse", &["Parser", "parse"], true)]
    #[case("Parser#parse", &["Parser", "parse"], true)]
    #[case("Parser->parse()", &["Parser", "parse"], true)]
    #[case(r"App\Parser::parse", &["App", "Parser", "parse"], true)]
    #[case("::parse", &["Parser", "parse"], true)]
    #[case("Parser::parse", &["engine", "Parser", "parse"], true)]
    #[case("engine::parse", &["engine", "Parser", "parse"], true)]
    #[case("Parser::engine::parse", &["engine", "Parser", "parse"], false)]
    #[case("Parser::parse", &["parse"], false)]
    #[case("Parser::parse", &["parse", "Parser"], false)]
    #[case("Parser", &["Parser", "parse"], false)]
    #[case("Parse", &["parse"], false)]
    #[case("pars", &["parse"], false)]
    #[case("1.2 Names", &["1.2 Names"], true)]
    #[case("", &["parse"], false)]
    #[case("::", &["parse"], false)]
    #[case("", &[""], false)]
    fn matches_by_name_and_what_is_around(
        #[case] pattern: &str,
        #[case] path: &[&str],
        #[case] expected: bool,
    ) {
        let outline = outline(path);
        let pattern = SymbolPattern::new(pattern);
        assert_eq!(
            pattern.matches(&outline, &outline.definitions()[0]),
            expected
        );
    }
}
