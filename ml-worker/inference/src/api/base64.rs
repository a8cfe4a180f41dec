//! Base64: of bytes in JSON, and of JSON in headers.

use base64::{
	Engine,
	alphabet::{STANDARD, URL_SAFE},
	engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

const LENIENT: GeneralPurposeConfig =
	GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT.with_encode_padding(false));

/// Base64 with padding.
pub(crate) fn plain(bytes: &[u8]) -> String {
	PLAIN.encode(bytes)
}

/// Base64 with the alphabet of URLs, without padding.
pub(crate) fn for_urls(bytes: &[u8]) -> String {
	FOR_URLS.encode(bytes)
}

/// What either of the two, with or without padding, stands for.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
	let engine = if text.contains(['-', '_']) { &FOR_URLS } else { &PLAIN };
	engine.decode(text).ok()
}

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
	serializer.serialize_str(&plain(bytes))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
	decoded(&String::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("this is not base64"))
}
