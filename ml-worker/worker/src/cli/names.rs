//! How people name models and blobs: whole, or by their first digits.

use anyhow::{Context as _, bail, ensure};
use oda_blobs::{BlobRef, Store, parse_root};
use oda_client::{Model, View};
use oda_engine::float::Tables;
use oda_evaluator::ModelSpec;
use oda_primitives::ModelId;
use oda_roles::context::Context;
use std::{fmt, path::Path, str::FromStr};

/// The fewest digits by which something is named.
const FEWEST: usize = 6;

/// 32 bytes in hexadecimal, or the first of their digits.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Digits {
	All([u8; 32]),
	First(String),
}

impl FromStr for Digits {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		if let Ok(root) = parse_root(text) {
			return Ok(Self::All(root));
		}
		let digits = text.strip_prefix("0x").unwrap_or(text);
		let fits = (FEWEST..64).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
		match fits {
			true => Ok(Self::First(digits.to_ascii_lowercase())),
			false => Err(format!("64 hexadecimal digits, or at least the first {FEWEST}")),
		}
	}
}

impl fmt::Display for Digits {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::All(bytes) => f.write_str(&hex::encode(bytes)),
			Self::First(digits) => f.write_str(digits),
		}
	}
}

impl Digits {
	/// The one among `known` that is meant.
	fn among(&self, what: &str, known: impl IntoIterator<Item = [u8; 32]>) -> anyhow::Result<[u8; 32]> {
		let first = match self {
			Self::All(bytes) => return Ok(*bytes),
			Self::First(digits) => digits,
		};
		let mut found: Vec<[u8; 32]> =
			known.into_iter().filter(|bytes| hex::encode(bytes).starts_with(first)).collect();
		found.sort_unstable();
		found.dedup();
		match found[..] {
			[one] => Ok(one),
			[] => bail!("no {what} begins with {first}"),
			_ => {
				let all: Vec<String> = found.iter().map(hex::encode).collect();
				bail!("more than one {what} begins with {first}: {}", all.join(", "))
			}
		}
	}
}

/// A model's id, or its first digits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelName(Digits);

impl FromStr for ModelName {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		text.parse().map(Self)
	}
}

impl ModelName {
	/// The model that is meant, among those that are registered.
	pub(super) async fn id(&self, context: &Context) -> anyhow::Result<ModelId> {
		let known = match &self.0 {
			Digits::All(_) => Vec::new(),
			Digits::First(_) => context.chain().await?.finalised().await?.models().await?,
		};
		self.0.among("model", known.iter().map(|model| model.id))
	}
}

/// A blob's root, or its first digits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Root(Digits);

impl FromStr for Root {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		text.parse().map(Self)
	}
}

impl Root {
	/// The root that is meant, among those of the blobs that are here.
	pub(super) fn of(&self, store: &Store) -> anyhow::Result<[u8; 32]> {
		let known = match &self.0 {
			Digits::All(_) => Vec::new(),
			Digits::First(_) => store.list()?,
		};
		self.0.among("blob here", known.iter().map(|blob| blob.root))
	}
}

/// A blob that somebody names by a file, which is then stored, by its root, or by the first digits of one that is here.
pub(super) async fn blob(context: &Context, name: &str) -> anyhow::Result<BlobRef> {
	let path = Path::new(name);
	if path.exists() {
		ensure!(!path.is_dir(), "{name} is a folder; name a file");
		return context.blob(name).await;
	}
	match Root::from_str(name) {
		Ok(root) => context.blob(&hex::encode(root.of(context.store())?)).await,
		Err(_) => bail!("there is no file {name}, nor is it the root of a blob"),
	}
}

/// A model as somebody names it: by its specification file, or by its id on the chain.
pub(super) struct Named {
	pub(super) spec: ModelSpec,
	/// What training from scratch starts its lookup tables with.
	pub(super) tables: Tables,
	/// The block in which it is registered, and what is known of it there.
	pub(super) registered: Option<(View, Model)>,
}

pub(super) async fn named(
	context: &Context,
	spec: Option<&Path>,
	model: Option<&ModelName>,
) -> anyhow::Result<Named> {
	if let Some(path) = spec {
		let file = crate::spec_file::read(path)?;
		return Ok(Named { spec: file.spec(), tables: file.tables, registered: None });
	}
	let id = model.context("neither --spec nor --model")?.id(context).await?;
	let view = context.chain().await?.finalised().await?;
	let model = view.model(id).await?.with_context(|| format!("there is no model {}", hex::encode(id)))?;
	let spec = view.spec(id).await?.context("the model has no specification")?;
	Ok(Named { spec, tables: Tables::new(), registered: Some((view, model)) })
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn first_digits_name_what_alone_begins_with_them() {
		let known = [[0xab; 32], [0xac; 32], {
			let mut near = [0xab; 32];
			near[4] = 0;
			near
		}];
		let of = |text: &str| text.parse::<Digits>().unwrap().among("model", known);
		assert_eq!(of("0xACACAC").unwrap(), [0xac; 32]);
		assert_eq!(of("abababab00").unwrap(), known[2]);
		assert_eq!(of(&"ef".repeat(32)).unwrap(), [0xef; 32]);
		let several = of("ababab").unwrap_err().to_string();
		assert!(several.contains("more than one model") && several.contains(&"ab".repeat(32)), "{several}");
		assert_eq!(of("abcdef").unwrap_err().to_string(), "no model begins with abcdef");
	}

	#[test]
	fn what_is_no_name_is_refused() {
		for bad in ["", "0x", "abcde", "nothex", &"ab".repeat(33), "-1"] {
			assert!(bad.parse::<Digits>().is_err(), "{bad:?}");
		}
	}
}
