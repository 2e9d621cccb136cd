//! The frames of a page: how far apart they are while something happens.

use crate::{
    Done,
    numbers::percentile,
    table::{Table, Unit},
};
use serde_json::Value;
use window_tests::Window;

/// A frame of a display with 60 Hz, and the step of the page's clock on top.
const FRAME: f64 = 16.7 + 1.0;
/// What a user notices.
const LONG: f64 = 50.0;

/// The times between frames in milliseconds.
#[derive(Debug)]
pub(crate) struct Frames(Vec<f64>);

impl Frames {
    /// Has the page note its frames from now on.
    pub(crate) fn record(window: &Window) {
        window.eval(
            "const frames = window.benchFrames = { gaps: [], on: true };
             let last = performance.now();
             const note = () => {
               const now = performance.now();
               frames.gaps.push(now - last);
               last = now;
               if (frames.on) requestAnimationFrame(note);
             };
             requestAnimationFrame(note);",
        );
    }

    /// Ends that, and gives what was noted.
    pub(crate) fn recorded(window: &Window) -> Done<Self> {
        let gaps = window.eval("benchFrames.on = false; return benchFrames.gaps");
        let gaps: Vec<f64> = gaps
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_f64)
            .collect();
        if gaps.is_empty() {
            return Err("the page drew no frame".to_owned());
        }
        Ok(Self(gaps))
    }

    pub(crate) fn longest(&self) -> f64 {
        percentile(&self.0, 1.0)
    }

    /// The part of the frames that took longer, in percent.
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    fn over(&self, limit: f64) -> f64 {
        let over = self.0.iter().filter(|gap| **gap > limit).count();
        over as f64 * 100.0 / self.0.len() as f64
    }

    /// Puts the longest frame with its limit, and how many were late, into the table.
    pub(crate) fn show(&self, what: &str, table: &mut Table) {
        let what = format!("{what}: longest frame");
        table.limited(&what, Unit::Millis, Some(self.longest()), LONG);
        self.show_late(table);
    }

    /// The same without a limit.
    pub(crate) fn compare(&self, what: &str, table: &mut Table) {
        let what = format!("{what}: longest frame");
        table.compare(&what, Unit::Millis, Some(self.longest()));
        self.show_late(table);
    }

    fn show_late(&self, table: &mut Table) {
        let count = self.0.len();
        for (what, limit) in [("16.7", FRAME), ("50", LONG)] {
            let what = format!("— of {count} frames, those over {what} ms");
            table.compare(&what, Unit::Percent, Some(self.over(limit)));
        }
    }
}
