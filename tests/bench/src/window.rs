//! The real window, on a display of its own and driven as a user would drive it.
//!
//! What is compared with an empty window is measured in the same run and the same way. Without the display, the driver
//! or the built programs each row says what is missing. The means of the tests are used here, and they panic; a row
//! that does so has failed, and the others go on.

mod frames;
mod idle;
mod opened;
mod review;
mod session;
mod shown;
mod start;
mod stream;

use crate::{Done, Row};
use opened::{EMPTY, KERF};
use std::{
    any::Any,
    env,
    panic::{AssertUnwindSafe, catch_unwind},
};

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "window-start",
        run: |_asked, table| guarded(|| start::run(table)),
    },
    Row {
        name: "window-idle",
        run: |_asked, table| guarded(|| idle::run(table)),
    },
    Row {
        name: "window-stream",
        run: |_asked, table| guarded(|| stream::run(table)),
    },
    Row {
        name: "window-session",
        run: |asked, table| guarded(|| session::run(&asked.kerf, table)),
    },
    Row {
        name: "window-review",
        run: |asked, table| guarded(|| review::run(&asked.kerf, table)),
    },
];

/// What a desk is made of, and Debian's packages that have it.
const NEEDED: [(&str, &str); 3] = [
    ("Xvfb", "xvfb"),
    ("dbus-daemon", "dbus-daemon"),
    ("WebKitWebDriver", "webkit2gtk-driver"),
];

fn guarded(row: impl FnOnce() -> Done) -> Done {
    is_ready()?;
    catch_unwind(AssertUnwindSafe(row)).unwrap_or_else(|panic| Err(said(&*panic)))
}

fn is_ready() -> Done {
    let path = env::var_os("PATH").unwrap_or_default();
    for (program, package) in NEEDED {
        if !env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
            return Err(format!(
                "the window needs {program}, which is not here; Debian's package is {package}"
            ));
        }
    }
    let own = env::current_exe().unwrap_or_default();
    for program in [KERF, EMPTY] {
        if !own.with_file_name(program).is_file() {
            return Err(format!(
                "{program} is not built: cargo build --release --package {program}"
            ));
        }
    }
    Ok(())
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked")
        .to_owned()
}
