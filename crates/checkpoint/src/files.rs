//! The files of a snapshot.
//!
//! A map from paths to what they hold, in blocks of some hundred files. Copies share the blocks that are the same. So a
//! snapshot that differs from another in three files costs three blocks to make, to hold and to compare, however many
//! files there are.

use crate::Held;
use kerf_workspace::RelPath;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{collections::BTreeMap, fmt, mem, ops, sync::Arc};

/// A block is made with so many files, and split in two when it has twice as many.
const BLOCK: usize = 256;

type Block = Vec<(RelPath, Held)>;

/// Files and links by their paths, in order of path. A clone costs a pointer for each some hundred files.
#[derive(Clone, Default)]
pub struct Files {
    /// None is empty, and each is behind the one before.
    blocks: Vec<Arc<Block>>,
    len: usize,
}

/// Where a path is, or would be: its block and its place in that.
type Place = (usize, usize);

impl Files {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn place(&self, path: &RelPath) -> Result<Place, Place> {
        let behind = self.blocks.partition_point(|block| block[0].0 <= *path);
        let Some(at) = behind.checked_sub(1) else {
            return Err((0, 0));
        };
        match self.blocks[at].binary_search_by(|(other, _)| other.cmp(path)) {
            Ok(within) => Ok((at, within)),
            Err(within) => Err((at, within)),
        }
    }

    /// What a path holds.
    pub fn get(&self, path: &RelPath) -> Option<&Held> {
        let (block, within) = self.place(path).ok()?;
        Some(&self.blocks[block][within].1)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, path: &RelPath) -> Option<&mut Held> {
        let (block, within) = self.place(path).ok()?;
        Some(&mut Arc::make_mut(&mut self.blocks[block])[within].1)
    }

    /// Whether there is such a file.
    pub fn contains_key(&self, path: &RelPath) -> bool {
        self.place(path).is_ok()
    }

    /// All of them.
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            blocks: &self.blocks,
            within: 0,
        }
    }

    /// Those from `path` on.
    pub fn starting_at(&self, path: &RelPath) -> Iter<'_> {
        let (block, within) = self.place(path).unwrap_or_else(|place| place);
        let mut iter = Iter {
            blocks: &self.blocks[block..],
            within,
        };
        iter.settle();
        iter
    }

    /// Their paths.
    pub fn keys(&self) -> impl Iterator<Item = &RelPath> {
        self.iter().map(|(path, _)| path)
    }

    /// What they hold.
    pub fn values(&self) -> impl Iterator<Item = &Held> {
        self.iter().map(|(_, held)| held)
    }

    /// Puts a file in, and returns what was there before.
    pub fn insert(&mut self, path: RelPath, held: Held) -> Option<Held> {
        let (at, within) = match self.place(&path) {
            Ok((block, within)) => {
                let block = Arc::make_mut(&mut self.blocks[block]);
                return Some(mem::replace(&mut block[within].1, held));
            }
            Err(place) => place,
        };
        self.len += 1;
        let Some(block) = self.blocks.get_mut(at) else {
            self.blocks.push(Arc::new(vec![(path, held)]));
            return None;
        };
        let block = Arc::make_mut(block);
        block.insert(within, (path, held));
        if block.len() > 2 * BLOCK {
            let rest = block.split_off(BLOCK);
            self.blocks.insert(at + 1, Arc::new(rest));
        }
        None
    }

    /// Takes a file out, and returns what it held.
    pub fn remove(&mut self, path: &RelPath) -> Option<Held> {
        let (at, within) = self.place(path).ok()?;
        let block = Arc::make_mut(&mut self.blocks[at]);
        let (_, held) = block.remove(within);
        if block.is_empty() {
            self.blocks.remove(at);
        }
        self.len -= 1;
        Some(held)
    }

    /// The paths at which `after` holds something else, a stamp included, with what each side holds. What both share is
    /// not looked at.
    pub(crate) fn differing<'a>(&'a self, after: &'a Self) -> impl Iterator<Item = Pair<'a>> {
        let mut sides = Sides {
            before: self.iter(),
            after: after.iter(),
        };
        std::iter::from_fn(move || {
            loop {
                let pair = sides.next()?;
                if pair.1 != pair.2 {
                    return Some(pair);
                }
            }
        })
    }
}

/// A path with what it holds on either side.
type Pair<'a> = (&'a RelPath, Option<&'a Held>, Option<&'a Held>);

/// Two of them, gone through beside each other.
struct Sides<'a> {
    before: Iter<'a>,
    after: Iter<'a>,
}

impl<'a> Sides<'a> {
    fn next(&mut self) -> Option<Pair<'a>> {
        self.skip_shared();
        // The lesser path is on one side only; equal ones are a pair.
        let order = match (self.before.peek(), self.after.peek()) {
            (Some((before, _)), Some((after, _))) => before.cmp(after),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return None,
        };
        let before = if order.is_le() {
            self.before.next()
        } else {
            None
        };
        let after = if order.is_ge() {
            self.after.next()
        } else {
            None
        };
        let (path, _) = before.or(after)?;
        Some((
            path,
            before.map(|(_, held)| held),
            after.map(|(_, held)| held),
        ))
    }

    fn skip_shared(&mut self) {
        while self.before.within == 0
            && self.after.within == 0
            && let (Some((before, befores)), Some((after, afters))) = (
                self.before.blocks.split_first(),
                self.after.blocks.split_first(),
            )
            && Arc::ptr_eq(before, after)
        {
            self.before.blocks = befores;
            self.after.blocks = afters;
        }
    }
}

/// Goes through files in order of path.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    /// What is left; `within` is a place in the first.
    blocks: &'a [Arc<Block>],
    within: usize,
}

