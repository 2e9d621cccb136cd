//! When a request is sent again, and how long that waits.

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use http::HeaderMap;
use kerf_egress::Timeouts;
use std::time::{Duration, SystemTime};

/// The longest wait that an endpoint may ask for before Kerf gives up at once and says so.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// How patient a request is. Tests are less patient than users.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    pub(crate) timeouts: Timeouts,
    /// The wait before the first retry; it doubles from there. Jitter adds up to the same again.
    pub(crate) first_wait: Duration,
    pub(crate) retries: usize,
    /// The longest time with nothing but pings and comments.
    pub(crate) silence: Duration,
    /// How long to wait for the rest (usage, end mark) once the message is complete.
    pub(crate) rest: Duration,
}

impl Pace {
    /// A local server may read a long prompt for minutes before its first byte; a remote one does not.
    pub(crate) fn new(local: bool) -> Self {
        let mut timeouts = Timeouts::default();
        if local {
            timeouts.first_byte = Duration::from_secs(1800);
            timeouts.idle = Duration::from_secs(600);
        }
        Self {
            timeouts,
            first_wait: Duration::from_millis(500),
            retries: 3,
            silence: Duration::from_secs(600),
            rest: Duration::from_secs(5),
        }
    }

    pub(crate) fn waits(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_min_delay(self.first_wait)
            .with_max_delay(Duration::from_secs(30))
            .with_max_times(self.retries)
            .with_jitter()
            .build()
    }
}

/// The wait that an answer asks for: `retry-after-ms`, or `retry-after` in seconds or as a date.
/// A date counts from the answer's own `date`, so that a wrong clock here does no harm.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str| Duration::try_from_secs_f64(text.parse::<f64>().ok()?).ok();
    if let Some(wait) = text("retry-after-ms").and_then(number) {
        return Some(wait / 1000);
    }
    let asked = text("retry-after")?;
    if !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are simply very long.
        return Some(Duration::from_secs(asked.parse().unwrap_or(u64::MAX / 2)));
    }
    if let Some(wait) = number(asked) {
        return Some(wait);
    }
    let date = |text: &str| {
        jiff::fmt::rfc2822::parse(text)
            .ok()
            .map(|zoned| SystemTime::from(zoned.timestamp()))
    };
    let from = text("date").and_then(date).unwrap_or(now);
    let until = date(asked)?;
    Some(until.duration_since(from).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(&[("retry-after", "7")], Some(7_000))]
    #[case(&[("retry-after", "0.25")], Some(250))]
    #[case(&[("retry-after-ms", "1500"), ("retry-after", "9")], Some(1_500))]
    #[case(&[("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT"), ("date", "Wed, 21 Oct 2015 07:28:00 GMT")], Some(30_000))]
    #[case(&[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"), ("date", "Wed, 21 Oct 2015 07:28:30 GMT")], Some(0))]
    #[case(&[("retry-after", "Thu, 01 Jan 1970 00:00:20 GMT")], Some(10_000))]
    #[case(&[("retry-after", "soon")], None)]
    #[case(&[("retry-after", "-5")], None)]
    #[case(&[("retry-after", "")], None)]
    #[case(&[("retry-after", "NaN")], None)]
    #[case(&[], None)]
    fn reads_the_wait(#[case] headers: &[(&'static str, &str)], #[case] millis: Option<u64>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header value"));
        }
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        assert_eq!(retry_after(&map, now), millis.map(Duration::from_millis));
    }

    #[test]
    fn a_number_without_end_is_a_long_wait_and_no_overflow() {
        let mut map = HeaderMap::new();
        map.insert(
            "retry-after",
            "99999999999999999999999".parse().expect("a header value"),
        );
        let wait = retry_after(&map, SystemTime::now());
        assert!(wait.is_some_and(|wait| wait > LONGEST_WAIT));
    }

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<_> = Pace::new(false).waits().collect();
        assert_eq!(waits.len(), 3);
        for (n, wait) in waits.iter().enumerate() {
            let low = Duration::from_millis(500 << n);
            assert!((low..=2 * low).contains(wait), "{n}: {wait:?}");
        }
    }
}
