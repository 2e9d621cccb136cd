//! Items and events on a terminal.

use crate::output::{Output, Style, visible};
use kerf_protocol::{
    ItemId,
    endpoint::EndpointOrigin,
    event::EventBody,
    item::{Doubt, Item, ItemBody, ItemStatus, Secrets, StepStatus},
    policy::{Isolation, Losses, NetworkLevel, QuestionAbout},
};
use std::collections::HashSet;

/// How much of a command's output is shown under it.
const OUTPUT_LINES: usize = 12;

/// Shows a whole item.
pub(crate) fn item(item: &Item, output: &Output) {
    match &item.body {
        ItemBody::UserMessage { text, comments, .. } => {
            output.line(&format!(
                "{} {}",
                output.styled(Style::Strong, ">"),
                visible(text)
            ));
            for comment in comments {
                output.line(&format!(
                    "  on {}:{}: {}",
                    visible(&comment.path),
                    comment.first_line,
                    visible(&comment.text)
                ));
            }
        }
        ItemBody::AgentMessage { text } => output.line(&visible(text)),
        ItemBody::Reasoning { .. } | ItemBody::Approval { .. } => {}
        ItemBody::ToolCall(call) => {
            let (mark, style) = match item.status {
                ItemStatus::Completed => ("✓", Style::Good),
                ItemStatus::Failed => ("✗ failed:", Style::Bad),
                ItemStatus::Denied => ("✗ refused:", Style::Bad),
                ItemStatus::Cancelled => ("✗ stopped:", Style::Notice),
                ItemStatus::Interrupted => ("? interrupted:", Style::Notice),
                ItemStatus::Running | ItemStatus::Waiting => ("…", Style::Faint),
            };
            output.line(&format!(
                "{} {}",
                output.styled(style, mark),
                visible(&call.title)
            ));
            let shown = call.tool == "run_command" || item.status != ItemStatus::Completed;
            if shown {
                let text = visible(&call.output);
                let lines: Vec<&str> = text.lines().collect();
                let skipped = lines.len().saturating_sub(OUTPUT_LINES);
                if skipped > 0 {
                    output.line(
                        &output.styled(Style::Faint, &format!("    ({skipped} lines above)")),
                    );
                }
                for line in &lines[skipped..] {
                    output.line(&output.styled(Style::Faint, &format!("    {line}")));
                }
            }
            if let Some(words) = secret_words(&call.secrets) {
                output.line(&output.styled(Style::Notice, &format!("    {words}")));
            }
            for change in &call.changes {
                output.line(&output.styled(
                    Style::Faint,
                    &format!("    {} {}", change_word(change.kind), visible(&change.path)),
                ));
            }
        }
        ItemBody::Plan { steps } => {
            for step in steps {
                let mark = match step.status {
                    StepStatus::Completed => "☑",
                    StepStatus::InProgress => "◐",
                    StepStatus::Pending => "☐",
                };
                output.line(&format!("  {mark} {}", visible(&step.step)));
            }
        }
        ItemBody::Summary { .. } => output.line(&output.styled(
            Style::Faint,
            "(the history was summarised to fit the context)",
        )),
        ItemBody::Error { failure } => {
            output.line(&format!(
                "{} {}",
                output.styled(Style::Bad, "error:"),
                visible(&failure.message)
            ));
        }
    }
}

/// What an output had of secrets, if anything.
fn secret_words(secrets: &Secrets) -> Option<String> {
    let mut parts = Vec::new();
    match secrets.concealed {
        0 => {}
        1 => parts.push("1 secret was replaced by a placeholder".to_owned()),
        many => parts.push(format!("{many} secrets were replaced by placeholders")),
    }
    if let Some(Doubt { rule, line }) = secrets.doubtful.first() {
        let more = match secrets.doubtful.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        parts.push(format!(
            "line {line} looks like a secret and is sent as it stands ({rule}){more}"
        ));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn change_word(kind: kerf_protocol::item::ChangeKind) -> &'static str {
    match kind {
        kerf_protocol::item::ChangeKind::Created => "created",
        kerf_protocol::item::ChangeKind::Modified => "changed",
        kerf_protocol::item::ChangeKind::Deleted => "deleted",
    }
}

/// Shows the events of a running turn.
pub(crate) struct Live<'a> {
    output: &'a Output,
    /// Messages that stream: their text is on screen already when they complete.
    streaming: HashSet<ItemId>,
    at_line_start: bool,
}

