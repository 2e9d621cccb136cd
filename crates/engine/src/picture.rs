//! Pictures that go with a message, read from the user's files.

use crate::failure::failure;
use base64::Engine as _;
use kerf_protocol::{Code, Failure, item::Image};
use std::{fs, path::Path};

/// Larger pictures are not sent, in bytes.
const MAX_BYTES: u64 = 20 * 1024 * 1024;

/// Reads a picture that the user named. Blocks.
///
/// # Errors
/// When it cannot be read, is larger than 20 MiB, or is no PNG, JPEG, GIF or WebP.
pub fn read_picture(path: &Path) -> Result<Image, Failure> {
    let wrong = |why: &str| {
        failure(
            Code::Usage,
            format!("the picture {} cannot be sent: {why}", path.display()),
            "Send a PNG, JPEG, GIF or WebP of up to 20 MiB",
        )
    };
    let size = fs::metadata(path).map_err(|error| wrong(&error.to_string()))?;
    if !size.is_file() || size.len() > MAX_BYTES {
        return Err(wrong("it is no file, or too large"));
    }
    let bytes = fs::read(path).map_err(|error| wrong(&error.to_string()))?;
    let media_type = media_type(&bytes).ok_or_else(|| wrong("it is none of these kinds"))?;
    Ok(Image {
        media_type: media_type.to_owned(),
        data: base64::engine::general_purpose::STANDARD.encode(bytes),
    })
}

/// The bytes tell the kind; a name can say anything.
pub(crate) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let webp = |bytes: &[u8]| bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        bytes if webp(bytes) => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_tell_the_kind() {
        for (bytes, kind) in [
            (&b"\x89PNG\r\n\x1a\n"[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"GIF89a", Some("image/gif")),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\0\0\0\0WAVE", None),
            (b"<svg>", None),
            (b"", None),
        ] {
            assert_eq!(media_type(bytes), kind, "{bytes:?}");
        }
    }
}
