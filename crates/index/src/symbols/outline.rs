//! The definitions of one content: what its outline is made of, and how it is stored.

use super::Kind;
use thiserror::Error;

/// The definitions of one content, in the order of their beginnings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    definitions: Vec<Definition>,
    containers: Vec<Container>,
}

/// One name that is defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) name: Box<str>,
    pub(crate) kind: Kind,
    /// The line of the name, from 1.
    pub(crate) line: u32,
    /// The column of the name in characters, from 1.
    pub(crate) column: u32,
    /// The first line of the whole definition, from 1. Comments before it are not part of it.
    pub(crate) first_line: u32,
    /// The last line of the whole definition, not less than the first.
    pub(crate) last_line: u32,
    /// The number of what encloses it, for [`Outline::container`].
    pub(crate) container: Option<u32>,
}

/// What encloses definitions: a definition of the same content, or only a name, as in `impl Parser`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) named: Named,
    /// The number of the container around it; always less than its own.
    pub(crate) parent: Option<u32>,
}

/// Where a container has its name from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// The definition with this number is the container.
    Definition(u32),
    /// Named by text; its definition is elsewhere.
    Text(Box<str>),
}

/// Stored bytes that are not an outline.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the stored outline is damaged: {0}; the index has to be rebuilt")]
pub(crate) struct DamagedOutline(&'static str);

/// Changes with every change of the format.
const FORMAT: u8 = 1;

impl Outline {
    /// How deep containers may lie in each other.
    pub(super) const MAX_DEPTH: u32 = 64;

    pub(super) fn new(definitions: Vec<Definition>, containers: Vec<Container>) -> Self {
        Self {
            definitions,
            containers,
        }
    }

    pub(crate) fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    pub(crate) fn container(&self, number: u32) -> Option<&Container> {
        self.containers.get(number as usize)
    }

    /// The names of what encloses the definition, the outermost first.
    pub(crate) fn path(&self, definition: &Definition) -> Vec<&str> {
        let mut path = Vec::new();
        let mut next = definition.container;
        while let Some(container) = next.and_then(|number| self.container(number)) {
            path.extend(self.container_name(container));
            next = container.parent;
        }
        path.reverse();
        path
    }

    /// The number of the definition that directly encloses the definition, when it is of the same content.
    #[cfg(test)]
    pub(crate) fn parent(&self, definition: &Definition) -> Option<u32> {
        match self.container(definition.container?)?.named {
            Named::Definition(number) => Some(number),
            Named::Text(_) => None,
        }
    }

    fn container_name<'a>(&'a self, container: &'a Container) -> Option<&'a str> {
        match &container.named {
            Named::Definition(number) => {
                let definition = self.definitions.get(*number as usize)?;
                Some(&definition.name)
            }
            Named::Text(name) => Some(name),
        }
    }

    /// The outline as bytes, to be stored with its content.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 + self.definitions.len() * 20);
        bytes.push(FORMAT);
        put(&mut bytes, self.definitions.len() as u32);
        let mut before = 0;
        for definition in &self.definitions {
            bytes.push(definition.kind as u8);
            put_text(&mut bytes, &definition.name);
            // Lines are near to each other, so the distances are short.
            put_distance(&mut bytes, before, definition.first_line);
            put_distance(&mut bytes, definition.first_line, definition.last_line);
            put_distance(&mut bytes, definition.first_line, definition.line);
            put(&mut bytes, definition.column);
            put_option(&mut bytes, definition.container);
            before = definition.first_line;
        }
        put(&mut bytes, self.containers.len() as u32);
        for container in &self.containers {
            put_option(&mut bytes, container.parent);
            match &container.named {
                Named::Definition(number) => put_option(&mut bytes, Some(*number)),
                Named::Text(name) => {
                    put_option(&mut bytes, None);
                    put_text(&mut bytes, name);
                }
            }
        }
        bytes
    }

    /// Reads what [`Outline::encode`] wrote. Bytes of any other origin are an error, or an outline that is safe to use.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DamagedOutline> {
        let mut bytes = Bytes(bytes);
        if bytes.byte()? != FORMAT {
            return Err(DamagedOutline("it has another format"));
        }
        let count = bytes.count()?;
        let mut definitions = Vec::with_capacity(count);
        let mut before = 0;
        for _ in 0..count {
            let kind =
                Kind::from_number(bytes.byte()?).ok_or(DamagedOutline("a kind is not known"))?;
            let name = bytes.text()?;
            let first_line = bytes.distance(before)?;
            definitions.push(Definition {
                name,
                kind,
                first_line,
                last_line: bytes.distance(first_line)?,
                line: bytes.distance(first_line)?,
                column: bytes.number()?,
                container: bytes.option()?,
            });
            before = first_line;
        }
        let count = bytes.count()?;
        let mut containers = Vec::with_capacity(count);
        let mut depths: Vec<u32> = Vec::with_capacity(count);
        for _ in 0..count {
            let parent = bytes.option()?;
            depths.push(match parent {
                None => 1,
                // A parent comes first, so that no container is inside itself.
                Some(parent) => match depths.get(parent as usize) {
                    Some(depth) if *depth < Self::MAX_DEPTH => depth + 1,
                    _ => return Err(DamagedOutline("a container has no place")),
                },
            });
            let named = match bytes.option()? {
                None => Named::Text(bytes.text()?),
                Some(number) if (number as usize) < definitions.len() => Named::Definition(number),
                Some(_) => return Err(DamagedOutline("a container is not defined")),
            };
            containers.push(Container { named, parent });
        }
        if definitions
            .iter()
            .filter_map(|definition| definition.container)
            .any(|number| number as usize >= containers.len())
        {
            return Err(DamagedOutline("a definition is in no container"));
        }
        if !bytes.0.is_empty() {
            return Err(DamagedOutline("it goes on after its end"));
        }
        Ok(Self {
            definitions,
            containers,
        })
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// The number and one more; zero is none. The largest number there is, is never a place in an outline.
fn put_option(bytes: &mut Vec<u8>, number: Option<u32>) {
    put(bytes, number.map_or(0, |number| number.saturating_add(1)));
}

/// The sign becomes the lowest bit, so that small distances are short both ways.
fn put_distance(bytes: &mut Vec<u8>, from: u32, to: u32) {
    let distance = to.wrapping_sub(from) as i32;
    put(bytes, ((distance << 1) ^ (distance >> 31)) as u32);
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put(bytes, text.len() as u32);
    bytes.extend_from_slice(text.as_bytes());
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

const CUT: DamagedOutline = DamagedOutline("its end is missing");

impl<'a> Bytes<'a> {
    fn byte(&mut self) -> Result<u8, DamagedOutline> {
        let (first, rest) = self.0.split_first().ok_or(CUT)?;
        self.0 = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u32, DamagedOutline> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0xf {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(DamagedOutline("a number is too large"))
    }

    fn option(&mut self) -> Result<Option<u32>, DamagedOutline> {
        Ok(self.number()?.checked_sub(1))
    }

    fn distance(&mut self, from: u32) -> Result<u32, DamagedOutline> {
        let number = self.number()?;
        Ok(from.wrapping_add((number >> 1) ^ (number & 1).wrapping_neg()))
    }

    /// How many items follow: each takes at least two bytes, so a lie cannot ask for much memory.
    fn count(&mut self) -> Result<usize, DamagedOutline> {
        let count = self.number()? as usize;
        if count > self.0.len() / 2 {
            return Err(CUT);
        }
        Ok(count)
    }

    fn text(&mut self) -> Result<Box<str>, DamagedOutline> {
        let len = self.number()? as usize;
        let (text, rest): (&'a [u8], _) = self.0.split_at_checked(len).ok_or(CUT)?;
        self.0 = rest;
        let text = std::str::from_utf8(text).map_err(|_| DamagedOutline("a name is not text"))?;
        Ok(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outlines() -> impl Strategy<Value = Outline> {
        let definition = (
            ".{0,6}",
            0..23_u8,
            any::<[u32; 2]>(),
            1..9_000_u32,
            0..90_u32,
            any::<prop::sample::Index>(),
        );
        let container = (
            ".{0,6}",
            any::<prop::sample::Index>(),
            any::<prop::sample::Index>(),
        );
        (
            prop::collection::vec(definition, 0..12),
            prop::collection::vec(container, 0..12),
        )
            .prop_map(|(definitions, containers)| {
                // None, or one of so many.
                let one_of = |index: prop::sample::Index, count: usize| {
                    index.index(count + 1).checked_sub(1).map(|n| n as u32)
                };
                Outline {
                    containers: (containers.into_iter().enumerate())
                        .map(|(number, (name, parent, definition))| Container {
                            named: one_of(definition, definitions.len())
                                .map_or(Named::Text(name.into()), Named::Definition),
                            parent: one_of(parent, number),
                        })
                        .collect::<Vec<_>>(),
                    definitions: definitions
                        .into_iter()
                        .map(
                            |(name, kind, [line, column], first_line, lines, _)| Definition {
                                name: name.into(),
                                kind: Kind::from_number(kind).expect("a number of a kind"),
                                line,
                                column,
                                first_line,
                                last_line: first_line + lines,
                                container: None,
                            },
                        )
                        .collect(),
                }
            })
            .prop_flat_map(|outline| {
                let count = outline.containers.len();
                let places =
                    prop::collection::vec(any::<prop::sample::Index>(), outline.definitions.len());
                (Just(outline), places).prop_map(move |(mut outline, places)| {
                    for (definition, place) in outline.definitions.iter_mut().zip(places) {
                        definition.container =
                            place.index(count + 1).checked_sub(1).map(|n| n as u32);
                    }
                    outline
                })
            })
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read_again(outline in outlines()) {
            prop_assert_eq!(Outline::decode(&outline.encode()), Ok(outline));
        }

        #[test]
        fn a_cut_outline_is_damaged(outline in outlines(), at in any::<prop::sample::Index>()) {
            let bytes = outline.encode();
            prop_assert!(Outline::decode(&bytes[..at.index(bytes.len())]).is_err());
        }

        #[test]
        fn strange_bytes_are_an_error_or_safe(bytes in prop::collection::vec(any::<u8>(), 0..200), mut stored in outlines().prop_map(|outline| outline.encode()), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
            for (at, byte) in changes {
                let at = at.index(stored.len());
                stored[at] = byte;
            }
            for bytes in [bytes, stored] {
                if let Ok(outline) = Outline::decode(&bytes) {
                    for definition in outline.definitions() {
                        outline.path(definition);
                        outline.parent(definition);
                    }
                    prop_assert_eq!(Outline::decode(&outline.encode()), Ok(outline));
                }
            }
        }
    }

    #[test]
    fn a_container_is_never_inside_itself() {
        let container = |parent| Container {
            named: Named::Text("a".into()),
            parent,
        };
        let of = |containers| Outline::new(Vec::new(), containers);
        assert_eq!(
            Outline::decode(&of(vec![container(Some(0))]).encode()),
            Err(DamagedOutline("a container has no place"))
        );
        let deep = |depth: u32| {
            of((0..depth)
                .map(|number| container(number.checked_sub(1)))
                .collect())
        };
        assert!(Outline::decode(&deep(Outline::MAX_DEPTH).encode()).is_ok());
        assert!(Outline::decode(&deep(Outline::MAX_DEPTH + 1).encode()).is_err());
    }

    #[test]
    fn a_false_count_asks_for_no_memory() {
        let mut bytes = vec![FORMAT];
        put(&mut bytes, u32::MAX);
        assert_eq!(Outline::decode(&bytes), Err(CUT));
    }
}
