//! The streams of the three wires. The first byte chooses the wire, the second the size of the pieces.
//!
//! Whatever comes is a reply or an error, the same however it is cut; and no tool call is real unless its message is
//! complete and its arguments are a JSON object.
#![no_main]

use bytes::Bytes;
use kerf_model::{ModelError, Part, Reply, Stop, fuzzing};
use kerf_protocol::endpoint::Wire;
use libfuzzer_sys::fuzz_target;
use std::{cell::LazyCell, collections::HashSet};
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: LazyCell<Runtime> = LazyCell::new(|| {
        Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime without I/O starts")
    });
}

fuzz_target!(|data: &[u8]| {
    let [wire, size, body @ ..] = data else {
        return;
    };
    let wire = [Wire::Chat, Wire::Responses, Wire::Anthropic][usize::from(*wire) % 3];
    let whole = decode(wire, vec![Bytes::copy_from_slice(body)]);
    let size = usize::from(*size) + 1;
    let pieces = body.chunks(size).map(Bytes::copy_from_slice).collect();
    let cut = decode(wire, pieces);
    match (&whole, &cut) {
        (Ok(whole), Ok(cut)) => assert_eq!(whole, cut),
        (Err(whole), Err(cut)) => assert_eq!(whole.partial, cut.partial),
        _ => panic!("in one piece {whole:?}, in pieces of {size} {cut:?}"),
    }
    match whole {
        Ok(reply) => check(&reply),
        Err(error) => assert!(!error.partial.iter().any(is_call)),
    }
});

fn decode(wire: Wire, pieces: Vec<Bytes>) -> Result<Reply, ModelError> {
    RUNTIME.with(|runtime| runtime.block_on(fuzzing::decode(wire, pieces)))
}

fn is_call(part: &Part) -> bool {
    matches!(part, Part::ToolCall { .. })
}

fn check(reply: &Reply) {
    let mut ids = HashSet::new();
    for part in &reply.parts {
        let Part::ToolCall {
            call_id,
            name,
            arguments,
        } = part
        else {
            continue;
        };
        assert_eq!(reply.stop, Stop::ToolCalls);
        assert!(!name.is_empty());
        assert!(!call_id.is_empty() && ids.insert(call_id), "{call_id}");
        let arguments: Result<serde_json::Value, _> = serde_json::from_str(arguments);
        assert!(arguments.is_ok_and(|arguments| arguments.is_object()));
    }
}
