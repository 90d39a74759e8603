//! Whether to ask once more, and when.

use std::time::Duration;

use crate::Class;

/// How often the same question is asked, and how far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often it is asked at most, the first time included.
    pub most: u32,
    /// The wait after the first failure, about; each further one is twice as long.
    pub first: Duration,
    /// The longest wait of our own choice.
    pub longest: Duration,
    /// The longest wait a provider may ask for. One that wants more is not waited for.
    pub patience: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            most: 6,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            patience: Duration::from_secs(5 * 60),
        }
    }
}

impl Retry {
    /// How long to wait before asking again after `failures` failures in a row, the last of this class; none
    /// if there is no use in it.
    ///
    /// `retry_after` is what the provider asked for: the wait is never shorter. `jitter`, from 0 to 1,
    /// spreads those who failed together; it is drawn by the caller.
    #[must_use]
    pub fn wait(
        &self,
        class: Class,
        failures: u32,
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> Option<Duration> {
        let most = match class {
            // Whoever answers gibberish twice is likely not what it is taken for.
            Class::Malformed => self.most.min(2),
            _ => self.most,
        };
        if !class.is_retryable() || failures >= most {
            return None;
        }
        let jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) };
        let doubled =
            self.first.saturating_mul(1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        let own = doubled.min(self.longest);
        match retry_after {
            Some(wait) if wait > self.patience => None,
            // All who were told the same moment would come at the same moment.
            Some(wait) => Some(wait + self.first.mul_f64(jitter)),
            None => Some(own.mul_f64(0.5 + jitter / 2.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: [Class; 9] = [
        Class::Timeout,
        Class::RateLimited,
        Class::Unavailable,
        Class::BrokenOff,
        Class::Malformed,
        Class::Refused,
        Class::Unauthorised,
        Class::BadRequest,
        Class::TooLong,
    ];

    #[test]
    fn waits_grow_are_bounded_and_end() {
        let retry = Retry::default();
        let secs = |failures, jitter| {
            retry.wait(Class::Unavailable, failures, None, jitter).map(|wait| wait.as_secs_f64())
        };
        let grown: Vec<_> = (1..=6).map(|failures| secs(failures, 1.0)).collect();
        assert_eq!(grown, [Some(1.0), Some(2.0), Some(4.0), Some(8.0), Some(16.0), None]);
        assert_eq!((secs(1, 0.0), secs(5, 0.0)), (Some(0.5), Some(8.0)));
        let patient = Retry { most: u32::MAX, ..retry };
        for failures in [6, 7, 33, u32::MAX - 1] {
            assert_eq!(patient.wait(Class::Timeout, failures, None, 1.0), Some(retry.longest));
        }
        assert_eq!(secs(1, f64::NAN), Some(0.5));
    }

    #[test]
    fn a_provider_is_left_alone_for_as_long_as_it_asks() {
        let retry = Retry::default();
        for jitter in [0.0, 0.3, 1.0, 7.0] {
            for asked in [0, 1, 7, 299].map(Duration::from_secs) {
                let wait = retry.wait(Class::RateLimited, 1, Some(asked), jitter).unwrap();
                assert!(wait >= asked && wait <= asked + retry.first, "{asked:?} {jitter}: {wait:?}");
            }
        }
        assert_eq!(retry.wait(Class::RateLimited, 1, Some(Duration::from_secs(3600)), 0.0), None);
    }

    #[test]
    fn what_cannot_get_better_is_not_asked_again() {
        let retry = Retry::default();
        for class in EVERY {
            let asked =
                (1..=10).take_while(|failures| retry.wait(class, *failures, None, 0.5).is_some()).count();
            let expected = match class {
                Class::Malformed => 1,
                class if class.is_retryable() => 5,
                _ => 0,
            };
            assert_eq!(asked, expected, "{class:?}");
        }
    }
}
