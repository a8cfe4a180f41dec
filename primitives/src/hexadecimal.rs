//! Serde for bytes as people write them: hexadecimal digits after `0x`. For `#[serde(with = …)]`.

use alloc::{
	format,
	string::{String, ToString},
	vec::Vec,
};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Writes the digits after `0x`.
pub fn serialize<T: AsRef<[u8]>, S: Serializer>(bytes: &T, serializer: S) -> Result<S::Ok, S::Error> {
	serializer.serialize_str(&format!("0x{}", hex::encode(bytes)))
}

/// Reads digits, with or without `0x`; as many as `T` has room for.
pub fn deserialize<'de, T: TryFrom<Vec<u8>>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
	let text = String::deserialize(deserializer)?;
	let bytes =
		hex::decode(text.strip_prefix("0x").unwrap_or(&text)).map_err(|e| D::Error::custom(e.to_string()))?;
	let len = bytes.len();
	T::try_from(bytes)
		.map_err(|_| D::Error::custom(format!("{len} bytes are not as many as there should be")))
}

#[cfg(test)]
mod tests {
	use crate::BlobRef;
	use alloc::format;

	#[test]
	fn a_reference_should_read_as_it_was_written_with_and_without_its_prefix() {
		let blob = BlobRef::of(b"some bytes");
		let text = serde_json::to_string(&blob).unwrap();
		assert!(text.starts_with(r#"{"root":"0x"#), "{text}");
		assert_eq!(serde_json::from_str::<BlobRef>(&text).unwrap(), blob);
		assert_eq!(serde_json::from_str::<BlobRef>(&text.replace("0x", "")).unwrap(), blob);
	}

	#[test]
	fn other_than_32_bytes_of_digits_should_be_refused() {
		for root in ["", "0x", "0x00", "zz", &"00".repeat(33)] {
			let text = format!(r#"{{"root":"{root}","len":1}}"#);
			assert!(serde_json::from_str::<BlobRef>(&text).is_err(), "{text}");
		}
	}
}
