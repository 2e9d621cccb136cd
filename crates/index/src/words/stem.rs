//! Stems of English words, remembered: the stemmer takes longer than all the rest, and texts repeat their words.

use frostem::{Algorithm, Stemmer};

/// Longer words are not English, in bytes.
const MAX_STEMMED: usize = 32;

/// Shorter words have no ending.
const MIN_STEMMED: usize = 3;

/// Words up to this length are remembered, in bytes.
const MAX_KEPT: usize = 16;

/// How many words are remembered.
const KEPT: usize = 1 << KEPT_BITS;
const KEPT_BITS: u32 = 12;

/// Stems words; the same word always gets the same stem.
#[derive(Clone)]
pub(super) struct Stems {
    stemmer: Stemmer,
    /// Each word has one place, where the last one that fell there is found.
    kept: Box<[Kept]>,
}

/// A word and what becomes of it.
#[derive(Clone, Copy, Default)]
struct Kept {
    /// The word, filled up with zeros.
    word: u128,
    /// Bytes of the word that stay.
    stays: u8,
    /// What comes after them, filled up with zeros.
    ending: [u8; 4],
}

impl Default for Stems {
    fn default() -> Self {
        Self {
            stemmer: Stemmer::new(Algorithm::English),
            kept: vec![Kept::default(); KEPT].into_boxed_slice(),
        }
    }
}

impl Stems {
    /// Replaces `word`, which is ASCII in lower case, by its stem. Words with digits or other signs stay.
    pub(super) fn stem(&mut self, word: &mut String) {
        let len = word.len();
        if !(MIN_STEMMED..=MAX_STEMMED).contains(&len)
            || !word.bytes().all(|byte| byte.is_ascii_lowercase())
        {
            return;
        }
        if len > MAX_KEPT {
            let stem = self.stemmer.stem(word).into_owned();
            *word = stem;
            return;
        }
        let mut key = [0; MAX_KEPT];
        key[..len].copy_from_slice(word.as_bytes());
        let key = u128::from_le_bytes(key);
        let place = place(key);
        if self.kept[place].word != key {
            match self.learn(word, key) {
                Some(kept) => self.kept[place] = kept,
                None => {
                    let stem = self.stemmer.stem(word).into_owned();
                    *word = stem;
                    return;
                }
            }
        }
        let kept = &self.kept[place];
        word.truncate(usize::from(kept.stays));
        let ending = kept.ending.iter().take_while(|&&byte| byte != 0);
        word.extend(ending.map(|&byte| char::from(byte)));
    }

    /// `None` when the stem does not fit.
    fn learn(&self, word: &str, key: u128) -> Option<Kept> {
        let stem = self.stemmer.stem(word);
        let stays = word
            .bytes()
            .zip(stem.bytes())
            .take_while(|(from, to)| from == to)
            .count();
        let rest = stem.as_bytes().get(stays..)?;
        let mut ending = [0; 4];
        ending.get_mut(..rest.len())?.copy_from_slice(rest);
        Some(Kept {
            word: key,
            stays: u8::try_from(stays).ok()?,
            ending,
        })
    }
}

/// Multiplies and takes the upper bits: the words differ in all of theirs.
fn place(key: u128) -> usize {
    let halves = (key as u64) ^ ((key >> 64) as u64).rotate_left(29);
    (halves.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - KEPT_BITS)) as usize
}
