//! Channels that are settled: real claims in the runtime's own wasm, as many in a block as it takes.

use crate::wasm::{APPLY, Chain, applied, header, model, time};
use anyhow::{Context, Result, anyhow, bail, ensure};
use codec::Encode;
use oda_evaluator::{graph::DType, model::Metric, testing::networks};
use oda_pallet_traits::{Models as _, Role, Version};
use oda_primitives::{BlobRef, ModelId, Voucher, inference::Price};
use oda_runtime::{
	AccountId, Balance, Balances, Hash, Inference, ModelRegistry, Runtime, RuntimeCall, RuntimeEvent,
	RuntimeOrigin, Signature, Staking, System, UNIT, UncheckedExtrinsic,
	configs::system::RuntimeBlockWeights,
	parameters::governed::inference::{MinDeposit, MinGrace},
};
use oda_trials::{Case, Trial, signed};
use pallet_inference::{Channels, NextChannel, OfferedModel, Terms};
use polkadot_sdk::{
	frame_support::{
		dispatch::{DispatchClass, GetDispatchInfo},
		traits::{Get, fungible::Mutate},
	},
	pallet_transaction_payment::Event as Paid,
	sp_core::{Pair, sr25519, traits::Externalities},
	sp_io::TestExternalities,
	sp_keyring::Sr25519Keyring,
	sp_runtime::{
		DispatchError, Perbill, Storage,
		transaction_validity::{InvalidTransaction, TransactionValidityError},
	},
	sp_state_machine::BasicExternalities,
};
use std::time::{Duration, Instant};

/// Whose channels they are.
const PROVIDER: Sr25519Keyring = Sr25519Keyring::Ferdie;

/// Vouchers of a claim, as many as there may be.
pub const CLAIMS: usize = 64;

/// What it took to settle channels.
#[derive(Clone, Debug)]
pub struct Settled {
	/// How many.
	pub channels: u32,
	/// The claims that each block had room for.
	pub blocks: Vec<usize>,
	/// What a channel weighs in a claim of as many as there may be: picoseconds.
	pub weight: u64,
	/// Part of what ordinary transactions may weigh that the fullest block has used.
	pub full: f64,
	/// How long the claims took here.
	pub took: Duration,
	/// What the fees of all claims together were, in planck.
	pub fees: Balance,
}

fn failed(error: DispatchError) -> anyhow::Error {
	anyhow!("{error:?}")
}

/// The key that signs the vouchers of a channel.
fn voucher_key(index: u32) -> sr25519::Pair {
	let mut seed = [3; 32];
	seed.iter_mut().zip(index.to_le_bytes()).for_each(|(byte, of)| *byte = of);
	sr25519::Pair::from_seed(&seed)
}

/// The user of a channel.
fn user(index: u32) -> AccountId {
	let mut who = [4; 32];
	who.iter_mut().zip(index.to_le_bytes()).for_each(|(byte, of)| *byte = of);
	who.into()
}

/// A chain with a model that has a version.
fn with_model() -> Result<(Storage, ModelId)> {
	let graph = networks::scored(DType::I8, 1, 1);
	let (spec, data) = model(graph, Metric::SquaredError, &[1])?;
	let id = spec.id();
	let mut storage = Trial::new(Case { spec, data, weights: Vec::new(), record: 0 })?.storage;
	BasicExternalities::execute_with_storage(&mut storage, || {
		let weights = BlobRef::of(&[]);
		let trainer = oda_trials::TRAINER.to_account_id();
		let version = Version { trainer, weights, score: 0, submission: 0, accepted_at: 0, replaced: None };
		ModelRegistry::accept(&id, version).map_err(failed)
	})?;
	Ok((storage, id))
}

/// Opens channels, each of a user and with a key of its own, all of one provider.
fn open(channels: u32, model: ModelId) -> Result<()> {
	let provider = PROVIDER.to_account_id();
	let origin = || RuntimeOrigin::signed(PROVIDER.to_account_id());
	Balances::mint_into(&provider, UNIT.saturating_mul(10_000)).map_err(failed)?;
	Staking::bond(origin(), Role::Provider, UNIT.saturating_mul(1_000), Perbill::zero()).map_err(failed)?;
	let offered = OfferedModel { model, price: Price { per_request: 1, per_mmac: 1 } };
	let models = vec![offered].try_into().map_err(|_| anyhow!("one model may be offered"))?;
	let endpoint = b"https://provider.example".to_vec().try_into().map_err(|_| anyhow!("a short URL"))?;
	let terms = Terms { grace: MinGrace::get(), answer: MinGrace::get() };
	Inference::set_offer(origin(), endpoint, provider.clone(), models, terms, 1).map_err(failed)?;
	for index in 0..channels {
		let who = user(index);
		Balances::mint_into(&who, UNIT.saturating_mul(100)).map_err(failed)?;
		let key = Some(voucher_key(index).public().0.into());
		let origin = RuntimeOrigin::signed(who);
		Inference::open(origin, provider.clone(), model, UNIT, key, terms, 100_000).map_err(failed)?;
	}
	ensure!(UNIT >= MinDeposit::get(), "the deposits are enough");
	ensure!(NextChannel::<Runtime>::get() == u64::from(channels), "there are no other channels");
	Ok(())
}