impl<'a> Live<'a> {
    pub(crate) fn new(output: &'a Output) -> Self {
        Self {
            output,
            streaming: HashSet::new(),
            at_line_start: true,
        }
    }

    pub(crate) fn event(&mut self, event: &EventBody) {
        let output = self.output;
        match event {
            EventBody::SessionStarted {
                folder,
                endpoint,
                isolation,
                ..
            } => {
                output.line(&output.styled(
                    Style::Faint,
                    &format!(
                        "{} · {} · {}",
                        visible(folder),
                        endpoint_words(endpoint),
                        isolation_words(isolation)
                    ),
                ));
            }
            EventBody::TurnStarted { instructions, .. }
            | EventBody::InstructionsLoaded { instructions } => {
                for file in instructions {
                    let part = if file.bytes < file.total_bytes {
                        format!(" ({} of {} bytes)", file.bytes, file.total_bytes)
                    } else {
                        String::new()
                    };
                    output.line(&output.styled(
                        Style::Faint,
                        &format!("instructions: {}{part}", visible(&file.path)),
                    ));
                }
            }
            EventBody::ItemStarted { item } => {
                if matches!(item.body, ItemBody::AgentMessage { .. }) {
                    self.streaming.insert(item.id);
                }
            }
            EventBody::ItemUpdated { item_id, delta } => {
                if self.streaming.contains(item_id) {
                    let text = visible(delta);
                    output.text(&text);
                    self.at_line_start = text.ends_with('\n');
                    output.flush();
                }
            }
            EventBody::ItemCompleted { item: done } => {
                if self.streaming.remove(&done.id) {
                    self.end_line();
                    if done.status != ItemStatus::Completed {
                        output.line(&output.styled(Style::Notice, "(the answer broke off here)"));
                    }
                } else if !matches!(done.body, ItemBody::UserMessage { .. }) {
                    item(done, output);
                }
            }
            EventBody::RequestRetried {
                attempt,
                wait_ms,
                reason,
            } => {
                let seconds = std::time::Duration::from_millis(*wait_ms).as_secs_f64();
                output.line(&output.styled(
                    Style::Notice,
                    &format!("{}; attempt {attempt} in {seconds:.1} s", visible(reason)),
                ));
            }
            EventBody::TurnCompleted {
                usage, cancelled, ..
            } => {
                self.end_line();
                let how = if *cancelled { "stopped" } else { "done" };
                let about = if usage.estimated { "about " } else { "" };
                output.line(&output.styled(
                    Style::Faint,
                    &format!(
                        "{how} · {about}{} tokens in, {} out",
                        usage.input_tokens, usage.output_tokens
                    ),
                ));
            }
            EventBody::TurnFailed { .. } => self.end_line(),
            EventBody::ApprovalRequested { .. }
            | EventBody::SessionRestored { .. }
            | EventBody::ContextUpdated { .. } => {}
        }
        output.flush();
    }

    fn end_line(&mut self) {
        if !self.at_line_start {
            self.output.line("");
            self.at_line_start = true;
        }
    }
}

fn endpoint_words(endpoint: &kerf_protocol::endpoint::Endpoint) -> String {
    match endpoint.origin {
        EndpointOrigin::Practice => {
            "practice (rules inside Kerf, not a language model; `kerf endpoints add` adds one)"
                .to_owned()
        }
        _ => format!(
            "{} at {}",
            visible(&endpoint.model),
            visible(&endpoint.base_url)
        ),
    }
}

/// The isolation in words.
pub(crate) fn isolation_words(isolation: &Isolation) -> String {
    match isolation {
        Isolation::Full => "sandboxed".to_owned(),
        Isolation::Reduced { .. } => "sandboxed (reduced)".to_owned(),
        Isolation::Off => "sandbox off".to_owned(),
        Isolation::Unavailable { reason } => format!("no sandbox: {}", visible(reason)),
    }
}

