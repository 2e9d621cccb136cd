//! From what a walk has gathered to what is handed on.

use super::{Place, Walk};
use crate::symbols::{Outline, Parsed, Reference};

impl<'t> Walk<'t> {
    pub(super) fn finish(mut self) -> Parsed<'t> {
        self.close_headings(0, self.text.lines().count() as u32);
        // Where a name has several marks, none at all is the strongest.
        self.marks.sort_unstable();
        self.marks.dedup_by_key(|(byte, _)| *byte);
        if !self.names.is_sorted_by_key(|(_, place, _)| place.byte) {
            self.names.sort_by_key(|(_, place, _)| place.byte);
        }
        let mut columns = Columns::new(self.text);
        let mut marks = self.marks.into_iter().peekable();
        let mut references = Vec::with_capacity(self.names.len());
        for (name, place, role) in self.names {
            while marks.next_if(|(byte, _)| *byte < place.byte).is_some() {}
            let mark = marks.peek().filter(|(byte, _)| *byte == place.byte);
            let Some(role) = mark.map_or(Some(role), |(_, role)| *role) else {
                continue;
            };
            references.push(Reference {
                name,
                role,
                line: place.row + 1,
                column: columns.of(place),
            });
        }
        let mut columns = Columns::new(self.text);
        let mut order: Vec<usize> = (0..self.definitions.len()).collect();
        order.sort_by_key(|number| self.definitions[*number].1.byte);
        for number in order {
            let (definition, place) = &mut self.definitions[number];
            definition.column = columns.of(*place);
        }
        let definitions = self
            .definitions
            .into_iter()
            .map(|(definition, _)| definition);
        Parsed {
            outline: Outline::new(definitions.collect(), self.containers),
            references,
            comments: self.comments,
            truncated: self.truncated,
        }
    }
}

/// Counts characters of lines, each byte once, for places that come in their order.
struct Columns<'t> {
    text: &'t [u8],
    ascii: bool,
    line: usize,
    at: usize,
    characters: u32,
}

impl<'t> Columns<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text: text.as_bytes(),
            ascii: text.is_ascii(),
            line: 0,
            at: 0,
            characters: 0,
        }
    }

    fn of(&mut self, place: Place) -> u32 {
        if self.ascii {
            return place.column + 1;
        }
        let byte = place.byte as usize;
        let line = byte.saturating_sub(place.column as usize);
        if line != self.line || byte < self.at {
            (self.line, self.at, self.characters) = (line, line, 0);
        }
        let passed = self.text.get(self.at..byte).unwrap_or_default();
        self.characters += passed.iter().filter(|byte| (**byte & 0xc0) != 0x80).count() as u32;
        self.at = byte;
        self.characters + 1
    }
}
