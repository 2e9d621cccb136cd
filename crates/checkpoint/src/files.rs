//! The files of a snapshot: what every one of them held, and what differs between two.

use crate::Held;
use imbl::{OrdMap, ordmap::DiffItem};
use kerf_workspace::RelPath;

/// Files and links by their paths, in order of path.
///
/// Copies share what is the same. So a snapshot that differs from another in three files costs about as much as three
/// files to make, to hold and to compare, however many there are.
pub type Files = OrdMap<RelPath, Held>;

/// The files at and beneath a path.
pub(crate) fn beneath<'a>(
    files: &'a Files,
    scope: &'a RelPath,
) -> impl Iterator<Item = (&'a RelPath, &'a Held)> {
    files
        .range(scope.clone()..)
        .take_while(move |(path, _)| path.starts_with(scope))
}

/// The paths at which the two hold something else, a stamp included, with what each side holds. What both share is not
/// looked at.
pub(crate) fn differing<'a, H: PartialEq>(
    before: &'a OrdMap<RelPath, H>,
    after: &'a OrdMap<RelPath, H>,
) -> impl Iterator<Item = (&'a RelPath, Option<&'a H>, Option<&'a H>)> {
    before.diff(after).map(|item| match item {
        DiffItem::Add(path, new) => (path, None, Some(new)),
        DiffItem::Remove(path, old) => (path, Some(old), None),
        DiffItem::Update {
            old: (path, old),
            new: (_, new),
        } => (path, Some(old), Some(new)),
    })
}

/// A map of `files`, which are in order of path. It shares with `base` what is the same.
pub(crate) fn becoming<H: Clone + PartialEq>(
    base: &OrdMap<RelPath, H>,
    files: Vec<(RelPath, H)>,
) -> OrdMap<RelPath, H> {
    let mut became = base.clone();
    let mut was = base.iter().peekable();
    for (path, held) in files {
        while let Some((gone, _)) = was.next_if(|(old, _)| **old < path) {
            became.remove(gone);
        }
        let before = was.next_if(|(old, _)| **old == path);
        if before.is_none_or(|(_, before)| *before != held) {
            became.insert(path, held);
        }
    }
    for (gone, _) in was {
        became.remove(gone);
    }
    became
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{
        cell::Cell,
        collections::{BTreeMap, BTreeSet},
        rc::Rc,
    };

    type Map = BTreeMap<RelPath, Held>;

    fn path(number: u16) -> RelPath {
        format!("d{}/f{number}", number % 7).parse().unwrap()
    }

    fn held(target: u8) -> Held {
        Held::Link {
            target: format!("{target}").into(),
        }
    }

    fn maps() -> impl Strategy<Value = (Map, Map)> {
        let file = (0..300_u16, 0..3_u8).prop_map(|(number, target)| (path(number), held(target)));
        let changes = prop::collection::vec((0..300_u16, prop::option::of(0..3_u8)), 0..40);
        (
            prop::collection::btree_map(0..300_u16, 0..3_u8, 0..200),
            changes,
            prop::collection::vec(file, 0..3),
        )
            .prop_map(|(first, changes, more)| {
                let before: Map = first
                    .into_iter()
                    .map(|(number, target)| (path(number), held(target)))
                    .collect();
                let mut after = before.clone();
                for (number, target) in changes {
                    match target {
                        Some(target) => after.insert(path(number), held(target)),
                        None => after.remove(&path(number)),
                    };
                }
                after.extend(more);
                (before, after)
            })
    }

    proptest! {
        #[test]
        fn one_becomes_the_other((before, after) in maps()) {
            let first: Files = before.clone().into_iter().collect();
            let second = becoming(&first, after.clone().into_iter().collect());
            prop_assert!(first.iter().eq(&before));
            prop_assert!(second.iter().eq(&after));
            let all: BTreeSet<_> = before.keys().chain(after.keys()).collect();
            let expected: Vec<_> = all
                .into_iter()
                .map(|path| (path, before.get(path), after.get(path)))
                .filter(|(_, old, new)| old != new)
                .collect();
            prop_assert!(differing(&first, &second).eq(expected.clone()));
            // Also where they share nothing.
            let alone: Files = after.clone().into_iter().collect();
            prop_assert!(differing(&first, &alone).eq(expected));
            for scope in ["", "d3", "d3/f3", "d30"].map(|scope| if scope.is_empty() { RelPath::root() } else { scope.parse().unwrap() }) {
                let expected = after.iter().filter(|(path, _)| path.starts_with(&scope));
                prop_assert!(beneath(&second, &scope).eq(expected));
            }
        }
    }

    #[test]
    fn what_is_the_same_is_shared() {
        let files: Vec<_> = (0..3_000)
            .map(|number| (path(number), held(0)))
            .collect::<Map>()
            .into_iter()
            .collect();
        let before = becoming(&Files::default(), files.clone());
        assert!(becoming(&before, files.clone()).ptr_eq(&before));
    }

    /// Counts how often it is compared.
    #[derive(Clone, Debug)]
    struct Counted(u8, Rc<Cell<usize>>);

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            self.1.set(self.1.get() + 1);
            self.0 == other.0
        }
    }

    #[test]
    fn one_change_leaves_the_rest_shared() {
        const FILES: u16 = 3_000;
        let compared = Rc::new(Cell::new(0));
        let mut files: Vec<_> = (0..FILES)
            .map(|number| (path(number), Counted(0, Rc::clone(&compared))))
            .collect();
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        let before = becoming(&OrdMap::default(), files.clone());
        files[1_000].1.0 = 1;
        let after = becoming(&before, files.clone());
        compared.set(0);
        let found: Vec<_> = differing(&before, &after).map(|(path, ..)| path).collect();
        assert_eq!(found, [&files[1_000].0]);
        // Only what lies in the same leaf is looked at.
        let compared = compared.get();
        assert!(
            compared < usize::from(FILES) / 10,
            "{compared} were compared"
        );
    }
}
