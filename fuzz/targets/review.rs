//! Histories of a file under review: who changed it, what was accepted, rejected and undone.
//!
//! The input is the seed from which the review's own property tests draw a history, and what they check is checked here
//! at each step. So the fuzzer keeps the histories that reach something new, and does not steer them.
#![no_main]

#[path = "../../crates/review/tests/it/histories.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a part of it is for the tests alone, and a broken rule is a find"
)]
mod histories;
#[path = "../../crates/review/tests/it/support.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "a part of it is for the tests alone, and a broken rule is a find"
)]
mod support;

use histories::{any_content, check, step, walk};
use kerf_review::FileReview;
use libfuzzer_sys::fuzz_target;
use proptest::{
    collection::vec,
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

fuzz_target!(|data: &[u8]| {
    let mut seed = [0; 32];
    for (at, byte) in data.iter().enumerate() {
        seed[at % 32] ^= byte;
    }
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), chance);
    let Ok(drawn) = (any_content(), vec(step(), 1..14)).new_tree(&mut runner) else {
        return;
    };
    let (origin, steps) = drawn.current();
    let mut review = FileReview::new(origin);
    let mut undos = Vec::new();
    for step in &steps {
        walk(&mut review, step, &mut undos);
        check(&review);
    }
});
