//! Texts with secrets in them.
//!
//! What is concealed comes back to the byte, concealing again changes nothing, and what was found lies in the text. That
//! the work grows with the length alone is held by the limit of time for one input.
#![no_main]

use kerf_secrets::{Vault, key_blocks, withheld};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut vault = Vault::new([7; 32]);
    let (concealed, found) = {
        let concealed = vault.conceal(text);
        for finding in &concealed.found {
            assert!(text.is_char_boundary(finding.range.start));
            assert!(text.is_char_boundary(finding.range.end));
            assert!(!finding.range.is_empty());
        }
        (concealed.text.into_owned(), concealed.found.len())
    };
    assert_eq!(found == 0, concealed == text);
    assert_eq!(vault.restore(&concealed), text);
    assert_eq!(vault.conceal(&concealed).text, concealed);
    for block in key_blocks(text) {
        assert!(text.get(block.range.clone()).is_some());
    }
    // The text as a path: what is withheld has a reason to show.
    assert!(withheld(text).is_none_or(|reason| !reason.to_string().is_empty()));
});
