//! Words of an endpoint, made fit to be shown: no key, no control characters, not endless.

use crate::error::ErrorKind;
use secrecy::{ExposeSecret, SecretString};

/// The most characters of an endpoint's own words in a message.
const MAX_CHARS: usize = 500;

/// `text` without the key and without control characters, at most 500 characters.
pub(crate) fn clean(text: &str, key: Option<&SecretString>) -> String {
    let key = key.map(|key| key.expose_secret().trim()).unwrap_or("");
    // A key of a few characters is a placeholder for local servers; replacing it would garble words.
    let text = if key.len() >= 8 {
        text.replace(key, "[key]")
    } else {
        text.to_owned()
    };
    let mut clean = String::new();
    for (count, c) in text.trim().chars().enumerate() {
        if count == MAX_CHARS {
            clean.push('…');
            break;
        }
        clean.push(if c.is_control() { ' ' } else { c });
    }
    clean
}

impl ErrorKind {
    /// The kind with all its words cleaned.
    pub(crate) fn cleaned(mut self, key: Option<&SecretString>) -> Self {
        match &mut self {
            Self::Unreachable { reason: text }
            | Self::TimedOut { reason: text }
            | Self::BrokeOff { reason: text }
            | Self::InBand { message: text }
            | Self::Status { message: text, .. }
            | Self::Unauthorized { message: text }
            | Self::RateLimited { message: text, .. }
            | Self::ContextFull { message: text }
            | Self::NotThisApi { reason: text }
            | Self::TooLarge { reason: text }
            | Self::Refused { message: text }
            | Self::NotAllowed { message: text }
            | Self::Ledger { message: text }
            | Self::NotConfigured { what: text } => *text = clean(text, key),
            Self::BadToolCall { name, reason } => {
                *name = clean(name, key);
                *reason = clean(reason, key);
            }
            Self::Cancelled => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_control_characters_and_endless_words_are_removed() {
        let key = SecretString::from("sk-canary-123456");
        let text = format!("bad key sk-canary-123456\u{1b}[31m{}", "x".repeat(100_000));
        let shown = clean(&text, Some(&key));
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.starts_with("bad key [key] [31mxxx"));
        assert_eq!(shown.chars().count(), 501);
    }
}
