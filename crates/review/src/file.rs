//! The review of one file and its states.

use crate::{
    Content,
    changes::{LineChanges, on_disk},
};
use kerf_protocol::{
    ItemId, TurnId,
    review::{Author, HunkState},
};

/// The review of one file.
///
/// Its *origin* is what was there before the agent, with the user's own edits folded in. Against it
/// stand changes, each pending, accepted or rejected. The *accepted* content is the origin with the
/// accepted changes; the *current* content, that with the pending changes as well, and it is what
/// must be on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReview {
    pub(crate) origin: Content,
    pub(crate) kind: Kind,
    /// Everybody who made a line, in the order of their first appearance.
    pub(crate) authors: Vec<Author>,
    /// The last id given to a change.
    pub(crate) last_id: u64,
}

/// How the proposed content differs from the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Not at all.
    Same,
    /// By lines, and perhaps by its mode.
    Lined(Lined),
    /// As a whole.
    Whole {
        /// The proposed content.
        proposed: Content,
        /// The state.
        flag: Flag,
    },
}

/// A text that differs from its origin by lines. The origin is a text, or absent when the file was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lined {
    pub(crate) lines: LineChanges,
    /// The proposed mode.
    pub(crate) mode: u32,
    /// The change of the mode; none when the mode is that of the origin or the file was created.
    pub(crate) mode_change: Option<Flag>,
}

/// The state of a change that has no lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flag {
    pub(crate) id: u64,
    pub(crate) state: HunkState,
    pub(crate) authors: Vec<u32>,
}

impl Lined {
    /// One if the mode changed: then its hunk is the first.
    pub(crate) fn mode_hunks(&self) -> usize {
        usize::from(self.mode_change.is_some())
    }
}

impl Flag {
    fn key(&self) -> Key {
        Key {
            id: self.id,
            state: self.state,
        }
    }
}

/// What identifies a hunk, and its state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) id: u64,
    pub(crate) state: HunkState,
}

impl FileReview {
    /// A review of a file that nobody has changed yet.
    pub fn new(origin: Content) -> Self {
        Self {
            origin,
            kind: Kind::Same,
            authors: Vec::new(),
            last_id: 0,
        }
    }

    /// What differs between two contents, made by nobody in particular. It is for looking at: nothing is decided about it.
    pub fn between(before: Content, after: Content) -> Self {
        let mut review = Self::new(before);
        let nobody = Author::Tool {
            turn_id: TurnId::new(),
            item_id: ItemId::new(),
        };
        review.observe(after, nobody);
        review.authors.clear();
        review
    }

    /// What must be on disk: the origin with the accepted and the pending changes.
    pub fn current(&self) -> Content {
        self.content(on_disk)
    }

    /// What the user has agreed to: the origin with the accepted changes.
    pub fn accepted(&self) -> Content {
        self.content(|state| state == HunkState::Accepted)
    }

    /// What was there before the agent, with the user's own edits.
    pub fn origin(&self) -> &Content {
        &self.origin
    }

    /// What was proposed, whatever was decided about it.
    pub fn proposed(&self) -> Content {
        self.content(|_| true)
    }

    fn content(&self, applies: impl Fn(HunkState) -> bool) -> Content {
        let lined = match &self.kind {
            Kind::Same => return self.origin.clone(),
            Kind::Whole { proposed, flag } if applies(flag.state) => return proposed.clone(),
            Kind::Whole { .. } => return self.origin.clone(),
            Kind::Lined(lined) => lined,
        };
        let mode = match self.origin.mode() {
            // Rejecting everything of a created file leaves no file.
            None if !lined
                .lines
                .changes
                .iter()
                .any(|change| applies(change.state)) =>
            {
                return Content::Absent;
            }
            Some(mode)
                if !lined
                    .mode_change
                    .as_ref()
                    .is_some_and(|flag| applies(flag.state)) =>
            {
                mode
            }
            _ => lined.mode,
        };
        Content::Text {
            bytes: lined.lines.compose(applies).bytes().clone(),
            mode,
        }
    }

    /// Whether there is no change of any state: nothing to show, and the review may be forgotten.
    pub fn is_settled(&self) -> bool {
        matches!(self.kind, Kind::Same)
    }

    /// How many hunks are pending.
    pub fn pending(&self) -> u32 {
        count(
            self.keys()
                .filter(|key| key.state == HunkState::Pending)
                .count(),
        )
    }

    /// How many hunks there are.
    pub(crate) fn hunks(&self) -> usize {
        match &self.kind {
            Kind::Same => 0,
            Kind::Whole { .. } => 1,
            Kind::Lined(lined) => lined.mode_hunks() + lined.lines.changes.len(),
        }
    }

    /// What names a hunk for as long as its lines stay what they are; none when there is no hunk of this number.
    pub fn hunk_id(&self, hunk: u32) -> Option<u64> {
        let index = hunk.checked_sub(1)? as usize;
        self.key(index).map(|key| key.id)
    }

