//! Properties of concealing and restoring, over texts with secrets anywhere.

use crate::tokens::{KINDS, NAMED, Random, secret_of};
use kerf_secrets::Vault;
use proptest::prelude::*;

/// A piece of a text: anything, or a made-up secret of some kind.
fn piece() -> impl Strategy<Value = String> {
    let pattern = (0..KINDS.len(), any::<u64>())
        .prop_map(|(kind, seed)| Random::new(&seed.to_string()).token(KINDS[kind].1));
    let named = (0..NAMED.len(), any::<u64>()).prop_map(|(kind, seed)| {
        let (name, pattern) = NAMED[kind];
        format!(
            "{name}=\"{}\"",
            Random::new(&seed.to_string()).token(pattern)
        )
    });
    let block = (any::<u64>(), 0_usize..4)
        .prop_map(|(seed, lines)| Random::new(&seed.to_string()).key_block("PRIVATE KEY", lines));
    prop_oneof![
        3 => "[ -~\\n\\t]{0,40}",
        2 => "\\PC{0,20}",
        1 => Just("\n".to_owned()),
        1 => Just("KERF_SECRET_".to_owned()),
        1 => Just("-----END PRIVATE KEY-----".to_owned()),
        3 => pattern,
        1 => named,
        1 => block,
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

/// Words between which values stand apart.
fn apart() -> impl Strategy<Value = (Vec<String>, Vec<usize>)> {
    let words = prop::collection::vec("[a-z]{1,8}", 1..6);
    let kinds = prop::collection::vec(0..KINDS.len(), 1..6);
    (words, kinds)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_is_concealed_comes_back(text in text()) {
        let mut vault = Vault::new([3; 32]);
        let concealed = vault.conceal(&text).text.into_owned();
        prop_assert_eq!(vault.restore(&concealed), text);
    }

    #[test]
    fn concealing_again_changes_nothing(text in text()) {
        let mut vault = Vault::new([3; 32]);
        let once = vault.conceal(&text).text.into_owned();
        let again = vault.conceal(&once).text.into_owned();
        prop_assert_eq!(again, once);
    }

    #[test]
    fn the_same_texts_give_the_same_in_a_new_vault(texts in prop::collection::vec(text(), 1..4)) {
        let conceal = |vault: &mut Vault| -> Vec<String> {
            texts.iter().map(|text| vault.conceal(text).text.into_owned()).collect()
        };
        prop_assert_eq!(conceal(&mut Vault::new([3; 32])), conceal(&mut Vault::new([3; 32])));
    }

    #[test]
    fn words_between_values_can_be_edited((words, kinds) in apart(), seed in any::<u64>()) {
        let mut random = Random::new(&seed.to_string());
        let values: Vec<String> = kinds.iter().map(|&kind| random.token(KINDS[kind].1)).collect();
        let with = |word: &dyn Fn(&str) -> String| -> String {
            let pairs = values.iter().zip(words.iter().cycle());
            pairs.map(|(value, name)| format!("{}\n\"{value}\"\n", word(name))).collect()
        };
        let mut vault = Vault::new([3; 32]);
        let seen = vault.conceal(&with(&str::to_owned)).text.into_owned();
        for value in &values {
            let secret = secret_of(value);
            prop_assert!(!seen.contains(secret), "{} in {}", secret, seen);
        }
        // Every line that is a word is written anew; the model touched no line with a placeholder.
        let edited: String = seen
            .lines()
            .map(|line| if line.starts_with('"') { format!("{line}\n") } else { format!("{}\n", line.to_uppercase()) })
            .collect();
        prop_assert_eq!(vault.restore(&edited), with(&|word: &str| word.to_uppercase()));
    }
}
