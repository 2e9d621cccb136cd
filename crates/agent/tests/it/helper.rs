//! The sandbox helper for the tests of commands; nothing ships it.

fn main() {
    kerf_sandbox::run_if_helper();
}
