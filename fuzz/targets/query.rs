//! What people and models type into the search. The first byte chooses what free text means.
//!
//! A query is understood or its mistake has a place in it; what is understood is shown as a query that means the same.
#![no_main]

use kerf_index::{Known, Mode, PathFilter, Query};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [mode, text @ ..] = data else { return };
    let Ok(text) = str::from_utf8(text) else {
        return;
    };
    let regex = |ignore_case, multi_line| Mode::Regex {
        ignore_case,
        multi_line,
    };
    let mode = match mode % 6 {
        0 => Mode::Words,
        1 => Mode::Exact,
        2 => regex(false, false),
        3 => regex(true, true),
        4 => Mode::Symbol,
        _ => Mode::Path,
    };
    let known = Known::all();
    match Query::parse(text, mode, &known) {
        Ok(query) => {
            let shown = query.to_string();
            let again = Query::parse(&shown, Mode::Words, &known);
            assert_eq!(again.as_ref(), Ok(&query), "shown as {shown}");
            assert!(PathFilter::new(&query).is_ok());
        }
        Err(error) => {
            let columns = 1..=text.chars().count() + 1;
            assert!(columns.contains(&(error.column as usize)), "{error:?}");
            assert!(!error.to_string().is_empty());
        }
    }
});
