//! Amounts, as people write and read them: in ODA, with a point.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// An amount in the smallest unit, which is written in ODA.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Amount(pub u128);

/// Digits after an ODA's point.
const DECIMALS: usize = 12;

impl FromStr for Amount {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let error = || format!("an amount in ODA with at most {DECIMALS} digits after the point");
		let (whole, part) = text.split_once('.').unwrap_or((text, ""));
		let whole = ungrouped(whole).ok_or_else(error)?;
		let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
		if whole.is_empty() || part.len() > DECIMALS || !digits(&whole) || !digits(part) {
			return Err(error());
		}
		format!("{whole}{part:0<DECIMALS$}").parse().map(Self).map_err(|_| error())
	}
}

impl fmt::Display for Amount {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let unit = 10u128.pow(DECIMALS as u32);
		let part = format!("{:012}", self.0 % unit);
		match part.trim_end_matches('0') {
			"" => write!(f, "{}", self.0 / unit),
			part => write!(f, "{}.{part}", self.0 / unit),
		}
	}
}

/// Digits without the commas between groups of three; `None` if a comma is anywhere else.
fn ungrouped(whole: &str) -> Option<String> {
	let mut groups = whole.split(',');
	let first = groups.next()?;
	let grouped = whole.len() > first.len();
	let fits = groups.all(|group| group.len() == 3) && (!grouped || (1..=3).contains(&first.len()));
	fits.then(|| whole.replace(',', ""))
}

/// An amount in ODA, for people: with commas between thousands.
pub fn oda(amount: u128) -> String {
	let text = Amount(amount).to_string();
	let (whole, part) = text.split_at(text.find('.').unwrap_or(text.len()));
	let mut grouped = String::new();
	for (i, digit) in whole.chars().enumerate() {
		if i > 0 && (whole.len() - i) % 3 == 0 {
			grouped.push(',');
		}
		grouped.push(digit);
	}
	format!("{grouped}{part} ODA")
}

impl Serialize for Amount {
	fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_str(self)
	}
}

/// From text, for a configuration file has no numbers that are exact and long enough; or from a whole number of ODA.
impl<'de> Deserialize<'de> for Amount {
	fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		struct Visitor;
		impl de::Visitor<'_> for Visitor {
			type Value = Amount;

			fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
				f.write_str("an amount in ODA, such as \"0.5\"")
			}

			fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
				text.parse().map_err(E::custom)
			}

			fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Amount, E> {
				self.visit_str(&whole.to_string())
			}

			fn visit_i64<E: de::Error>(self, whole: i64) -> Result<Amount, E> {
				self.visit_str(&whole.to_string())
			}
		}
		deserializer.deserialize_any(Visitor)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn amounts_are_read_exactly() {
		assert_eq!("1".parse(), Ok(Amount(1_000_000_000_000)));
		assert_eq!("0.5".parse(), Ok(Amount(500_000_000_000)));
		assert_eq!("0.000000000001".parse(), Ok(Amount(1)));
		assert_eq!("1,234,567.5".parse(), Ok(Amount(1_234_567_500_000_000_000)));
		for bad in [
			"",
			".",
			"-1",
			"1e3",
			"0.0000000000001",
			"1.2.3",
			",",
			"1,",
			",100",
			"1,00",
			"1000,000",
			"1,000,",
			"0.1,000",
			"1.5,0",
		] {
			assert!(bad.parse::<Amount>().is_err(), "{bad:?}");
		}
	}

	#[test]
	fn amounts_are_shown_exactly() {
		assert_eq!(oda(1_500_000_000_000), "1.5 ODA");
		assert_eq!(oda(1), "0.000000000001 ODA");
		assert_eq!(oda(2_000_000_000_000), "2 ODA");
		assert_eq!(oda(999_000_000_000_000), "999 ODA");
		assert_eq!(oda(1_088_036_691_940_000_000), "1,088,036.69194 ODA");
		assert_eq!(oda(12_345_678_000_000_000_000), "12,345,678 ODA");
	}

	#[test]
	fn an_amount_in_a_file_is_text_or_a_whole_number() {
		#[derive(Deserialize, Serialize)]
		struct File {
			amount: Amount,
		}
		let read = |text: &str| toml::from_str::<File>(text).map(|file| file.amount);
		assert_eq!(read("amount = \"0.25\""), Ok(Amount(250_000_000_000)));
		assert_eq!(read("amount = 3"), Ok(Amount(3_000_000_000_000)));
		for bad in ["amount = -1", "amount = 0.25", "amount = \"1 ODA\"", "amount = true"] {
			assert!(read(bad).is_err(), "{bad}");
		}
		let file = File { amount: Amount(1_500_000_000_000) };
		assert_eq!(toml::to_string(&file).unwrap(), "amount = \"1.5\"\n");
	}
}
