//! Tells whenever a model gets another head.
//!
//! ```sh
//! cargo run -p oda-client --example heads -- ws://127.0.0.1:9944
//! ```

use oda_client::{Chain, ChainError};
use std::collections::HashMap;

#[tokio::main]
async fn main() -> Result<(), ChainError> {
	let url = std::env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9944".to_owned());
	let chain = Chain::connect(&url, None).await?;
	let mut heads = HashMap::new();
	let mut view = chain.finalised().await?;
	loop {
		for model in view.models().await? {
			if heads.insert(model.id, model.head) == Some(model.head) {
				continue;
			}
			if let Some(version) = view.head(&model).await? {
				let (block, model) = (view.number(), hex::encode(model.id));
				println!("block {block}: {model} version {}, score {}", version.number, version.score);
			}
		}
		view = chain.finalised_after(view.number()).await?;
	}
}
