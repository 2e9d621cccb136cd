//! From a turn to the bytes of an event stream: the order of deltas, the frames, and where faults cut.

use crate::script::{LineEnds, Step};
use crate::turn::{Faults, Turn};
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Duration;

/// One frame before it has line ends.
#[derive(Debug)]
pub(crate) enum Frame {
    /// An event; the terminal ones can be left out by a fault.
    Event {
        name: Option<&'static str>,
        data: String,
        terminal: bool,
    },
    /// `: text`
    Comment(String),
    /// As it is.
    Raw(String),
    /// Wait for the release.
    Hold,
}

impl Frame {
    pub(crate) fn data(data: &Value) -> Self {
        Self::Event {
            name: None,
            data: data.to_string(),
            terminal: false,
        }
    }

    pub(crate) fn named(name: &'static str, data: &Value) -> Self {
        Self::Event {
            name: Some(name),
            data: data.to_string(),
            terminal: false,
        }
    }

    pub(crate) fn terminal(self) -> Self {
        match self {
            Self::Event { name, data, .. } => Self::Event {
                name,
                data,
                terminal: true,
            },
            other => other,
        }
    }
}

/// What a wire is asked to write, in order. `block` counts the content steps of the turn from 0.
pub(crate) enum Beat<'a> {
    Start {
        block: usize,
        step: &'a Step,
    },
    Delta {
        block: usize,
        step: &'a Step,
        text: &'a str,
    },
    End {
        block: usize,
        step: &'a Step,
    },
    /// A ping, comment, raw, hold or error.
    Aside(&'a Step),
}

/// The beats of a turn: one block after the other, but neighbouring calls side by side when interleaved.
pub(crate) fn beats<'a>(turn: &Turn, steps: &'a [Step]) -> Vec<Beat<'a>> {
    let mut beats = Vec::new();
    let mut block = 0;
    let mut rest = steps;
    while let Some(step) = rest.first() {
        let calls = rest
            .iter()
            .take_while(|step| matches!(step, Step::Call { .. }))
            .count();
        let together = if turn.interleaved { calls.max(1) } else { 1 };
        let (group, later) = rest.split_at(together);
        rest = later;
        if !is_content(step) {
            beats.push(Beat::Aside(step));
            continue;
        }
        let deltas: Vec<Vec<&str>> = group.iter().map(deltas).collect();
        let blocks = || {
            group
                .iter()
                .enumerate()
                .map(|(at, step)| (at, block + at, step))
        };
        beats.extend(blocks().map(|(_, block, step)| Beat::Start { block, step }));
        for round in 0..deltas.iter().map(Vec::len).max().unwrap_or(0) {
            for (at, block, step) in blocks() {
                if let Some(text) = deltas[at].get(round) {
                    beats.push(Beat::Delta { block, step, text });
                }
            }
        }
        beats.extend(blocks().map(|(_, block, step)| Beat::End { block, step }));
        block += group.len();
    }
    beats
}

fn is_content(step: &Step) -> bool {
    matches!(
        step,
        Step::Text { .. } | Step::Refusal(_) | Step::Reasoning { .. } | Step::Call { .. }
    )
}

fn deltas(step: &Step) -> Vec<&str> {
    match step {
        Step::Text { text, deltas } | Step::Reasoning { text, deltas, .. } => {
            let count = (*deltas).max(1);
            let at: Vec<usize> = (1..count).map(|nth| text.len() * nth / count).collect();
            split(text, &at)
        }
        Step::Refusal(text) => vec![text],
        Step::Call {
            arguments, splits, ..
        } => split(arguments, splits),
        _ => Vec::new(),
    }
}

/// Splits at byte offsets, moved down to the start of a character; empty parts are left out.
fn split<'a>(text: &'a str, at: &[usize]) -> Vec<&'a str> {
    let mut cuts: Vec<usize> = at
        .iter()
        .map(|offset| text.floor_char_boundary(*offset))
        .collect();
    cuts.push(text.len());
    cuts.sort_unstable();
    let mut from = 0;
    let mut parts = Vec::new();
    for cut in cuts {
        if cut > from {
            parts.push(&text[from..cut]);
            from = cut;
        }
    }
    parts
}

/// What the connection has to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Send(Vec<u8>),
    /// Wait until all that was sent is in the socket.
    Flush,
    /// Wait for the release.
    Hold,
    Wait(Duration),
    /// Break the connection off.
    Cut,
}

