//! The vault from outside: what is found, what is put back, and that nothing else is touched.

mod blocks;
mod kinds;
mod properties;
mod repositories;
mod tokens;
mod vaults;
