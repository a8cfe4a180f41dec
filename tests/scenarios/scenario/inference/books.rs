//! The chain's books: who is to get what of a fee, what happened to money in some blocks, and how much there is.

use oda_client::AccountId;
use std::{ops::RangeInclusive, sync::Arc};
use subxt::{
	OnlineClient, SubstrateConfig,
	backend::LegacyBackend,
	dynamic::{self, Value},
	ext::scale_decode::DecodeAsType,
	rpcs::RpcClient,
};

/// Parts of a whole, of which a share counts that many.
const WHOLE: u128 = 1_000_000_000;

/// Who got what of a fee, in planck.
#[derive(Clone, Copy, PartialEq, Eq, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct Parts {
	pub(super) provider: u128,
	pub(super) trainer: u128,
	pub(super) royalty: u128,
	pub(super) author: u128,
	pub(super) treasury: u128,
	pub(super) storage: u128,
	pub(super) burned: u128,
}

impl Parts {
	pub(super) fn sum(&self) -> u128 {
		let Self { provider, trainer, royalty, author, treasury, storage, burned } = self;
		provider + trainer + royalty + author + treasury + storage + burned
	}
}

/// The event `Inference.Claimed`.
#[derive(Clone, Copy, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct Claimed {
	pub(super) channel: u64,
	/// What became of what was added.
	pub(super) shared: Parts,
}

/// The event `TransactionPayment.TransactionFeePaid`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct FeePaid {
	who: AccountId,
	actual_fee: u128,
}

/// The event `Emission.PutAside`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct PutAside {
	authors: u128,
	verifiers: u128,
	trainers: u128,
	treasury: u128,
}

/// The event `Emission.TrainerPaid`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct TrainerPaid {
	amount: u128,
}

/// A governed parameter that is looked at here.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
enum Parameter {
	Inference(InferenceParameter),
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
enum InferenceParameter {
	ProviderShare(u32),
	TrainerShare(u32),
	RoyaltyShare(u32),
	AuthorShare(u32),
	TreasuryShare(u32),
	StorageShare(u32),
	DisputeBond(u128),
}

/// Who gets what of a fee, in billionths, and what a dispute of a right answer costs.
#[derive(Default)]
pub(super) struct Governed {
	provider: u32,
	trainer: u32,
	royalty: u32,
	author: u32,
	treasury: u32,
	storage: u32,
	pub(super) dispute_bond: u128,
}

impl Governed {
	/// What becomes of a fee for a model that descends from none, where all can hold their parts.
	pub(super) fn split(&self, fee: u128) -> Parts {
		let part = |share: u32| fee * u128::from(share) / WHOLE;
		let parts = Parts {
			provider: part(self.provider),
			trainer: part(self.trainer) + part(self.royalty),
			royalty: 0,
			author: part(self.author),
			treasury: part(self.treasury),
			storage: part(self.storage),
			burned: 0,
		};
		Parts { burned: fee - parts.sum(), ..parts }
	}
}

/// What happened to money in some blocks.
#[derive(Default)]
pub(super) struct Turnover {
	/// What was claimed of channels.
	pub(super) claims: Vec<Claimed>,
	/// Who paid what for transactions.
	pub(super) fees: Vec<(AccountId, u128)>,
	/// What the emission has minted in all, and of that for the treasury.
	pub(super) minted: (u128, u128),
	/// What the emission has paid trainers.
	pub(super) trainers: u128,
}

impl Turnover {
	/// What an account has paid for its transactions.
	pub(super) fn fees_of(&self, account: &AccountId) -> u128 {
		self.fees.iter().filter(|(who, _)| who == account).map(|(_, fee)| fee).sum()
	}

	/// What became of each claim of a channel.
	pub(super) fn claimed(&self, channel: u64) -> Vec<Parts> {
		self.claims.iter().filter(|claim| claim.channel == channel).map(|claim| claim.shared).collect()
	}

	/// What was taken from a channel by each claim, and what the provider had of it.
	pub(super) fn earned(&self, channel: u64) -> Vec<(u128, u128)> {
		self.claimed(channel).iter().map(|parts| (parts.sum(), parts.provider)).collect()
	}
}

/// The books of the chain of one node, which keeps all states.
pub(super) struct Books(OnlineClient<SubstrateConfig>);

impl Books {
	pub(super) async fn open(url: &str) -> Self {
		let link = RpcClient::from_insecure_url(url).await.unwrap();
		let backend = LegacyBackend::builder().build(link);
		Self(OnlineClient::from_backend(Arc::new(backend)).await.unwrap())
	}

	/// How much there is of all money after a block.
	pub(super) async fn issued(&self, block: u64) -> u128 {
		let address = dynamic::storage::<(), u128>("Balances", "TotalIssuance");
		let at = self.0.at_block(block).await.unwrap();
		at.storage().fetch(address, ()).await.unwrap().decode().unwrap()
	}

	/// What is governed, after a block.
	pub(super) async fn governed(&self, block: u64) -> Governed {
		use InferenceParameter::{
			AuthorShare, DisputeBond, ProviderShare, RoyaltyShare, StorageShare, TrainerShare, TreasuryShare,
		};
		let address = dynamic::storage::<(Value,), Value>("Parameters", "Parameters");
		let at = self.0.at_block(block).await.unwrap();
		let mut entries = at.storage().iter(address, ()).await.unwrap();
		let mut governed = Governed::default();
		while let Some(entry) = entries.next().await {
			// Other parameters are none of these.
			let Ok(Parameter::Inference(found)) = entry.unwrap().value().decode_as() else { continue };
			match found {
				ProviderShare(share) => governed.provider = share,
				TrainerShare(share) => governed.trainer = share,
				RoyaltyShare(share) => governed.royalty = share,
				AuthorShare(share) => governed.author = share,
				TreasuryShare(share) => governed.treasury = share,
				StorageShare(share) => governed.storage = share,
				DisputeBond(bond) => governed.dispute_bond = bond,
			}
		}
		governed
	}

	/// What happened in these blocks.
	pub(super) async fn turnover(&self, blocks: RangeInclusive<u64>) -> Turnover {
		let mut turnover = Turnover::default();
		for block in blocks {
			let events = self.0.at_block(block).await.unwrap().events().fetch().await.unwrap();
			for event in events.iter() {
				let event = event.unwrap();
				match (event.pallet_name(), event.event_name()) {
					("Inference", "Claimed") => {
						turnover.claims.push(event.decode_fields_unchecked_as().unwrap())
					}
					("TransactionPayment", "TransactionFeePaid") => {
						let FeePaid { who, actual_fee } = event.decode_fields_unchecked_as().unwrap();
						turnover.fees.push((who, actual_fee));
					}
					("Emission", "PutAside") => {
						let PutAside { authors, verifiers, trainers, treasury } =
							event.decode_fields_unchecked_as().unwrap();
						turnover.minted.0 += authors + verifiers + trainers + treasury;
						turnover.minted.1 += treasury;
					}
					("Emission", "TrainerPaid") => {
						let TrainerPaid { amount } = event.decode_fields_unchecked_as().unwrap();
						turnover.trainers += amount;
					}
					_ => {}
				}
			}
		}
		turnover
	}
}
