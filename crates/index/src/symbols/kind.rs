//! What a definition defines, as a closed list for the filter `kind:`.

use std::{fmt, str::FromStr};
use thiserror::Error;

/// What a definition defines.
///
/// The number of each is stored with the index: add new ones at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Kind {
    Function,
    /// A function of a type, constructors and destructors too.
    Method,
    /// A function that is declared without its body: in a C header, an overload in TypeScript.
    Prototype,
    /// A union too.
    Struct,
    /// A record too.
    Class,
    Enum,
    /// One value of an enum.
    Variant,
    /// A trait of Rust or PHP.
    Trait,
    Interface,
    /// A name for another type.
    Type,
    Constant,
    /// A variable outside of functions.
    Variable,
    Field,
    /// A property of C#, an attribute of Ruby, a custom property of CSS.
    Property,
    Macro,
    /// A namespace too.
    Module,
    Heading,
    /// A key of a data file.
    Key,
    /// A class or an animation in CSS.
    Selector,
    /// An id of an HTML element, or its selector in CSS.
    Id,
    Table,
    View,
    /// An index or a trigger of a database.
    Index,
}

/// A name that no kind has.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the kind `{name}` is not known; known are {}", known())]
pub(crate) struct UnknownKind {
    name: String,
}

/// In the order of the enum.
const NAMES: [(Kind, &str); 23] = [
    (Kind::Function, "function"),
    (Kind::Method, "method"),
    (Kind::Prototype, "prototype"),
    (Kind::Struct, "struct"),
    (Kind::Class, "class"),
    (Kind::Enum, "enum"),
    (Kind::Variant, "variant"),
    (Kind::Trait, "trait"),
    (Kind::Interface, "interface"),
    (Kind::Type, "type"),
    (Kind::Constant, "constant"),
    (Kind::Variable, "variable"),
    (Kind::Field, "field"),
    (Kind::Property, "property"),
    (Kind::Macro, "macro"),
    (Kind::Module, "module"),
    (Kind::Heading, "heading"),
    (Kind::Key, "key"),
    (Kind::Selector, "selector"),
    (Kind::Id, "id"),
    (Kind::Table, "table"),
    (Kind::View, "view"),
    (Kind::Index, "index"),
];

impl Kind {
    /// The name for the filter `kind:`. It never changes.
    pub(crate) fn name(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// All kinds, in the order of their numbers.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(kind, _)| *kind)
    }

    pub(super) fn from_number(number: u8) -> Option<Self> {
        NAMES.get(usize::from(number)).map(|(kind, _)| *kind)
    }

    /// Whether what is defined directly inside are its members.
    pub(super) fn has_members(self) -> bool {
        matches!(
            self,
            Self::Struct | Self::Class | Self::Enum | Self::Trait | Self::Interface | Self::Type
        )
    }

    /// Whether variables inside are its own and not defined for others.
    pub(super) fn has_locals(self) -> bool {
        matches!(self, Self::Function | Self::Method | Self::Macro)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        let lower = name.to_ascii_lowercase();
        Self::all()
            .find(|kind| kind.name() == lower)
            .ok_or_else(|| UnknownKind {
                name: name.to_owned(),
            })
    }
}

fn known() -> String {
    NAMES.map(|(_, name)| name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_number_and_its_name() {
        for (number, kind) in Kind::all().enumerate() {
            assert_eq!(kind as usize, number);
            assert_eq!(Kind::from_number(number as u8), Some(kind));
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!(Kind::from_number(NAMES.len() as u8), None);
        assert!(
            "lambda"
                .parse::<Kind>()
                .is_err_and(|error| error.to_string().contains("function, method"))
        );
    }
}
