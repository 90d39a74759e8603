//! The value axis: where it begins and ends, and which values it names.

use super::number::{grouped, magnitude, percent};

/// A linear axis with round ticks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    step: f64,
    /// The first and the last tick, in steps from zero.
    first: i64,
    last: i64,
}

impl Scale {
    /// An axis over `values` with about `ticks` intervals.
    ///
    /// It starts at zero, as lengths can be compared only so. With `from_zero` false it may start
    /// higher when the values lie close together far from zero.
    pub(super) fn over(values: impl Iterator<Item = f64>, ticks: u32, from_zero: bool) -> Self {
        let (mut low, mut high) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        // Closer than that, the ticks would differ in digits that nobody reads.
        let range = (high - low) / high.abs().max(low.abs());
        if from_zero || !(1e-6..0.25).contains(&range) {
            low = low.min(0.0);
            high = high.max(0.0);
        }
        // Nothing to tell apart, or too little to divide.
        if high - low < 1e-250 {
            high = low + 1.0;
        }
        let step = round_step((high - low) / f64::from(ticks));
        // A value on a tick must not be pushed to the next one by its last digit.
        Self { step, first: (low / step + 1e-9).floor() as i64, last: (high / step - 1e-9).ceil() as i64 }
    }

    fn low(&self) -> f64 {
        self.first as f64 * self.step
    }

    fn high(&self) -> f64 {
        self.last as f64 * self.step
    }

    /// Where `value` lies between the ends of the axis: 0 at the first tick, 1 at the last.
    pub(super) fn place(&self, value: f64) -> f64 {
        ((value - self.low()) / (self.high() - self.low())).clamp(0.0, 1.0)
    }

    /// Where bars begin: zero, or the end nearest to it.
    pub(super) fn base(&self) -> f64 {
        self.place(0.0)
    }

    /// The places of the ticks and what is written at them.
    pub(super) fn ticks(&self, unit: Option<&str>) -> Vec<(f64, String)> {
        let largest = self.high().abs().max(self.low().abs());
        let (divisor, letter) = magnitude(largest);
        let step = self.step / divisor;
        let suffix = percent(unit);
        (self.first..=self.last)
            .map(|index| {
                let value = index as f64 * self.step;
                let text = if step < 1e-6 && index != 0 {
                    format!("{:.1e}", value / divisor)
                } else {
                    format!("{}{letter}{suffix}", grouped(value / divisor, decimals(step)))
                };
                (self.place(value), text)
            })
            .collect()
    }
}

/// The smallest of 1, 2, 2.5 and 5 times a power of ten that is at least `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .find(|factor| factor * power >= rough * (1.0 - 1e-9))
        .unwrap_or(10.0);
    factor * power
}

/// How many decimals tell multiples of `step` apart.
fn decimals(step: f64) -> usize {
    (0..12)
        .find(|&count| {
            let scaled = step * 10_f64.powi(count);
            (scaled - scaled.round()).abs() < 1e-6 * scaled
        })
        .map_or(12, |count| count as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64], from_zero: bool) -> Vec<String> {
        Scale::over(values.iter().copied(), 5, from_zero)
            .ticks(None)
            .into_iter()
            .map(|(_, label)| label)
            .collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(&[0.0, 523.06], true), ["0", "200", "400", "600"]);
        assert_eq!(labels(&[481.45, 469.58], true), ["0", "100", "200", "300", "400", "500"]);
        assert_eq!(labels(&[-12.0, 30.0], true), ["−20", "−10", "0", "10", "20", "30"]);
        assert_eq!(labels(&[1.2e6, 2.4e6], true), ["0.0M", "0.5M", "1.0M", "1.5M", "2.0M", "2.5M"]);
        assert_eq!(labels(&[0.012], true), ["0.0000", "0.0025", "0.0050", "0.0075", "0.0100", "0.0125"]);
    }

    #[test]
    fn an_axis_starts_at_zero_unless_the_values_lie_close_together() {
        assert_eq!(labels(&[980.0, 1_000.0], false), ["980", "985", "990", "995", "1,000"]);
        assert_eq!(labels(&[980.0, 1_000.0], true)[0], "0");
        assert_eq!(labels(&[400.0, 1_000.0], false)[0], "0");
        assert_eq!(labels(&[7.0, 7.0], false)[0], "0");
        assert_eq!(Scale::over([-5.0, -1.0].into_iter(), 5, true).base(), 1.0);
    }

    #[test]
    fn every_value_has_its_place() {
        let hard = [0.0, -0.0, 1e-300, 1e15, -1e15, 0.1 + 0.2, 5e-324, 123.456];
        for a in hard {
            for b in hard {
                for from_zero in [true, false] {
                    let scale = Scale::over([a, b].into_iter(), 5, from_zero);
                    let (low, high) = (scale.place(a.min(b)), scale.place(a.max(b)));
                    assert!(
                        (0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high) && low <= high,
                        "{a} {b}"
                    );
                    assert!((2..=20).contains(&scale.ticks(None).len()), "{a} {b} {scale:?}");
                }
            }
        }
        assert_eq!(Scale::over(std::iter::empty(), 5, true).ticks(None).len(), 6);
    }
}
