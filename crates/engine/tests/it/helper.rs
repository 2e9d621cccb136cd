//! The program that runs commands and asks for git, for the tests of this crate; nothing ships it.

fn main() {
    kerf_engine::run_if_helper();
}
