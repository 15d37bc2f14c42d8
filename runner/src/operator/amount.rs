//! Sizes, durations and counts, as an operator writes them.

use std::fmt;
use std::time::Duration;

/// A quantity in the unit of its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Bytes.
    Bytes(u64),
    /// A time.
    Time(Duration),
    /// A number of things.
    Count(u64),
}

/// What a limit is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    /// A time that the kernel counts in whole seconds.
    Seconds,
    Time,
    Count,
}

/// A text that is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmountFault {
    /// Not a size.
    #[error(
        "it is no size: write bytes, or a number with k, M, G or T, each 1024 times the one \
         before, as in 512M or 512MiB"
    )]
    Size,
    /// Not a duration.
    #[error("it is no duration: write a number with its unit, as in 500ms, 30s or 2m")]
    Duration,
    /// Not a number.
    #[error("it is no number from 0 to {max}")]
    Count {
        /// The largest one.
        max: u64,
    },
    /// A part of a second, where the kernel counts seconds.
    #[error("it must be whole seconds")]
    WholeSeconds,
    /// Less than anything could work with.
    #[error("it must be at least {0}")]
    TooSmall(Amount),
    /// More than the kernel can count.
    #[error("it must be at most {0}")]
    TooLarge(Amount),
}

/// The letters behind a number of bytes, and the power of two that each stands for.
const SUFFIXES: [(char, u32); 4] = [('t', 40), ('g', 30), ('m', 20), ('k', 10)];

impl Unit {
    /// Reads `text` in this unit.
    ///
    /// # Errors
    /// [`AmountFault`]; limits of the particular limit are not checked here.
    pub(super) fn parse(self, text: &str) -> Result<Amount, AmountFault> {
        match self {
            Self::Bytes => size(text).map(Amount::Bytes).ok_or(AmountFault::Size),
            Self::Count => {
                let max = u64::from(u32::MAX);
                let count = number(text).filter(|count| *count <= max);
                count.map(Amount::Count).ok_or(AmountFault::Count { max })
            }
            Self::Time | Self::Seconds => {
                let time = humantime::parse_duration(text).map_err(|_| AmountFault::Duration)?;
                if self == Self::Seconds && time.subsec_nanos() != 0 {
                    return Err(AmountFault::WholeSeconds);
                }
                Ok(Amount::Time(time))
            }
        }
    }
}

impl Amount {
    /// Its number, for comparing amounts of one unit: bytes, nanoseconds, things.
    pub(super) fn number(self) -> u128 {
        match self {
            Self::Bytes(count) | Self::Count(count) => count.into(),
            Self::Time(time) => time.as_nanos(),
        }
    }
}

impl fmt::Display for Amount {
    /// In a form that is read again as the same amount.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Time(time) => write!(f, "{}", humantime::format_duration(time)),
            Self::Bytes(0) => f.write_str("0"),
            Self::Bytes(bytes) => {
                let even = SUFFIXES.iter().find(|(_, bits)| bytes.trailing_zeros() >= *bits);
                match even {
                    Some(('k', bits)) => write!(f, "{}KiB", bytes >> bits),
                    Some((letter, bits)) => {
                        write!(f, "{}{}iB", bytes >> bits, letter.to_ascii_uppercase())
                    }
                    None => write!(f, "{bytes}"),
                }
            }
        }
    }
}

/// Digits alone: no sign, no spaces.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `MB` is refused: whether it means 1000 or 1024 depends on who is asked.
fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let bits = match text.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" => 0,
        suffix => {
            let known = |(letter, _): &&(char, u32)| {
                let mut rest = suffix.chars();
                rest.next() == Some(*letter) && matches!(rest.as_str(), "" | "ib")
            };
            SUFFIXES.iter().find(known)?.1
        }
    };
    number(digits)?.checked_mul(1 << bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_binary_and_have_one_meaning() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("1000", Some(1000)),
            ("64k", Some(64 << 10)),
            ("64K", Some(64 << 10)),
            ("512M", Some(512 << 20)),
            ("512MiB", Some(512 << 20)),
            ("1gib", Some(1 << 30)),
            ("2T", Some(2 << 40)),
            ("16777216T", None),
            ("64MB", None),
            ("64 M", None),
            ("-1", None),
            ("+1", None),
            ("1.5G", None),
            ("", None),
            ("G", None),
            ("1Gi", None),
            ("1E", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }

    #[test]
    fn processor_time_that_would_be_rounded_is_refused() {
        assert_eq!(Unit::Seconds.parse("2m"), Ok(Amount::Time(Duration::from_secs(120))));
        assert_eq!(Unit::Seconds.parse("1500ms"), Err(AmountFault::WholeSeconds));
        assert_eq!(Unit::Time.parse("1500ms"), Ok(Amount::Time(Duration::from_millis(1500))));
        assert_eq!(Unit::Time.parse("60"), Err(AmountFault::Duration));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_as_the_same(bytes in any::<u64>(), millis in any::<u32>()) {
            let size = Amount::Bytes(bytes);
            prop_assert_eq!(Unit::Bytes.parse(&size.to_string()), Ok(size));
            let time = Amount::Time(Duration::from_millis(millis.into()));
            prop_assert_eq!(Unit::Time.parse(&time.to_string()), Ok(time));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>()) {
            for unit in [Unit::Bytes, Unit::Seconds, Unit::Time, Unit::Count] {
                let _ = unit.parse(&text);
            }
        }
    }
}