/// The body of a stream, with its faults.
pub(crate) fn actions(frames: &[Frame], faults: &Faults) -> VecDeque<Action> {
    let end = match faults.line_ends {
        LineEnds::Lf => "\n",
        LineEnds::CrLf => "\r\n",
        LineEnds::Cr => "\r",
    };
    // The parts of the body, with `None` where it holds.
    let mut parts: Vec<Option<Vec<u8>>> = Vec::new();
    if faults.bom {
        parts.push(Some("\u{feff}".into()));
    }
    for frame in frames {
        match frame {
            Frame::Event { terminal: true, .. } if faults.no_terminal => {}
            Frame::Event { name, data, .. } => {
                let name = name
                    .map(|name| format!("event: {name}{end}"))
                    .unwrap_or_default();
                parts.push(Some(format!("{name}data: {data}{end}{end}").into_bytes()));
            }
            Frame::Comment(text) => parts.push(Some(format!(": {text}{end}{end}").into_bytes())),
            Frame::Raw(text) => parts.push(Some(text.clone().into_bytes())),
            Frame::Hold => parts.push(None),
        }
    }
    with_faults(parts, faults)
}

/// A plain body, with the faults that are not about event streams.
pub(crate) fn plain_actions(body: &[u8], faults: &Faults) -> VecDeque<Action> {
    with_faults(vec![Some(body.to_vec())], faults)
}

fn with_faults(parts: Vec<Option<Vec<u8>>>, faults: &Faults) -> VecDeque<Action> {
    let ends_at = [faults.cut_after, faults.end_after]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(usize::MAX);
    let mut plan = VecDeque::new();
    let mut sent = 0;
    let mut stall_at = faults.stall_after;
    for part in parts {
        let Some(bytes) = part else {
            plan.push_back(Action::Hold);
            continue;
        };
        let bytes = &bytes[..bytes.len().min(ends_at - sent)];
        let (before, after) = match stall_at {
            Some(at) if at <= sent + bytes.len() => bytes.split_at(at - sent),
            _ => (bytes, &[][..]),
        };
        send(&mut plan, before, faults);
        if stall_at.is_some_and(|at| at <= sent + bytes.len()) {
            plan.push_back(Action::Hold);
            stall_at = None;
            send(&mut plan, after, faults);
        }
        sent += bytes.len();
    }
    // A stall behind the last byte still holds the end back.
    if stall_at.is_some() {
        plan.push_back(Action::Hold);
    }
    if faults.cut_after.is_some() {
        plan.push_back(Action::Flush);
        plan.push_back(Action::Cut);
    }
    plan
}

fn send(plan: &mut VecDeque<Action>, bytes: &[u8], faults: &Faults) {
    let size = faults.pieces.unwrap_or(usize::MAX);
    for piece in bytes.chunks(size.min(bytes.len().max(1))) {
        if let Some(wait) = faults.pace {
            plan.push_back(Action::Wait(wait));
        }
        plan.push_back(Action::Send(piece.to_vec()));
        if faults.pieces.is_some() {
            plan.push_back(Action::Flush);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_split_between_characters() {
        assert_eq!(split("aüb", &[2, 2, 99]), ["a", "üb"]);
        assert_eq!(split("", &[0, 3]), Vec::<&str>::new());
        let step = Step::Text {
            text: "abcdef".into(),
            deltas: 3,
        };
        assert_eq!(deltas(&step), ["ab", "cd", "ef"]);
    }

    #[test]
    fn faults_cut_at_the_very_byte() {
        let frames = [Frame::Raw("abc".into()), Frame::Raw("def".into())];
        let send = |text: &str| Action::Send(text.into());
        let cases = [
            (
                Faults {
                    cut_after: Some(0),
                    ..Faults::default()
                },
                vec![Action::Flush, Action::Cut],
            ),
            (
                Faults {
                    cut_after: Some(4),
                    ..Faults::default()
                },
                vec![send("abc"), send("d"), Action::Flush, Action::Cut],
            ),
            (
                Faults {
                    end_after: Some(3),
                    ..Faults::default()
                },
                vec![send("abc")],
            ),
            (
                Faults {
                    stall_after: Some(0),
                    ..Faults::default()
                },
                vec![Action::Hold, send("abc"), send("def")],
            ),
            (
                Faults {
                    stall_after: Some(4),
                    ..Faults::default()
                },
                vec![send("abc"), send("d"), Action::Hold, send("ef")],
            ),
            (
                Faults {
                    stall_after: Some(9),
                    ..Faults::default()
                },
                vec![send("abc"), send("def"), Action::Hold],
            ),
            (
                Faults {
                    pieces: Some(2),
                    end_after: Some(3),
                    ..Faults::default()
                },
                vec![send("ab"), Action::Flush, send("c"), Action::Flush],
            ),
        ];
        for (faults, wanted) in cases {
            assert_eq!(Vec::from(actions(&frames, &faults)), wanted, "{faults:?}");
        }
    }
}