/// What a channel has promised when it is settled.
const PROMISED: Balance = UNIT / 2;

/// The claims of all channels.
fn claims(channels: u32) -> Result<Vec<UncheckedExtrinsic>> {
	// The first block's parent has this hash.
	let genesis = Hash::default();
	let all: Vec<(Voucher, Signature)> = (0..channels)
		.map(|index| {
			let voucher = Voucher { channel: index.into(), version: 0, amount: PROMISED, nonce: 1 };
			let signature = voucher_key(index).sign(&voucher.message(&genesis.0));
			(voucher, Signature::Sr25519(signature))
		})
		.collect();
	let claims = all.chunks(CLAIMS).zip(0..).map(|(some, nonce)| {
		let vouchers = some.to_vec().try_into().map_err(|_| anyhow!("as many as there may be"))?;
		let call = RuntimeCall::Inference(pallet_inference::Call::claim { vouchers });
		Ok(signed(call, PROVIDER, nonce, genesis))
	});
	claims.collect()
}

impl Settled {
	/// Opens channels, then claims each one's voucher, in as few blocks as they fit into.
	///
	/// # Errors
	///
	/// A claim that is refused, or does not pay.
	pub fn of(channels: u32) -> Result<Self> {
		let (mut storage, model) = with_model()?;
		BasicExternalities::execute_with_storage(&mut storage, || open(channels, model))?;
		let claims = claims(channels)?;
		let first = claims.first().context("there are channels")?.get_dispatch_info();
		let weights = RuntimeBlockWeights::get();
		let of_class = weights.get(DispatchClass::Normal);
		let room = of_class.max_total.context("transactions have a limit")?.ref_time();
		let whole = first.total_weight().saturating_add(of_class.base_extrinsic).ref_time();
		let weight = whole.checked_div(u64::try_from(CLAIMS)?).unwrap_or_default();

		let (chain, mut state) = (Chain::default(), TestExternalities::new(storage));
		let mut settled =
			Self { channels, blocks: Vec::new(), weight, full: 0.0, took: Duration::ZERO, fees: 0 };
		let mut rest = claims.as_slice();
		while !rest.is_empty() {
			let number = u32::try_from(settled.blocks.len())?.saturating_add(1);
			chain.call(&mut state, "Core_initialize_block", &header(number).encode())?;
			ensure!(
				applied(&chain.call(&mut state, APPLY, &time(number))?)? == Ok(Ok(())),
				"the time is set"
			);
			let mut taken = 0;
			while let Some((claim, after)) = rest.split_first() {
				state.ext().storage_start_transaction();
				let begun = Instant::now();
				let answer = applied(&chain.call(&mut state, APPLY, &claim.encode())?)?;
				let took = begun.elapsed();
				let full = TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources);
				let ended = match answer {
					Ok(Ok(())) => {
						settled.took += took;
						taken += 1;
						rest = after;
						state.ext().storage_commit_transaction()
					}
					Err(error) if error == full && taken > 0 => {
						let ended = state.ext().storage_rollback_transaction();
						ended.map_err(|()| anyhow!("the runtime left a transaction open"))?;
						break;
					}
					other => bail!("a claim is refused: {other:?}"),
				};
				ended.map_err(|()| anyhow!("the runtime left a transaction open"))?;
			}
			let (used, fees) = state.execute_with(|| {
				let fees = System::events().into_iter().filter_map(|record| match record.event {
					RuntimeEvent::TransactionPayment(Paid::TransactionFeePaid { actual_fee, .. }) => {
						Some(actual_fee)
					}
					_ => None,
				});
				(System::block_weight().get(DispatchClass::Normal).ref_time(), fees.sum::<Balance>())
			});
			settled.fees += fees;
			settled.full = settled.full.max(used as f64 / room as f64);
			settled.blocks.push(taken);
			chain.call(&mut state, "BlockBuilder_finalize_block", &[])?;
		}
		state.execute_with(|| {
			let paid = Channels::<Runtime>::iter_values().filter(|channel| channel.claimed == PROMISED);
			ensure!(paid.count() == usize::try_from(channels)?, "all channels are settled");
			anyhow::Ok(())
		})?;
		Ok(settled)
	}
}
