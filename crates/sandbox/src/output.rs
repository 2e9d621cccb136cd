//! Output with a ceiling: the head and the tail are kept, the middle is counted.

use crate::plain;
use std::collections::VecDeque;

/// What is kept of an output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capped {
    /// The first bytes.
    pub head: Vec<u8>,
    /// The last bytes; empty as long as everything fits into the head.
    pub tail: Vec<u8>,
    /// Bytes between the two that were dropped.
    pub omitted: u64,
}

impl Capped {
    /// The output as text for a model or a person: what is not UTF-8 is replaced, escape sequences and control
    /// characters other than newline and tab are removed (a lone carriage return becomes a newline), and a line
    /// says how much was left out.
    pub fn to_text(&self) -> String {
        if self.omitted == 0 {
            let mut whole = self.head.clone();
            whole.extend_from_slice(&self.tail);
            return plain::text(&whole);
        }
        let head = plain::text(plain::without_cut_end(&self.head));
        let tail = plain::text(plain::without_cut_start(&self.tail));
        let omitted = self.omitted;
        let newline = if head.is_empty() || head.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        format!("{head}{newline}… {omitted} bytes left out …\n{tail}")
    }
}

/// Collects an output of any length in bounded memory.
#[derive(Debug)]
pub(crate) struct Capture {
    cap: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
}

impl Capture {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            cap,
            head: Vec::new(),
            tail: VecDeque::new(),
            total: 0,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let to_head = bytes.len().min(self.cap - self.head.len());
        let (head, rest) = bytes.split_at(to_head);
        self.head.extend_from_slice(head);
        let rest = &rest[rest.len().saturating_sub(self.cap)..];
        let surplus = (self.tail.len() + rest.len()).saturating_sub(self.cap);
        self.tail.drain(..surplus);
        self.tail.extend(rest);
    }

    /// Bytes between head and tail that are gone.
    fn omitted(&self) -> u64 {
        self.total - (self.head.len() + self.tail.len()) as u64
    }

    /// What is kept from `offset` (counted in bytes since the start) on, and the offset to ask for next. Where
    /// bytes are gone a line says how many.
    pub(crate) fn since(&self, offset: u64) -> (Vec<u8>, u64) {
        let head_end = self.head.len() as u64;
        let tail_start = head_end + self.omitted();
        // An offset beyond the end is the end.
        let offset = offset.min(self.total);
        let mut bytes = Vec::new();
        if offset < head_end {
            bytes.extend_from_slice(&self.head[offset as usize..]);
        }
        let gone = tail_start - offset.clamp(head_end, tail_start);
        if gone > 0 {
            if bytes.last().is_some_and(|&last| last != b'\n') {
                bytes.push(b'\n');
            }
            bytes.extend_from_slice(format!("… {gone} bytes left out …\n").as_bytes());
        }
        let from = offset.saturating_sub(tail_start) as usize;
        bytes.extend(self.tail.range(from..));
        (bytes, self.total)
    }

    pub(crate) fn finish(self) -> Capped {
        let omitted = self.omitted();
        Capped {
            head: self.head,
            tail: self.tail.into(),
            omitted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the chunks, head and tail are the ends of the whole and the sum is right.
        #[test]
        fn keeps_the_ends(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12), cap in 0_usize..50) {
            let whole = chunks.concat();
            let mut capture = Capture::new(cap);
            for chunk in &chunks {
                capture.push(chunk);
            }
            for offset in 0..=whole.len() {
                let (bytes, next) = capture.since(offset as u64);
                prop_assert_eq!(next, whole.len() as u64);
                if whole.len() <= 2 * cap {
                    prop_assert_eq!(&bytes, &whole[offset..]);
                }
            }
            let capped = capture.finish();
            prop_assert_eq!(&capped.head, &whole[..whole.len().min(cap)]);
            prop_assert!(whole.ends_with(&capped.tail));
            prop_assert!(capped.tail.len() <= cap);
            prop_assert_eq!(capped.head.len() + capped.tail.len() + capped.omitted as usize, whole.len());
            if whole.len() > 2 * cap {
                prop_assert_eq!(capped.tail.len(), cap);
            }
        }
    }

    #[test]
    fn since_says_what_is_gone() {
        let mut capture = Capture::new(4);
        capture.push(b"abcdefghijkl");
        assert_eq!(
            capture.since(0),
            ("abcd\n… 4 bytes left out …\nijkl".into(), 12)
        );
        assert_eq!(capture.since(6), ("… 2 bytes left out …\nijkl".into(), 12));
        assert_eq!(capture.since(10), (b"kl".to_vec(), 12));
        assert_eq!(capture.since(99), (vec![], 12));
    }

    #[test]
    fn text_says_what_is_gone_and_hides_cut_characters() {
        // "ä" is two bytes; the cap of 3 cuts it on both sides.
        let mut capture = Capture::new(3);
        capture.push("xyä0123456äzz".as_bytes());
        assert_eq!(capture.finish().to_text(), "xy\n… 9 bytes left out …\nzz");
    }
}
