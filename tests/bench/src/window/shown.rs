//! From a click until what it asks for is drawn.

use super::{
    frames::Frames,
    opened::{KERF, Opened, pass},
};
use crate::{Done, child::Run};
use kerf_test_support::ModelServer;
use serde_json::Value;
use std::{path::Path, time::Duration};
use window_tests::Desk;

/// The one task in the sidebar.
const TASK: &str = "button[data-task]";
/// What belongs to the opening and comes later, such as colours, is drawn by then.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// Milliseconds from the click, and the frames until 2 s later.
pub(crate) struct Shown {
    pub(crate) millis: f64,
    pub(crate) frames: Frames,
}

/// Has Kerf do its work on the command line, in the home that the windows of the desk have too.
pub(crate) fn work(kerf: &Path, desk: &Desk, server: &ModelServer, folder: &Path) -> Done {
    let run = Run {
        kerf,
        server,
        home: desk.home(),
        folder,
        sandbox: "off",
        sample_memory: false,
    };
    run.run().map(|_ran| ())
}

/// Opens a window and its one task, and waits until an expression in the page is true and drawn.
pub(crate) fn open_task<'a>(
    desk: &'a Desk,
    folder: &Path,
    expression: &str,
) -> Done<(Opened<'a>, Shown)> {
    let opened = Opened::settled(desk, KERF, folder)?;
    let window = &opened.window;
    if window.eval(&format!("return Boolean({expression})")) != Value::Bool(false) {
        return Err("the task is open before it is clicked".to_owned());
    }
    Frames::record(window);
    // Behind a frame stands what it drew.
    window.eval(&format!(
        "addEventListener('click', () => (window.benchClicked ??= performance.now()), true);
         const look = () => {{
           if (window.benchClicked && ({expression}))
             setTimeout(() => (window.benchShown = performance.now()));
           else requestAnimationFrame(look);
         }};
         look();"
    ));
    window.click(TASK);
    window.wait("window.benchShown");
    let millis = window.eval("return benchShown - benchClicked").as_f64();
    pass(AFTERWARDS);
    let frames = Frames::recorded(window)?;
    let millis = millis.ok_or("the page does not tell a time")?;
    Ok((opened, Shown { millis, frames }))
}
