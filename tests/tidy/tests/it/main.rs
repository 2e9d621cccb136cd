//! The rules, a file a group and a test a rule. A failing rule names each place and says what to do.

mod arrows;
mod attacks;
mod layout;
mod leftovers;
mod lengths;
mod links;
mod map;
mod names;
mod reach;
mod test_code;
mod window;
