//! Commits to the weights in a file: the first half of a submission. The second half, the reveal, needs the same
//! weights and salt, so they are kept before anything is sent.
//!
//! ```sh
//! cargo run -p oda-client --example commit -- //Alice MODEL-ID weights.bin
//! ```

use oda_client::{
	Chain, Key,
	errors::{RuntimeError, Training},
};
use oda_primitives::{BlobRef, hash};
use std::{error::Error, fs};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
	let arguments: Vec<String> = std::env::args().skip(1).collect();
	let [secret, model, file] = arguments.as_slice() else {
		return Err("usage: commit SECRET-URI MODEL-ID FILE".into());
	};
	let key = Key::from_uri(secret)?;
	let model: [u8; 32] = hex::decode(model)?.try_into().map_err(|_| "a model's id has 32 bytes")?;
	let weights = BlobRef::of(&fs::read(file)?);
	// What nobody else can know until the reveal.
	let salt = hash::tagged("an example's salt", (secret.as_bytes(), &weights));
	fs::write(format!("{file}.salt"), hex::encode(salt))?;

	let chain = Chain::connect("ws://127.0.0.1:9944", None).await?;
	let commitment = hash::commitment(&chain.genesis(), &model, &key.account(), &weights, &salt);
	match chain.commit(&key, model, commitment).await {
		Ok((submission, receipt)) => println!("submission {submission}, in block {}", receipt.block),
		Err(error) if error.module() == Some(&RuntimeError::Training(Training::UnknownModel)) => {
			println!("there is no such model");
		}
		Err(error) => return Err(error.into()),
	}
	Ok(())
}
