//! How well a path answers to some letters.

/// What was typed, ready to be compared with many paths.
pub(crate) struct Letters {
    letters: Vec<char>,
    text: String,
}

/// Higher is better; compared only between paths of one query.
pub(crate) type Score = i32;

/// Added for each kind of match; far apart, so that a better kind always wins.
const FILE_NAME: Score = 400_000;
const FILE_NAME_START: Score = 300_000;
const IN_FILE_NAME: Score = 200_000;
const IN_PATH: Score = 100_000;

/// A letter at the start of a word counts like this many letters in a row.
const WORD_START: Score = 8;
const IN_A_ROW: Score = 4;

impl Letters {
    /// Case and spaces do not count.
    pub(crate) fn new(typed: &str) -> Self {
        let letters: Vec<char> = typed
            .chars()
            .filter(|char| !char.is_whitespace())
            .flat_map(char::to_lowercase)
            .collect();
        Self {
            text: letters.iter().collect(),
            letters,
        }
    }

    /// `None` when the path does not hold the letters in this order. The path is written with `/`.
    pub(crate) fn score(&self, path: &str) -> Option<Score> {
        let lower: String = path.chars().flat_map(char::to_lowercase).collect();
        let name = lower.rsplit('/').next().unwrap_or_default();
        // Of two equal ones the shorter path is meant more often.
        let brevity = -Score::try_from(lower.chars().count())
            .unwrap_or(Score::MAX)
            .min(9_000);
        let kind = if name == self.text || lower == self.text {
            FILE_NAME
        } else if name.starts_with(&self.text) {
            FILE_NAME_START
        } else if name.contains(&self.text) {
            IN_FILE_NAME + word_start(name, name.find(&self.text)?)
        } else if lower.contains(&self.text) {
            IN_PATH + word_start(&lower, lower.find(&self.text)?)
        } else {
            let text: Vec<char> = lower.chars().collect();
            let in_name = text.len() - name.chars().count();
            let spread = |from: usize| self.spread(&text[from..]);
            // A match within the name is better than one over many folders.
            return match spread(in_name) {
                Some(score) => Some(score * 4 + 10_000 + brevity),
                None => spread(0).map(|score| score * 4 + brevity),
            };
        };
        Some(kind * 2 + brevity)
    }

    /// The score of letters that lie apart: finds where they end first, then how late they can begin.
    fn spread(&self, text: &[char]) -> Option<Score> {
        let mut wanted = self.letters.iter();
        let mut next = wanted.next()?;
        let mut end = None;
        for (at, char) in text.iter().enumerate() {
            if char == next {
                match wanted.next() {
                    Some(more) => next = more,
                    None => {
                        end = Some(at);
                        break;
                    }
                }
            }
        }
        let end = end?;
        let mut score = 0;
        let mut after = None;
        let mut at = end + 1;
        for letter in self.letters.iter().rev() {
            let gap_start = at;
            at = text[..at].iter().rposition(|char| char == letter)?;
            let in_a_row = after.is_some_and(|after| after == at + 1);
            score += if in_a_row {
                IN_A_ROW
            } else {
                -Score::try_from(gap_start - at)
                    .unwrap_or(Score::MAX)
                    .min(20)
            };
            if at == 0 || !text[at - 1].is_alphanumeric() {
                score += WORD_START;
            }
            after = Some(at);
        }
        Some(score.clamp(-2_000, 2_000))
    }
}

/// Whether a word starts at the byte `at`, as a bonus.
fn word_start(text: &str, at: usize) -> Score {
    let starts = text[..at]
        .chars()
        .next_back()
        .is_none_or(|before| !before.is_alphanumeric());
    if starts { 10_000 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// The paths from best to worst; those that do not match are gone.
    #[rstest]
    #[case("main.rs", &["main.rs", "src/main.rs", "src/main.rs.bak", "src/domain.rs", "mad/air/n.rs"], &["main.rs", "src/main.rs", "src/main.rs.bak", "src/domain.rs", "mad/air/n.rs"])]
    #[case("cfg", &["src/scfga.rs", "src/config.rs", "cfg/x.rs", "src/my_cfg.rs"], &["src/my_cfg.rs", "src/scfga.rs", "cfg/x.rs", "src/config.rs"])]
    #[case("README", &["docs/readme.md", "README.md", "src/lib.rs"], &["README.md", "docs/readme.md"])]
    #[case("srclib", &["stir/catch/lib.rs", "src/lib.rs", "other.rs"], &["src/lib.rs", "stir/catch/lib.rs"])]
    #[case("src lib", &["src/lib.rs"], &["src/lib.rs"])]
    #[case("über", &["ÜBER.txt"], &["ÜBER.txt"])]
    #[case("xyz", &["zyx"], &[])]
    fn best_first(#[case] typed: &str, #[case] paths: &[&str], #[case] expected: &[&str]) {
        let letters = Letters::new(typed);
        let mut scored: Vec<_> = paths
            .iter()
            .filter_map(|path| Some((letters.score(path)?, *path)))
            .collect();
        scored.sort_by_key(|&(score, path)| (-score, path));
        assert_eq!(
            scored.iter().map(|&(_, path)| path).collect::<Vec<_>>(),
            expected,
            "{scored:?}"
        );
    }
}
