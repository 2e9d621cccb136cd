//! Packs the bodies of requests. Each request of a session repeats the whole conversation before it, so a body
//! is packed against an earlier one, its base, and only what is new takes space. A base is always packed
//! alone: reading a body takes at most two steps.

use kerf_protocol::SessionId;
use std::{
    collections::VecDeque,
    io::{Read as _, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

const LEVEL: i32 = 1;
/// So many sessions keep their base in memory.
const BASES: usize = 8;
/// Longer bodies are no bases, in bytes.
const BASE_BYTES: usize = 8 << 20;
/// zstd's reader takes windows up to 2^27 bytes unless told otherwise.
const LARGEST_WINDOW: u32 = 27;

/// A body that others are packed against.
pub(crate) struct Base {
    pub(crate) row: i64,
    pub(crate) body: Vec<u8>,
    /// Its length when packed alone.
    packed: usize,
}

/// The newest base of each session that was busy lately.
#[derive(Default)]
pub(crate) struct Bases(Mutex<VecDeque<(SessionId, Arc<Base>)>>);

impl Bases {
    pub(crate) fn get(&self, session: SessionId) -> Option<Arc<Base>> {
        self.lock()
            .iter()
            .find(|(id, _)| *id == session)
            .map(|(_, base)| base.clone())
    }

    /// Remembers a body that is in the ledger, packed alone.
    pub(crate) fn put(&self, session: SessionId, row: i64, body: Vec<u8>, packed: usize) {
        if body.len() > BASE_BYTES {
            return;
        }
        let mut bases = self.lock();
        bases.retain(|(id, _)| *id != session);
        bases.push_front((session, Arc::new(Base { row, body, packed })));
        bases.truncate(BASES);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(SessionId, Arc<Base>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Packs a body, and tells the row that it leans on.
pub(crate) fn pack(body: &[u8], base: Option<&Base>) -> std::io::Result<(Vec<u8>, Option<i64>)> {
    if let Some(base) = base {
        let packed = against(body, &base.body)?;
        // Half of what the base takes: the conversation has gone on, and a new base pays.
        if packed.len() < base.packed / 2 + 256 {
            return Ok((packed, Some(base.row)));
        }
    }
    Ok((against(body, &[])?, None))
}

fn against(body: &[u8], base: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = zstd::stream::write::Encoder::with_ref_prefix(Vec::new(), LEVEL, base)?;
    if !base.is_empty() {
        let window = (body.len() + base.len())
            .next_power_of_two()
            .trailing_zeros();
        encoder.window_log(window.clamp(10, LARGEST_WINDOW))?;
        encoder.long_distance_matching(true)?;
    }
    encoder.set_pledged_src_size(Some(body.len() as u64))?;
    encoder.write_all(body)?;
    encoder.finish()
}

/// Undoes [`pack`]. `length` is the body's, `base` the body of the row that it leans on, else empty.
pub(crate) fn unpack(packed: &[u8], base: &[u8], length: u64) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    // A damaged row must not unpack without end.
    zstd::stream::read::Decoder::with_ref_prefix(packed, base)?
        .take(length + 1)
        .read_to_end(&mut body)?;
    Ok(body)
}
