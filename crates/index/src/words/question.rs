//! What a question asks for, as words of the index.

use super::{WHOLE, Words, stem::Stems};

/// More identifiers of one question are not asked for.
const MAX_ASKED: usize = 64;

/// One identifier or word of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The word that a text holds where it has this identifier whole, as one of several parts. Told for every word,
    /// so that `httpresponse` also finds `HttpResponse`.
    pub(crate) whole: String,
    /// The words of its parts; one for a plain word, none for what has only a whole.
    pub(crate) parts: Vec<String>,
    /// How often it is asked for.
    pub(crate) times: u32,
}

/// Words that ask rather than tell what is asked for, by their letters before stemming. Sorted.
const ASKING: &[&str] = &[
    "a", "about", "all", "an", "and", "any", "are", "as", "at", "be", "been", "being", "but", "by",
    "can", "could", "d", "did", "do", "does", "doing", "done", "for", "from", "had", "has", "have",
    "how", "i", "if", "in", "into", "is", "it", "its", "ll", "m", "me", "my", "of", "on", "or",
    "our", "out", "please", "re", "s", "shall", "should", "show", "so", "some", "t", "tell",
    "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those",
    "to", "us", "used", "ve", "was", "we", "were", "what", "when", "where", "which", "who", "whom",
    "whose", "why", "will", "with", "would", "you", "your",
];

/// What a question asks for, each word once, in order. Words that only ask (`where`, `is`, `the`) are left out unless
/// nothing else is there.
pub(crate) fn question(text: &str) -> Vec<Asked> {
    let mut stems = Stems::default();
    let mut words = Words::new(text, &mut stems);
    let mut all: Vec<(Asked, bool)> = Vec::new();
    let mut word = String::new();
    let mut run = 0;
    // Asking words may come first in numbers.
    while all.len() < 4 * MAX_ASKED && words.next_into(&mut word) {
        if words.runs != run {
            run = words.runs;
            let written = &text[words.run.clone()];
            let lower = written.trim_matches('_').to_lowercase();
            let is_asking = ASKING.binary_search(&lower.as_str()).is_ok();
            let asked = Asked {
                whole: format!("{WHOLE}{lower}"),
                parts: Vec::new(),
                times: 1,
            };
            all.push((asked, is_asking));
        }
        if let Some((asked, _)) = all.last_mut()
            && !word.starts_with(WHOLE)
            && !asked.parts.contains(&word)
        {
            asked.parts.push(word.clone());
        }
    }
    let only_asking = all.iter().all(|(_, is_asking)| *is_asking);
    let mut kept: Vec<Asked> = Vec::new();
    for (asked, is_asking) in all {
        if is_asking && !only_asking {
            continue;
        }
        let known = kept
            .iter()
            .position(|known| known.whole == asked.whole && known.parts == asked.parts);
        match known {
            Some(at) => kept[at].times += 1,
            None if kept.len() < MAX_ASKED => kept.push(asked),
            None => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("where are refunds rounded", "=refunds:refund =rounded:round")]
    #[case(
        "How does the HTTPServer's parser work?",
        "=httpserver:http,server =parser:parser =work:work"
    )]
    #[case("round_refund", "=round_refund:round,refund")]
    #[case("what is this", "=what:what =is:is =this:this")]
    #[case("utf8 UTF-8", "=utf8:utf8,utf =utf:utf =8:8")]
    #[case("retry retry RETRY", "=retry:retri")]
    #[case("__init__ x", "=init:init =x:x")]
    #[case("", "")]
    #[case("?!", "")]
    fn asks_for(#[case] text: &str, #[case] expected: &str) {
        let asked: Vec<_> = question(text)
            .iter()
            .map(|asked| format!("{}:{}", asked.whole, asked.parts.join(",")))
            .collect();
        assert_eq!(asked.join(" "), expected);
    }

    #[test]
    fn what_is_asked_again_is_counted() {
        let times: Vec<_> = question("retry the Retry of retries, thrice: RETRY")
            .iter()
            .map(|asked| (asked.whole.clone(), asked.times))
            .collect();
        let expected = [("=retry", 3), ("=retries", 1), ("=thrice", 1)];
        assert_eq!(
            times,
            expected.map(|(word, times)| (word.to_owned(), times))
        );
    }

    #[test]
    fn asking_words_are_sorted() {
        assert!(ASKING.is_sorted());
    }

    proptest! {
        #[test]
        fn a_question_about_a_name_asks_for_the_words_of_its_text(name in "[a-zA-Z][a-zA-Z0-9_]{1,18}") {
            let mut stems = Stems::default();
            let mut words = Words::new(&name, &mut stems);
            let mut held = Vec::new();
            let mut word = String::new();
            while words.next_into(&mut word) {
                held.push(word.clone());
            }
            let asked = question(&name);
            prop_assert_eq!(asked.len(), usize::from(!held.is_empty()));
            for asked in asked {
                prop_assert!(asked.parts.iter().all(|part| held.contains(part)));
                prop_assert!(held.iter().all(|held| *held == asked.whole || asked.parts.contains(held)));
            }
        }
    }
}
