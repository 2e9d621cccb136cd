//! Files as text, and edits of them.
//!
//! NULs part the bytes of a file, what is to go, and what is to come. Any bytes that are text are written back as they
//! were, and an edit changes nothing but its place.
#![no_main]

use kerf_workspace::{
    TextFile,
    edit::{Replacement, replace},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(3, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let (file, old, new) = (part(), part(), part());
    let Ok(text) = TextFile::decode(file) else {
        return;
    };
    assert_eq!(text.encode(&text.text).ok().as_deref(), Some(file));
    let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let edit = |all| Replacement {
        old: string(old),
        new: string(new),
        all,
    };
    // With one kind of line end there is one way to read an edit.
    let plain = !data.contains(&b'\r');
    for all in [false, true] {
        match replace(&text, &[edit(all)]) {
            Ok(edited) if plain => {
                let (old, new) = (string(old), string(new));
                assert!(all || text.text.matches(&old).count() == 1);
                assert_eq!(edited, text.text.replace(&old, &new));
            }
            Ok(_) => {}
            Err(error) => assert!(error.to_string().len() < 64 * 1024),
        }
    }
});
