//! Moves money, and tells when the transfer is in a block, and when that block is final.
//!
//! ```sh
//! cargo run -p oda-client --example transfer -- //Alice 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty 1000000000000
//! ```

use oda_client::{AccountId, Chain, Key};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
	let arguments: Vec<String> = std::env::args().skip(1).collect();
	let [secret, to, amount] = arguments.as_slice() else {
		return Err("usage: transfer SECRET-URI ACCOUNT AMOUNT".into());
	};
	let (key, to, amount) = (Key::from_uri(secret)?, to.parse::<AccountId>()?, amount.parse()?);
	let chain = Chain::connect("ws://127.0.0.1:9944", None).await?;
	let mut sent = chain.transfer(&key, to, amount).send().await?;
	println!("in block {}", sent.in_block().await?.block);
	let receipt = sent.finalised().await?;
	println!("final; the fee was {}", receipt.fee.unwrap_or_default());
	Ok(())
}
