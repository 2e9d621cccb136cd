//! Medians, percentiles and units.

use std::time::Duration;

/// The value below which `share` (0 to 1) of all lie. Of none it is 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index of a short list"
)]
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let index = (last as f64 * share).round() as usize;
    sorted.get(index).copied().unwrap_or_default()
}

pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Bytes as MiB.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_short_lists() {
        let values = [4.0, 1.0, 3.0, 2.0, 5.0];
        let at = |share| percentile(&values, share);
        assert_eq!([at(0.0), at(0.5), at(0.95), at(1.0)], [1.0, 3.0, 5.0, 5.0]);
        assert_eq!((percentile(&[], 0.5), percentile(&[7.0], 0.95)), (0.0, 7.0));
    }
}
