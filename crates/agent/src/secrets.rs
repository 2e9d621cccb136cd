//! Secrets on their way: concealed in what goes to the model, put back in what the model has done here.

use kerf_model::{Message, Part};
use kerf_protocol::item::{Doubt, MAX_DOUBTS, Secrets};
use kerf_secrets::Vault;
use serde_json::Value;
use std::borrow::Cow;

/// A secret that stands in a command may hold nothing that a shell acts on: it was taken from a file, and who wrote
/// that may have meant it for the shell.
const HARMLESS: &str = "_-.,/+=:@";

/// Conceals what a message says. What an endpoint wants back unchanged stays: it came from there.
pub(crate) fn conceal(vault: &mut Vault, message: &mut Message) {
    for part in &mut message.parts {
        match part {
            Part::Text(text)
            | Part::ToolResult { output: text, .. }
            | Part::Reasoning { text, opaque: None } => conceal_text(vault, text),
            Part::ToolCall { arguments, .. } => {
                let concealed = in_json(arguments, &mut |text| match vault.conceal(text).text {
                    Cow::Borrowed(_) => None,
                    Cow::Owned(text) => Some(text),
                });
                if let Some(concealed) = concealed {
                    *arguments = concealed;
                }
            }
            Part::Reasoning { .. } | Part::Image(_) => {}
        }
    }
}

/// Conceals a text in its place.
pub(crate) fn conceal_text(vault: &mut Vault, text: &mut String) {
    if let Cow::Owned(concealed) = vault.conceal(text).text {
        *text = concealed;
    }
}

/// What a text holds of secrets, and how it goes to the model.
#[derive(Debug)]
pub(crate) struct Seen {
    /// What was found.
    pub(crate) secrets: Secrets,
    /// The text with placeholders; none: it has no secret.
    concealed: Option<String>,
    /// How many secrets the vault had once it had seen the text.
    known: usize,
}

impl Seen {
    /// The text as it goes out: what was found when it was looked through, unless more secrets are known by now.
    pub(crate) fn outgoing(&self, vault: &mut Vault, text: &str) -> String {
        if vault.len() == self.known {
            return self.concealed.as_deref().unwrap_or(text).to_owned();
        }
        vault.conceal(text).text.into_owned()
    }
}

/// Looks through a text. The vault knows its secrets from then on.
pub(crate) fn seen(vault: &mut Vault, text: &str) -> Seen {
    let concealed = vault.conceal(text);
    let mut line = 1;
    let mut counted = 0;
    let mut doubtful: Vec<Doubt> = Vec::new();
    for warning in concealed.warnings.iter().take(MAX_DOUBTS) {
        let between = &text.as_bytes()[counted..warning.range.start];
        line += between.iter().filter(|byte| **byte == b'\n').count();
        counted = warning.range.start;
        doubtful.push(Doubt {
            rule: warning.rule.to_owned(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
        });
    }
    Seen {
        secrets: Secrets {
            concealed: u32::try_from(concealed.found.len()).unwrap_or(u32::MAX),
            doubtful,
        },
        concealed: match concealed.text {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        },
        known: vault.len(),
    }
}

/// Conceals the texts inside a JSON value.
pub(crate) fn conceal_json(vault: &mut Vault, value: &mut Value) {
    each_text(value, &mut |text| match vault.conceal(text).text {
        Cow::Borrowed(_) => None,
        Cow::Owned(text) => Some(text),
    });
}

/// The arguments of a call with the values in the place of their placeholders; none when there is no placeholder.
pub(crate) fn restored(vault: &Vault, arguments: &str) -> Option<String> {
    if vault.used(arguments).is_empty() {
        return None;
    }
    in_json(arguments, &mut |text| match vault.restore(text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(text) => Some(text),
    })
}

/// A command with the values in their places, and the placeholders that stood there.
///
/// # Errors
/// When a shell would act on a value. The text is for the model.
pub(crate) fn for_shell(vault: &Vault, command: &str) -> Result<(String, Vec<String>), String> {
    let used = vault.used(command);
    let harmless = |char: char| char.is_ascii_alphanumeric() || HARMLESS.contains(char);
    if let Some(word) = used
        .iter()
        .find(|word| !vault.restore(word).chars().all(harmless))
    {
        return Err(format!(
            "Not run: the value of {word} has signs that a shell acts on. Let the command read it from the file that holds it."
        ));
    }
    let names = used.into_iter().map(str::to_owned).collect();
    Ok((vault.restore(command).into_owned(), names))
}

/// JSON with each text that `change` gives another for; none when it changes nothing, so that the bytes stay as the
/// model sent them. What is no JSON is one text.
fn in_json(json: &str, change: &mut impl FnMut(&str) -> Option<String>) -> Option<String> {
    let Ok(mut value) = serde_json::from_str::<Value>(json) else {
        return change(json);
    };
    each_text(&mut value, change).then(|| value.to_string())
}

/// Whether anything was changed. The parser limits how deep a value is.
fn each_text(value: &mut Value, change: &mut impl FnMut(&str) -> Option<String>) -> bool {
    match value {
        Value::String(text) => match change(text) {
            Some(changed) => {
                *text = changed;
                true
            }
            None => false,
        },
        Value::Array(values) => values
            .iter_mut()
            .fold(false, |any, value| each_text(value, change) | any),
        Value::Object(fields) => fields
            .values_mut()
            .fold(false, |any, value| each_text(value, change) | any),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> String {
        ["gh", "p_", "0123456789abcdefghijABCDEFGHIJklmnop"].concat()
    }

    #[test]
    fn arguments_without_a_secret_keep_their_bytes() {
        let vault = &mut Vault::new([1; 32]);
        let arguments = r#"{ "b" : 1.0, "a": "\u0041" }"#.to_owned();
        let mut message = Message {
            role: kerf_model::Role::Assistant,
            parts: vec![Part::ToolCall {
                call_id: "1".to_owned(),
                name: "x".to_owned(),
                arguments: arguments.clone(),
            }],
        };
        conceal(vault, &mut message);
        let Part::ToolCall { arguments: now, .. } = &message.parts[0] else {
            panic!("{message:?}");
        };
        assert_eq!(*now, arguments);
        assert_eq!(restored(vault, &arguments), None);
    }

    #[test]
    fn values_come_back_inside_strings_however_they_are_nested() {
        let vault = &mut Vault::new([1; 32]);
        let word = vault.conceal(&token()).text.into_owned();
        let arguments =
            serde_json::json!({"edits": [{"old": "a\n", "new": format!("\"{word}\"\n")}]});
        let restored = restored(vault, &arguments.to_string()).unwrap();
        let value: Value = serde_json::from_str(&restored).unwrap();
        assert_eq!(value["edits"][0]["new"], format!("\"{}\"\n", token()));
        assert_eq!(value["edits"][0]["old"], "a\n");
    }

    #[test]
    fn a_value_that_a_shell_acts_on_goes_into_no_command() {
        let vault = &mut Vault::new([1; 32]);
        let text = "postgres://app:aB3;rm&&x9|y7Z@db.example.org/main";
        let concealed = vault.conceal(text).text.into_owned();
        assert_ne!(concealed, text);
        let error = for_shell(vault, &format!("psql {concealed}")).unwrap_err();
        assert!(error.contains("KERF_SECRET_url_password_"), "{error}");
        let word = vault.conceal(&token()).text.into_owned();
        let (command, names) = for_shell(vault, &format!("deploy --with {word}")).unwrap();
        assert_eq!(command, format!("deploy --with {}", token()));
        assert_eq!(names, [word]);
    }
}
