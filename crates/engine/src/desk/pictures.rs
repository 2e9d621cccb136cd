//! The pictures of a review: what a file was and is proposed to be, when its bytes are a picture.
//!
//! A picture is known by its bytes, and how large it is drawn is read from its head before anybody draws it: a few bytes
//! can say that they are gigabytes. An SVG is text, known by its name; it is for the front to draw it as a picture and
//! nothing else, and only one that is known to come to an end is handed out.

mod svg;

use super::Desk;
use crate::picture::media_type;
use base64::Engine as _;
use kerf_checkpoint::Hash;
use kerf_protocol::{
    Failure,
    desk::{Drawn, MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS, Picture, Pictures},
    review::Opaque,
    scope::Scope,
};
use kerf_review::Content;

/// So many parts of a JPEG are gone through to find its size.
const MAX_SEGMENTS: usize = 500;

impl Desk {
    /// The picture that a file was, and the one that it is proposed to be.
    pub(crate) fn pictures(&self, path: &str, scope: &Scope) -> Result<Pictures, Failure> {
        let review = self.seen_in(path, scope)?;
        Ok(Pictures {
            before: self.picture(path, review.origin()),
            after: self.picture(path, &review.proposed()),
        })
    }

    fn picture(&self, path: &str, content: &Content) -> Option<Picture> {
        match content {
            Content::Absent => None,
            Content::Text { bytes, .. } => Some(picture(path, bytes)),
            Content::Opaque {
                len, kind, hash, ..
            } => {
                let known = |drawn| Picture {
                    bytes: *len,
                    width: None,
                    height: None,
                    drawn,
                };
                if *kind == Opaque::Link {
                    return Some(known(Drawn::NoPicture));
                }
                if *len > MAX_PICTURE_BYTES {
                    return Some(known(Drawn::TooLarge));
                }
                match self.blobs.get(&Hash::from(*hash)) {
                    Ok(bytes) => Some(picture(path, &bytes)),
                    Err(error) => {
                        tracing::debug!(path, %error, "a picture is not kept");
                        Some(known(Drawn::NotKept))
                    }
                }
            }
        }
    }
}

fn picture(path: &str, bytes: &[u8]) -> Picture {
    let is_svg = path
        .rsplit_once('.')
        .is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("svg"));
    let media_type = media_type(bytes).or_else(|| {
        (is_svg && std::str::from_utf8(bytes).is_ok_and(|text| text.contains("<svg")))
            .then_some("image/svg+xml")
    });
    let size = media_type.and_then(|kind| size(kind, bytes));
    let drawn = match media_type {
        None => Drawn::NoPicture,
        // One that does not say how large it is, is broken.
        Some(kind) if kind != "image/svg+xml" && size.is_none() => Drawn::NoPicture,
        Some(_)
            if bytes.len() as u64 > MAX_PICTURE_BYTES
                || size.is_some_and(|(w, h)| u64::from(w) * u64::from(h) > MAX_PICTURE_PIXELS) =>
        {
            Drawn::TooLarge
        }
        Some(kind) => match (kind == "image/svg+xml").then(|| endless(bytes)).flatten() {
            Some(part) => Drawn::Endless { part },
            None => Drawn::Yes {
                media_type: kind.to_owned(),
                data: base64::engine::general_purpose::STANDARD.encode(bytes),
            },
        },
    };
    Picture {
        bytes: bytes.len() as u64,
        width: size.map(|(width, _)| width),
        height: size.map(|(_, height)| height),
        drawn,
    }
}

/// See [`svg::endless`].
fn endless(bytes: &[u8]) -> Option<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => svg::endless(text),
        Err(_) => Some("bytes that are no text".to_owned()),
    }
}

/// Width and height in pixels, as a picture's head tells; none when it does not.
fn size(media_type: &str, bytes: &[u8]) -> Option<(u32, u32)> {
    let little = |at: usize| {
        Some(u32::from(u16::from_le_bytes(
            *bytes.get(at..)?.first_chunk()?,
        )))
    };
    let big = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    match media_type {
        // After the signature, the first chunk is the header.
        "image/png" if bytes.get(12..16) == Some(b"IHDR") => Some((big(16)?, big(20)?)),
        "image/gif" => Some((little(6)?, little(8)?)),
        "image/webp" => webp_size(bytes),
        "image/jpeg" => jpeg_size(bytes),
        _ => None,
    }
    .filter(|(width, height)| *width > 0 && *height > 0)
}

