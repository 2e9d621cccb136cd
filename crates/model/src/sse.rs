//! Server-sent events: bytes in pieces of any size become frames.
//!
//! This is our own because frames come from servers that nobody vouches for: a frame has an upper size, the work is
//! linear however small the pieces are, a byte-order mark is harmless, and a frame is never made from half its bytes.

/// One event: its name (empty when the server gave none) and its data.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Frame {
    pub(crate) event: String,
    pub(crate) data: String,
}

/// A frame grew beyond the limit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FrameTooLarge;

/// The largest frame, in bytes.
pub(crate) const MAX_FRAME: usize = 16 * 1024 * 1024;

/// The decoder's state between two pieces.
#[derive(Debug)]
pub(crate) struct Decoder {
    max: usize,
    /// The line that is still without its end.
    line: Vec<u8>,
    frame: Frame,
    has_data: bool,
    /// The last byte was a CR, so that a LF right after it belongs to it.
    after_cr: bool,
    first_line: bool,
}

impl Decoder {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            line: Vec::new(),
            frame: Frame::default(),
            has_data: false,
            after_cr: false,
            first_line: true,
        }
    }

    /// Takes the next bytes and appends the frames they complete to `frames`.
    pub(crate) fn push(
        &mut self,
        mut bytes: &[u8],
        frames: &mut Vec<Frame>,
    ) -> Result<(), FrameTooLarge> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &bytes[..end.unwrap_or(bytes.len())];
            if self.line.len() + self.frame.data.len() + part.len() > self.max {
                return Err(FrameTooLarge);
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { break };
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line(frames);
        }
        Ok(())
    }

    fn end_line(&mut self, frames: &mut Vec<Frame>) {
        let line = std::mem::take(&mut self.line);
        let mut text = String::from_utf8_lossy(&line);
        if std::mem::take(&mut self.first_line)
            && let Some(rest) = text.strip_prefix('\u{feff}')
        {
            text = rest.to_owned().into();
        }
        if text.is_empty() {
            let frame = std::mem::take(&mut self.frame);
            if std::mem::take(&mut self.has_data) {
                frames.push(frame);
            }
        } else {
            let (name, value) = text.split_once(':').unwrap_or((&text, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "data" => {
                    if std::mem::replace(&mut self.has_data, true) {
                        self.frame.data.push('\n');
                    }
                    self.frame.data.push_str(value);
                }
                "event" => value.clone_into(&mut self.frame.event),
                // Comments have an empty name; `id` and `retry` are for browsers that reconnect.
                _ => {}
            }
        }
        // The buffer is used again, unless one giant line made it too large to keep.
        if line.capacity() <= 64 * 1024 {
            self.line = line;
            self.line.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut decoder = Decoder::new(1024);
        let mut frames = Vec::new();
        for piece in pieces {
            decoder
                .push(piece, &mut frames)
                .expect("frames are small here");
        }
        frames.into_iter().map(|f| (f.event, f.data)).collect()
    }

    #[rstest::rstest]
    #[case::plain("data: a\n\n", &[("", "a")])]
    #[case::crlf("event: x\r\ndata: a\r\n\r\n", &[("x", "a")])]
    #[case::cr("data: a\r\rdata: b\r\r", &[("", "a"), ("", "b")])]
    #[case::no_space("data:a\n\n", &[("", "a")])]
    #[case::two_spaces("data:  a\n\n", &[("", " a")])]
    #[case::many_lines("data: a\ndata: b\n\n", &[("", "a\nb")])]
    #[case::bom("\u{feff}data: a\n\n", &[("", "a")])]
    #[case::comments(": hello\n\n:\n\ndata: a\n: in between\n\n", &[("", "a")])]
    #[case::name_without_data("event: x\n\ndata: a\n\n", &[("", "a")])]
    #[case::empty_data("data\n\n", &[("", "")])]
    #[case::other_fields("id: 1\nretry: 5\ndata: a\n\n", &[("", "a")])]
    #[case::not_finished("data: a\n\ndata: b\n", &[("", "a")])]
    #[case::text("data: a: b\n\n", &[("", "a: b")])]
    fn reads(#[case] bytes: &str, #[case] expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(event, data)| ((*event).to_owned(), (*data).to_owned()))
            .collect();
        assert_eq!(frames(&[bytes.as_bytes()]), expected, "in one piece");
        let pieces: Vec<&[u8]> = bytes.as_bytes().chunks(1).collect();
        assert_eq!(frames(&pieces), expected, "byte by byte");
    }

    #[test]
    fn bytes_that_are_not_utf8_do_not_end_the_stream() {
        assert_eq!(
            frames(&[b"data: a\xff\n\ndata: b\n\n"]),
            [
                (String::new(), "a\u{fffd}".to_owned()),
                (String::new(), "b".to_owned())
            ]
        );
    }

    #[test]
    fn a_frame_has_a_limit_in_one_line_and_over_many() {
        let mut decoder = Decoder::new(100);
        assert_eq!(
            decoder.push(&[b'x'; 101], &mut Vec::new()),
            Err(FrameTooLarge)
        );
        let mut decoder = Decoder::new(100);
        let lines = "data: 0123456789\n".repeat(20);
        assert_eq!(
            decoder.push(lines.as_bytes(), &mut Vec::new()),
            Err(FrameTooLarge)
        );
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            lines in prop::collection::vec("(data: ?|event:|:|)[aé漢🦀 ]{0,5}(\r\n|\n|\r)", 0..20),
            cuts in prop::collection::vec(0usize..200, 0..10),
        ) {
            let bytes = lines.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(frames(&pieces), frames(&[&bytes]));
        }
    }
}
