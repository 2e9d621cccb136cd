//! Lines short enough to be read.

/// Characters of a line that are shown.
const MAX_CHARS: usize = 500;

/// Characters shown before a match when the line is cut.
const LEAD_CHARS: usize = 100;

/// `line`, or when it is too long, the part around the byte `at` with `…` where something is gone.
pub(crate) fn line(line: &str, at: usize) -> String {
    // Bytes are never fewer than characters.
    if line.len() <= MAX_CHARS {
        return line.to_owned();
    }
    let total = line.chars().count();
    if total <= MAX_CHARS {
        return line.to_owned();
    }
    let start = line.floor_char_boundary(at);
    let at = line[..start].chars().count();
    // Never less than fits, also at the end of the line.
    let first = at.saturating_sub(LEAD_CHARS).min(total - MAX_CHARS);
    let mut shown = String::new();
    if first > 0 {
        shown.push('…');
    }
    shown.extend(line.chars().skip(first).take(MAX_CHARS));
    if first + MAX_CHARS < total {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shows_the_start_of_the_match(head in "\\PC{0,800}", found in "\\PC{1,20}", tail in "\\PC{0,800}") {
            let whole = format!("{head}{found}{tail}");
            let cut = line(&whole, head.len());
            prop_assert!(cut.chars().count() <= MAX_CHARS + 2);
            prop_assert!(cut.contains(&found));
            let middle = cut.strip_prefix('…').filter(|_| !whole.starts_with(&cut)).unwrap_or(&cut);
            let middle = middle.strip_suffix('…').filter(|_| !whole.ends_with(middle)).unwrap_or(middle);
            prop_assert!(whole.contains(middle));
        }
    }

    #[test]
    fn short_lines_stay() {
        assert_eq!(line("short", 0), "short");
        assert_eq!(line(&"ä".repeat(500), 0), "ä".repeat(500));
        assert_eq!(line(&"ä".repeat(501), 0), format!("{}…", "ä".repeat(500)));
    }
}