impl<'a> Iter<'a> {
    fn peek(&self) -> Option<(&'a RelPath, &'a Held)> {
        let (path, held) = self.blocks.first()?.get(self.within)?;
        Some((path, held))
    }

    /// Behind the last of a block is the first of the next.
    fn settle(&mut self) {
        if let Some((first, rest)) = self.blocks.split_first()
            && self.within >= first.len()
        {
            self.blocks = rest;
            self.within = 0;
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a RelPath, &'a Held);

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.peek()?;
        self.within += 1;
        self.settle();
        Some(next)
    }
}

impl<'a> IntoIterator for &'a Files {
    type Item = (&'a RelPath, &'a Held);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl FromIterator<(RelPath, Held)> for Files {
    /// Of two with one path the later counts.
    fn from_iter<T: IntoIterator<Item = (RelPath, Held)>>(files: T) -> Self {
        let mut files: Vec<_> = files.into_iter().collect();
        if !files.is_sorted_by(|(a, _), (b, _)| a < b) {
            let sorted: BTreeMap<RelPath, Held> = files.into_iter().collect();
            files = sorted.into_iter().collect();
        }
        let len = files.len();
        let mut blocks = Vec::with_capacity(len.div_ceil(BLOCK));
        let mut files = files.into_iter().peekable();
        while files.peek().is_some() {
            blocks.push(Arc::new(files.by_ref().take(BLOCK).collect()));
        }
        Self { blocks, len }
    }
}

impl Extend<(RelPath, Held)> for Files {
    fn extend<T: IntoIterator<Item = (RelPath, Held)>>(&mut self, files: T) {
        for (path, held) in files {
            self.insert(path, held);
        }
    }
}

impl ops::Index<&RelPath> for Files {
    type Output = Held;

    /// Panics when there is no such file, as a map does.
    fn index(&self, path: &RelPath) -> &Held {
        let Some(held) = self.get(path) else {
            // As with every map: who is not sure asks `get`.
            panic!("there is no {path} in the snapshot");
        };
        held
    }
}

impl PartialEq for Files {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.differing(other).next().is_none()
    }
}

impl Eq for Files {}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl Serialize for Files {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> de::Visitor<'de> for Map {
            type Value = Files;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("files by their paths")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Files, A::Error> {
                let mut files = Vec::new();
                while let Some(file) = map.next_entry()? {
                    files.push(file);
                }
                Ok(files.into_iter().collect())
            }
        }
        deserializer.deserialize_map(Map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(number: u16) -> RelPath {
        format!("d{}/f{number}", number % 7).parse().unwrap()
    }

    fn held(target: u8) -> Held {
        Held::Link {
            target: format!("{target}").into(),
        }
    }

    /// Puts in (some) or takes out (none).
    type Step = (u16, Option<u8>);

    fn steps(many: usize) -> impl Strategy<Value = Vec<Step>> {
        prop::collection::vec(
            (0..3_000_u16, prop::option::weighted(0.8, 0..3_u8)),
            0..many,
        )
    }

    fn play(files: &mut Files, map: &mut BTreeMap<RelPath, Held>, steps: &[Step]) {
        for (number, target) in steps {
            let path = path(*number);
            match target {
                Some(target) => assert_eq!(
                    files.insert(path.clone(), held(*target)),
                    map.insert(path, held(*target))
                ),
                None => assert_eq!(files.remove(&path), map.remove(&path)),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 500, ..ProptestConfig::default() })]

        #[test]
        fn they_are_a_map(first in steps(3_000), second in steps(40), from in 0..3_000_u16) {
            let mut map = BTreeMap::new();
            let mut files = Files::default();
            play(&mut files, &mut map, &first);
            let (before, map_before) = (files.clone(), map.clone());
            play(&mut files, &mut map, &second);
            // A copy is what it was.
            prop_assert!(before.iter().eq(&map_before));
            prop_assert!(files.iter().eq(&map));
            prop_assert_eq!(files.len(), map.len());
            let from = path(from);
            prop_assert!(files.starting_at(&from).eq(map.range(from..)));
            let made: Files = map.clone().into_iter().rev().collect();
            prop_assert_eq!(&made, &files);
            let paths = |differing: Vec<Pair<'_>>| differing.iter().map(|pair| pair.0.clone()).collect::<Vec<_>>();
            let all: std::collections::BTreeSet<_> = map.keys().chain(map_before.keys()).collect();
            let differ: Vec<RelPath> = all.into_iter().filter(|path| map.get(*path) != map_before.get(*path)).cloned().collect();
            prop_assert_eq!(paths(before.differing(&files).collect()), differ.clone());
            prop_assert_eq!(paths(before.differing(&made).collect()), differ);
            for (path, before, after) in before.differing(&files) {
                prop_assert_eq!((before, after), (map_before.get(path), map.get(path)));
            }
        }
    }

    #[test]
    fn a_copy_shares_what_is_the_same() {
        let all = (0..3_000).map(|number| (path(number), held(0)));
        let before: Files = all.collect();
        let mut after = before.clone();
        after.insert(path(17), held(1));
        after.remove(&path(1_234));
        after.insert("new".parse().unwrap(), held(1));
        let shared = |block: &&Arc<Block>| before.blocks.iter().any(|old| Arc::ptr_eq(old, block));
        let own = after.blocks.len() - after.blocks.iter().filter(shared).count();
        assert!(
            own <= 3,
            "{own} of {} blocks are its own",
            after.blocks.len()
        );
        let mut sides = Sides {
            before: before.iter(),
            after: after.iter(),
        };
        let mut compared = 0;
        while sides.next().is_some() {
            compared += 1;
        }
        assert!(compared <= 6 * BLOCK, "{compared} files are compared");
    }
}