/// The canvas of an extended file, else the frame of one of the two plain kinds (RFC 9649).
fn webp_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let at = |at: usize| bytes.get(at).copied().map(u32::from);
    let three = |from: usize| Some(at(from)? | at(from + 1)? << 8 | at(from + 2)? << 16);
    let low14 = |from: usize| Some((at(from)? | at(from + 1)? << 8) & 0x3fff);
    match bytes.get(12..16)? {
        b"VP8X" => Some((three(24)? + 1, three(27)? + 1)),
        b"VP8L" => {
            let bits = u32::from_le_bytes(*bytes.get(21..)?.first_chunk()?);
            Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8 " => Some((low14(26)?, low14(28)?)),
        _ => None,
    }
}

/// The size in the first frame header (ISO/IEC 10918-1, B.2.2).
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let two = |at: usize| Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let mut at = 2;
    for _ in 0..MAX_SEGMENTS {
        while bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        let marker = *bytes.get(at..at + 2)?.strip_prefix(&[0xff])?.first()?;
        // Frame headers; three numbers among them are something else.
        if (0xc0..=0xcf).contains(&marker) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return Some((u32::from(two(at + 7)?), u32::from(two(at + 5)?)));
        }
        at += 2 + usize::from(two(at + 2)?).max(2);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes
    }

    #[test]
    fn the_head_tells_the_size() {
        let jpeg = [
            &b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc4\0\x02\xff\xc2\0\x11\x08\0\x30\0\x40"[..],
            &[0; 9],
        ]
        .concat();
        let vp8x = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\0\0\x2f\0\0";
        let lossless = b"RIFF\0\0\0\0WEBPVP8L\x05\0\0\0\x2f\x3f\xc0\x0b\0";
        let lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x40\0\x30\0";
        for (name, bytes) in [
            ("png", png(64, 48)),
            ("gif", b"GIF89a\x40\0\x30\0".to_vec()),
            ("jpeg", jpeg),
            ("webp extended", vp8x.to_vec()),
            ("webp lossless", lossless.to_vec()),
            ("webp lossy", lossy.to_vec()),
        ] {
            let picture = picture("a.bin", &bytes);
            assert_eq!(
                (picture.width, picture.height),
                (Some(64), Some(48)),
                "{name}"
            );
            assert!(matches!(picture.drawn, Drawn::Yes { .. }), "{name}");
        }
    }

    #[test]
    fn what_is_broken_or_would_fill_the_memory_is_not_drawn() {
        for (path, bytes, drawn) in [
            ("a.png", png(100_000, 100_000), Drawn::TooLarge),
            ("a.png", png(u32::MAX, u32::MAX), Drawn::TooLarge),
            ("a.png", png(0, 4), Drawn::NoPicture),
            ("a.png", b"\x89PNG\r\n\x1a\n".to_vec(), Drawn::NoPicture),
            ("a.png", b"no picture".to_vec(), Drawn::NoPicture),
            (
                "a.jpg",
                [&b"\xff\xd8\xff"[..], &b"\xe0\0\0".repeat(9_000)].concat(),
                Drawn::NoPicture,
            ),
            ("a.svg", b"no drawing".to_vec(), Drawn::NoPicture),
            ("a.png", b"<svg/>".to_vec(), Drawn::NoPicture),
        ] {
            assert_eq!(picture(path, &bytes).drawn, drawn, "{path} {bytes:.20?}");
        }
        assert_eq!(
            picture("a.svg", b"<svg><animate/></svg>").drawn,
            Drawn::Endless {
                part: "<animate>".to_owned()
            }
        );
        let svg = picture("a.SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>").drawn;
        assert!(matches!(svg, Drawn::Yes { media_type, .. } if media_type == "image/svg+xml"));
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_size_or_none(kind in 0..4_usize, rest in proptest::collection::vec(any::<u8>(), 0..200)) {
            let heads = [&b"\x89PNG"[..], b"\xff\xd8\xff", b"GIF8", b"RIFF\0\0\0\0WEBPVP8X"];
            picture("a.png", &[heads[kind], &rest].concat());
        }
    }
}
