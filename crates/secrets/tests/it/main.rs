//! The vault from outside: what is found, what is put back, and that nothing else is touched.

mod blocks;
mod kinds;
mod properties;
mod tokens;
mod vaults;
