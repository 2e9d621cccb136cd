//! What a page may send to the engine. The first byte chooses the method, the rest are its parameters; or the whole is
//! the message.
//!
//! What is no request is an error; what is one is written as it was read.
#![no_main]

use kerf_protocol::request::{METHODS, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    check(data);
    let [method, params @ ..] = data else { return };
    let method = METHODS[usize::from(*method) % METHODS.len()];
    let mut message = format!("{{\"method\":\"{method}\",\"params\":").into_bytes();
    message.extend_from_slice(params);
    message.push(b'}');
    check(&message);
});

fn check(message: &[u8]) {
    let Ok(request) = serde_json::from_slice::<Request>(message) else {
        return;
    };
    let written = serde_json::to_string(&request).expect("a request that was read can be written");
    let again: Request = serde_json::from_str(&written).expect("what was written can be read");
    let again = serde_json::to_string(&again).expect("a request that was read can be written");
    assert_eq!(again, written);
}