/// What an isolated command can connect to.
fn network_words(NetworkLevel { hosts, asks }: NetworkLevel) -> String {
    match (hosts, asks) {
        (0, false) => ", network: off".to_owned(),
        (0, true) => ", network: asks you".to_owned(),
        (1, _) => ", network: 1 host".to_owned(),
        (hosts, _) => format!(", network: {hosts} hosts"),
    }
}

/// The files that a command would take away.
fn losses(losses: &Losses, output: &Output) {
    let others = if losses.others {
        "files that it does not name"
    } else {
        ""
    };
    let (count, bytes) = (losses.count, losses.bytes);
    let words = match (count, others) {
        (0, others) => others.to_owned(),
        (1, "") => format!("1 file of {bytes} bytes"),
        (count, "") => format!("{count} files of {bytes} bytes"),
        (count, others) => format!("{count} files of {bytes} bytes, and {others}"),
    };
    output.line(&output.styled(
        Style::Notice,
        &format!("  It would take away or write over {words}."),
    ));
    for file in &losses.files {
        output.line(&format!(
            "    {} ({} bytes)",
            visible(&file.path),
            file.bytes
        ));
    }
    let more = count.saturating_sub(losses.files.len() as u64);
    if more > 0 {
        output.line(&format!("    and {more} more"));
    }
}

/// A question, whole: nothing of what would happen may be hidden.
pub(crate) fn question(about: &QuestionAbout, output: &Output) {
    match about {
        QuestionAbout::Command {
            command,
            cwd,
            isolation,
            network,
            secrets,
            loses,
        } => {
            let place = if cwd.is_empty() || cwd == "." {
                String::new()
            } else {
                format!(" in {}", visible(cwd))
            };
            let network = match isolation {
                Isolation::Full | Isolation::Reduced { .. } => network_words(*network),
                Isolation::Off | Isolation::Unavailable { .. } => String::new(),
            };
            output.line(&output.styled(
                Style::Strong,
                &format!(
                    "Run this command{place}? ({}{network})",
                    isolation_words(isolation)
                ),
            ));
            for line in visible(command).split('\n') {
                output.line(&format!("    {line}"));
            }
            for secret in secrets {
                output.line(&format!(
                    "  A secret goes into it in the place of {}.",
                    visible(secret)
                ));
            }
            if let Some(loses) = loses {
                losses(loses, output);
            }
        }
        QuestionAbout::Network {
            host,
            command,
            secrets,
        } => {
            output.line(&output.styled(
                Style::Strong,
                &format!("Let this command connect to {}?", visible(host)),
            ));
            for line in visible(command).split('\n') {
                output.line(&format!("    {line}"));
            }
            for secret in secrets {
                output.line(&format!(
                    "  The command has a secret in the place of {}, and could send it there.",
                    visible(secret)
                ));
            }
        }
        QuestionAbout::Edit { diff } => {
            output.line(&output.styled(Style::Strong, "Make this change?"));
            for line in visible(diff).lines() {
                let style = match line.as_bytes().first() {
                    Some(b'+') => Some(Style::Good),
                    Some(b'-') => Some(Style::Bad),
                    _ => None,
                };
                let text = format!("    {line}");
                output.line(
                    &style
                        .map_or_else(|| text.as_str().into(), |style| output.styled(style, &text)),
                );
            }
        }
        QuestionAbout::Ask { question, options } => {
            output.line(&output.styled(Style::Strong, &visible(question)));
            for (index, option) in options.iter().enumerate() {
                output.line(&format!("  {}. {}", index + 1, visible(option)));
            }
        }
        QuestionAbout::Interrupted { tool, detail } => {
            output.line(&output.styled(
                Style::Strong,
                &format!(
                    "Kerf stopped while {} was running; it may or may not have finished:",
                    visible(tool)
                ),
            ));
            output.line(&format!("    {}", visible(detail)));
            output.line("It is not run again by itself. May the agent run it again?");
        }
    }
    output.flush();
}
