//! Makes output comparable: what changes from run to run becomes a placeholder.
//!
//! Ids and hashes keep their identity: the first id of a text is `[ID-1]` wherever it stands, the second `[ID-2]`.

use regex::{Captures, Regex};
use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

static VOLATILE: LazyLock<Regex> = LazyLock::new(|| {
    let parts = [
        r"(?P<id>\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b)",
        r"(?P<hash>\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b)",
        r"(?P<time>\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)",
        r"(?P<millis>\b1[6-9]\d{11}\b)",
        r"(?P<host>\b127\.0\.0\.1|\blocalhost|\[::1\]):(?P<port>\d{1,5})\b",
        r"(?P<duration>\b\d+(?:\.\d+)?\s?(?:ns|µs|us|ms|s|secs?|seconds?)\b)",
        r"(?P<temp>(?:/private)?/(?:tmp|var/folders/[\w+]+/[\w+]+/T)/kerf-test-\w+)",
    ];
    Regex::new(&parts.join("|"))
        .unwrap_or_else(|error| panic!("the pattern of volatile output: {error}"))
});

/// Replaces what is volatile, and what the test names besides.
#[derive(Debug, Clone, Default)]
pub struct Normaliser {
    named: Vec<(String, String)>,
}

impl Normaliser {
    /// Replaces UUIDs by `[ID-n]`, SHA-1, SHA-256 and BLAKE3 hashes by `[HASH-n]`, dates with times by `[TIME]`,
    /// milliseconds since 1970 by `[MILLIS]`, loopback ports by `[PORT]`, durations by `[DURATION]` and folders
    /// of fixtures by `[TEMP]`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces this text first of all; the order of calls counts.
    #[must_use]
    pub fn text(mut self, text: &str, placeholder: &str) -> Self {
        assert!(!text.is_empty(), "an empty text would be found everywhere");
        self.named.push((text.to_owned(), placeholder.to_owned()));
        self
    }

    /// Replaces this path, also as it stands in JSON and with `/` between its parts.
    #[must_use]
    pub fn path(mut self, path: &Path, placeholder: &str) -> Self {
        let path = path.display().to_string();
        if path.contains('\\') {
            self = self
                .text(&path.replace('\\', "\\\\"), placeholder)
                .text(&path.replace('\\', "/"), placeholder);
        }
        self.text(&path, placeholder)
    }

    /// The text with its placeholders.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.named {
            text = text.replace(from, to);
        }
        let mut known: HashMap<String, usize> = HashMap::new();
        let (mut ids, mut hashes) = (0, 0);
        let mut number = |name: &str, count: &mut usize| {
            *known.entry(name.to_lowercase()).or_insert_with(|| {
                *count += 1;
                *count
            })
        };
        let replaced = VOLATILE.replace_all(&text, |found: &Captures<'_>| {
            if let Some(id) = found.name("id") {
                return format!("[ID-{}]", number(id.as_str(), &mut ids));
            }
            if let Some(hash) = found.name("hash") {
                return format!("[HASH-{}]", number(hash.as_str(), &mut hashes));
            }
            if let Some(host) = found.name("host") {
                return format!("{}:[PORT]", host.as_str());
            }
            let named = [
                ("time", "[TIME]"),
                ("millis", "[MILLIS]"),
                ("duration", "[DURATION]"),
                ("temp", "[TEMP]"),
            ];
            let placeholder = named.iter().find(|(name, _)| found.name(name).is_some());
            placeholder
                .map_or("", |(_, placeholder)| placeholder)
                .to_owned()
        });
        replaced.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volatile_output_becomes_placeholders() {
        let cases = [
            (
                "a 0190a6e2-7b5c-7d3e-8f10-1234567890ab b 0190a6e2-7b5c-7d3e-8f10-1234567890ac c 0190A6E2-7b5c-7d3e-8f10-1234567890ab",
                "a [ID-1] b [ID-2] c [ID-1]",
            ),
            (
                "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904.",
                "commit [HASH-1].",
            ),
            (
                "at 2026-11-02T08:09:10.123Z and 2026-11-02 08:09",
                "at [TIME] and [TIME]",
            ),
            (
                "{\"at\":1762070950123,\"n\":5}",
                "{\"at\":[MILLIS],\"n\":5}",
            ),
            (
                "http://127.0.0.1:43211/v1 localhost:80 [::1]:9 10.0.0.1:80",
                "http://127.0.0.1:[PORT]/v1 localhost:[PORT] [::1]:[PORT] 10.0.0.1:80",
            ),
            (
                "took 1.25s, 3 ms; 5 files, 12m",
                "took [DURATION], [DURATION]; 5 files, 12m",
            ),
            (
                "in /tmp/kerf-test-aB3/src and /tmp/other",
                "in [TEMP]/src and /tmp/other",
            ),
            (
                "nothing here: 12345 deadbeef v0.1.0",
                "nothing here: 12345 deadbeef v0.1.0",
            ),
        ];
        for (text, wanted) in cases {
            assert_eq!(Normaliser::new().apply(text), wanted);
        }
    }

    #[test]
    fn named_text_goes_first() {
        let normaliser = Normaliser::new()
            .path(Path::new("/tmp/kerf-test-1/ws"), "[WS]")
            .text("5 ms", "[FAST]");
        assert_eq!(
            normaliser.apply("/tmp/kerf-test-1/ws/a took 5 ms"),
            "[WS]/a took [FAST]"
        );
    }
}
