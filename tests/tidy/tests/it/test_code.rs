//! Tests do not depend on how fast the machine is.

use tidy::{forbid, source::Source, tree::rust};

fn in_tests<'a>(source: &'a Source, what: &'a str) -> impl Iterator<Item = usize> + 'a {
    source.find(what).filter(|at| source.is_test_at(*at))
}

#[test]
fn no_test_sleeps() {
    let mut wrong = Vec::new();
    for source in rust() {
        for call in [
            "sleep(",
            "sleep_until(",
            "sleep_ms(",
            "thread::sleep",
            "time::sleep",
        ] {
            wrong.extend(in_tests(source, call).map(|at| source.place(at)));
        }
    }
    wrong.sort();
    wrong.dedup();
    forbid(
        wrong,
        "Wait for the event itself: a channel, a process's end, ModelServer::wait_for.",
    );
}

#[test]
fn no_test_asserts_how_long_something_took() {
    const MEASURED: [&str; 5] = [
        "elapsed",
        "duration_since",
        "as_millis()",
        "as_secs_f64()",
        "Instant::now",
    ];
    let mut wrong = Vec::new();
    for source in rust() {
        for call in ["assert!(", "assert_eq!(", "assert_ne!(", "prop_assert!("] {
            for at in in_tests(source, call) {
                let condition = source.group(at + call.len() - 1);
                let measured = MEASURED.iter().any(|word| condition.contains(word));
                // A comparison with a fixed time is one with the clock.
                let compared = condition.contains("Duration::from_")
                    && (condition.contains('<') || condition.contains('>'));
                if measured || compared {
                    wrong.push(source.place(at));
                }
            }
        }
    }
    forbid(
        wrong,
        "Assert the order of events, or how much was done, not how long it took; tests/bench measures time.",
    );
}
