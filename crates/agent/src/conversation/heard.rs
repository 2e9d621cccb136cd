//! What stands in the user's place in the conversation: the user's own words, and what is beside them, with where it comes
//! from.

use super::Conversation;
use crate::{secrets, set_up, sources::SET_UP_OUTPUT};
use kerf_model::{Part, Role};
use kerf_protocol::{
    ItemId,
    item::{Comment, Item, ItemBody, ItemStatus, ToolCall},
    ledger::FileRange,
    policy::Answer,
};
use std::fmt::Write;

impl Conversation {
    /// What the user said.
    pub(crate) fn push_user(&mut self, item: &Item) {
        if let ItemBody::UserMessage {
            text,
            images,
            comments,
        } = &item.body
        {
            let quoted = || comments.iter().filter(|one| !one.excerpt.is_empty());
            let mut parts = vec![Part::Text(user_text(text, comments))];
            parts.extend(images.iter().cloned().map(Part::Image));
            let quotes = quoted()
                .map(|comment| FileRange {
                    path: comment.path.clone(),
                    first_line: comment.first_line,
                    last_line: comment.last_line,
                })
                .map(|range| (0, range))
                .collect();
            self.push(Role::User, parts, quotes, item.id);
            self.read_in_last(quoted().map(|comment| comment.path.clone()).collect());
            for said in std::iter::once(text).chain(comments.iter().map(|comment| &comment.text)) {
                self.remember_said(said);
            }
        }
    }

    /// What the user answered about an interrupted call.
    pub(crate) fn push_answer(&mut self, answer: &Answer, item: ItemId) {
        self.push_text(interrupted_note(answer), item);
        if let Answer::Deny { reason: text } | Answer::Text { text } = answer {
            self.remember_said(text);
        }
    }

    /// How the user's set-up command ended.
    pub(crate) fn push_set_up(&mut self, call: &ToolCall, status: ItemStatus, item: ItemId) {
        self.push_text(set_up::note(call, status), item);
        self.read_in_last(vec![SET_UP_OUTPUT.to_owned()]);
        if let Some(command) = call.arguments["command"].as_str() {
            self.remember_said(command);
        }
    }

    /// As the messages have it: with placeholders.
    fn remember_said(&mut self, text: &str) {
        let mut said = text.to_owned();
        secrets::conceal_text(&mut self.vault, &mut said);
        self.said.push(said);
    }

    /// Where the text of the last message comes from.
    pub(super) fn read_in_last(&mut self, from: Vec<String>) {
        if let Some(about) = self.about.last_mut() {
            about.read_from = from;
        }
    }

    /// All that the user wrote.
    pub(crate) fn said(&self) -> &[String] {
        &self.said
    }

    /// For each message where its text comes from, as far as it is not the user's.
    pub(crate) fn read_from(&self) -> impl Iterator<Item = &[String]> {
        self.about.iter().map(|about| about.read_from.as_slice())
    }
}

/// What the model is told of the user's answer about an interrupted call.
fn interrupted_note(answer: &Answer) -> String {
    let says = match answer {
        Answer::Allow | Answer::AllowForSession | Answer::AllowForProject => {
            "it may be run again".to_owned()
        }
        Answer::Deny { reason } if reason.is_empty() => "do not run it again".to_owned(),
        Answer::Deny { reason: text } | Answer::Text { text } => text.clone(),
    };
    format!("About the call that was interrupted, the user says: {says}")
}

fn user_text(text: &str, comments: &[Comment]) -> String {
    if comments.is_empty() {
        return text.to_owned();
    }
    let mut all = text.to_owned();
    if !all.trim().is_empty() {
        all.push_str("\n\n");
    }
    all.push_str("Comments on your changes:\n");
    for comment in comments {
        let _ = writeln!(
            all,
            "\n{}:{}-{}",
            comment.path, comment.first_line, comment.last_line
        );
        for line in comment.excerpt.lines() {
            let _ = writeln!(all, "> {line}");
        }
        let _ = writeln!(all, "{}", comment.text);
    }
    all
}