    /// A hunk by its index: the mode first, then from the top of the file down.
    pub(crate) fn key(&self, index: usize) -> Option<Key> {
        match (&self.kind, index) {
            (
                Kind::Whole { flag, .. }
                | Kind::Lined(Lined {
                    mode_change: Some(flag),
                    ..
                }),
                0,
            ) => Some(flag.key()),
            (Kind::Lined(lined), index) => {
                let change = lined.lines.changes.get(index - lined.mode_hunks())?;
                Some(Key {
                    id: change.id,
                    state: change.state,
                })
            }
            _ => None,
        }
    }

    /// The hunks in the order of their numbers.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> {
        (0..self.hunks()).filter_map(|index| self.key(index))
    }

    /// Brings a hunk into a state.
    pub(crate) fn set_state(&mut self, index: usize, state: HunkState) {
        match (&mut self.kind, index) {
            (
                Kind::Whole { flag, .. }
                | Kind::Lined(Lined {
                    mode_change: Some(flag),
                    ..
                }),
                0,
            ) => flag.state = state,
            (Kind::Lined(lined), index) => {
                let first = lined.mode_hunks();
                if let Some(change) = lined.lines.changes.get_mut(index - first) {
                    change.state = state;
                }
            }
            _ => {}
        }
    }

    /// Accepted changes move into the origin and rejected ones are forgotten; pending ones stay. To
    /// be called when the user commits, or closes the review. What is on disk does not change.
    /// Decisions made before can no longer be taken back.
    pub fn settle(&mut self) {
        match std::mem::replace(&mut self.kind, Kind::Same) {
            Kind::Same => {}
            Kind::Whole { proposed, flag } => match flag.state {
                HunkState::Pending => self.kind = Kind::Whole { proposed, flag },
                HunkState::Accepted => self.origin = proposed,
                HunkState::Rejected => {}
            },
            Kind::Lined(Lined {
                lines,
                mode,
                mode_change,
            }) => {
                let exists = lines
                    .changes
                    .iter()
                    .any(|change| change.state == HunkState::Accepted);
                let (origin_mode, mode, mode_change) = match (self.origin.mode(), mode_change) {
                    (None, _) => (exists.then_some(mode), mode, None),
                    (Some(_), Some(flag)) if flag.state == HunkState::Accepted => {
                        (Some(mode), mode, None)
                    }
                    (Some(before), Some(flag)) if flag.state == HunkState::Rejected => {
                        (Some(before), before, None)
                    }
                    (before, flag) => (before, mode, flag),
                };
                let lines =
                    lines.settled(&mut self.last_id, |_, state| state != HunkState::Pending);
                self.put(
                    origin_mode,
                    Lined {
                        lines,
                        mode,
                        mode_change,
                    },
                );
            }
        }
    }

    /// Takes over a text and its changes; `origin_mode` is none when there was no file.
    pub(crate) fn put(&mut self, origin_mode: Option<u32>, lined: Lined) {
        self.origin = match origin_mode {
            Some(mode) => Content::Text {
                bytes: lined.lines.old.bytes().clone(),
                mode,
            },
            None => Content::Absent,
        };
        let differs = lined.mode_change.is_some() || !lined.lines.changes.is_empty();
        self.kind = if differs {
            Kind::Lined(lined)
        } else {
            Kind::Same
        };
    }

    /// The index of an author in the table.
    pub(crate) fn intern(&mut self, author: Author) -> u32 {
        let index = self
            .authors
            .iter()
            .position(|known| *known == author)
            .unwrap_or_else(|| {
                self.authors.push(author);
                self.authors.len() - 1
            });
        count(index)
    }

    /// Forgets authors of whom nothing is left.
    pub(crate) fn forget_authors(&mut self) {
        let mut slots: Vec<&mut u32> = Vec::new();
        match &mut self.kind {
            Kind::Same => {}
            Kind::Whole { flag, .. } => slots.extend(&mut flag.authors),
            Kind::Lined(lined) => {
                slots.extend(
                    lined
                        .mode_change
                        .iter_mut()
                        .flat_map(|flag| &mut flag.authors),
                );
                for change in &mut lined.lines.changes {
                    slots.extend(
                        change
                            .removed
                            .authors_mut()
                            .chain(change.added.authors_mut()),
                    );
                }
            }
        }
        let mut places = vec![None; self.authors.len()];
        for slot in &slots {
            places[**slot as usize] = Some(0);
        }
        for (next, place) in places.iter_mut().flatten().enumerate() {
            *place = count(next);
        }
        for slot in slots {
            *slot = places[*slot as usize].unwrap_or(0);
        }
        let mut used = places.iter().map(Option::is_some);
        self.authors.retain(|_| used.next() == Some(true));
    }
}

/// A count as the protocol has it. Texts have fewer than 2³² lines.
pub(crate) fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
