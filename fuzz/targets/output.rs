//! What a command printed, as text for a person or a model. The first byte says where it was cut in the middle.
//!
//! No escape sequence and no control character is left but newline and tab.
#![no_main]

use kerf_sandbox::Capped;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [cut, bytes @ ..] = data else { return };
    let (head, tail) = bytes.split_at(usize::from(*cut).min(bytes.len()));
    for omitted in [0, 7] {
        let capped = Capped {
            head: head.to_vec(),
            tail: tail.to_vec(),
            omitted,
        };
        let text = capped.to_text();
        let is_plain = |char: char| matches!(char, '\n' | '\t') || !char.is_control();
        assert!(text.chars().all(is_plain), "{text:?}");
        assert!(text.len() <= 3 * bytes.len() + 64);
    }
});
