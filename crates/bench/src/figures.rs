//! Percentiles and medians, exact: from all samples, nothing binned.

use std::time::Duration;

/// Samples of one kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Adds a span, kept in milliseconds.
    pub(crate) fn push(&mut self, span: Duration) {
        self.0.push(span.as_secs_f64() * 1000.0);
    }

    /// Takes over the samples of another.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// The one that was added last.
    pub(crate) fn last(&self) -> Option<f64> {
        self.0.last().copied()
    }

    /// p50, p90, p99 and the largest, with their names.
    pub(crate) fn spread(&self) -> Vec<(&'static str, f64)> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |percent| nearest_rank(&sorted, percent);
        [("p50", at(50.0)), ("p90", at(90.0)), ("p99", at(99.0)), ("max", at(100.0))]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank is between 1 and the number of samples"
)]
fn nearest_rank(sorted: &[f64], percent: f64) -> Option<f64> {
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

/// The middle value; of an even number the mean of the two in the middle. Nothing without values.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.len() / 2;
    let above = *sorted.get(upper)?;
    if sorted.len() % 2 == 1 { Some(above) } else { Some(f64::midpoint(sorted[upper - 1], above)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: impl IntoIterator<Item = u32>) -> Samples {
        let mut samples = Samples::default();
        values.into_iter().for_each(|value| samples.push(Duration::from_millis(u64::from(value))));
        samples
    }

    #[test]
    fn a_percentile_is_one_of_the_samples() {
        let spread = |p50, p90, p99, max| vec![("p50", p50), ("p90", p90), ("p99", p99), ("max", max)];
        assert_eq!(samples((1..=100).rev()).spread(), spread(50.0, 90.0, 99.0, 100.0));
        // Of ten, only the largest is not exceeded by 99 %.
        assert_eq!(samples(1..=10).spread(), spread(5.0, 9.0, 10.0, 10.0));
        assert_eq!(samples([7]).spread(), spread(7.0, 7.0, 7.0, 7.0));
    }

    #[test]
    fn without_samples_there_is_no_figure() {
        assert!(samples([]).spread().is_empty());
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
    }
}
