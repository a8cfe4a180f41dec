//! Vouchers, as a provider takes them, beside the signatures alone.

use super::{statistics::median, world::GENESIS};
use anyhow::{Context, Result, ensure};
use axum::http::{HeaderMap, HeaderValue};
use oda_client::AccountId;
use oda_inference::api::{PAYMENT, PaymentPayload, Signature, SignedVoucher};
use oda_primitives::Voucher;
use oda_provider::{Account, Asked, Request, Standing, Step};
use polkadot_sdk::sp_core::{Pair, ed25519, sr25519};
use rustls::{SignatureScheme, crypto::ring, pki_types::SignatureVerificationAlgorithm};
use std::time::Instant;

/// How many vouchers a round checks, each of another channel.
const VOUCHERS: u64 = 256;

/// How many of one kind are checked before those of the other: the two take turns within a millisecond or
/// two.
const TOGETHER: usize = 16;

/// The price of a request, in planck.
const PRICE: u128 = 1_000;

/// A voucher that came with a request.
struct Case {
	headers: HeaderMap,
	account: Account,
	asked: Asked,
	/// Its key's bytes, the message and the signature, for a bare check.
	key: [u8; 32],
	message: Vec<u8>,
	signature: [u8; 64],
}

impl Case {
	fn new(channel: u64, key: [u8; 32], sign: impl FnOnce(&[u8]) -> Signature) -> Result<Self> {
		let voucher = Voucher { channel, version: 0, amount: PRICE, nonce: 1 };
		let message = voucher.message(&GENESIS);
		let signed = SignedVoucher { voucher, signature: sign(&message) };
		let headers = HeaderMap::from_iter([(PAYMENT.parse()?, HeaderValue::from_str(&signed.to_header())?)]);
		let (Signature::Ed25519(signature) | Signature::Sr25519(signature)) = signed.signature;
		let account = Account::new(channel, 0);
		Ok(Self { headers, account, asked: Asked::default(), key, message, signature })
	}

	/// Reads the voucher from its request's headers, checks its signature, and decides whether it pays.
	fn taken(&self) -> Result<()> {
		let voucher = PaymentPayload::from_headers(&self.headers)?.context("there is a voucher")?.voucher;
		ensure!(voucher.is_by(&AccountId(self.key), &GENESIS), "the signature is right");
		let request = Request { voucher: &voucher, asked: &self.asked, price: PRICE };
		let standing = Standing { deposit: u128::MAX, claimed: 0, tick: 1, credit: 0 };
		ensure!(matches!(self.account.ask(&request, &standing)?, Step::Serve(_)), "it pays");
		Ok(())
	}
}

/// Vouchers a second on one core.
pub(crate) struct Figures {
	pub(crate) scheme: &'static str,
	/// Signatures alone.
	pub(crate) bare: f64,
	/// Whole vouchers.
	pub(crate) vouchers: f64,
	/// How many vouchers are checked in the time of one signature alone: the median of all rounds.
	pub(crate) ratio: f64,
}

/// Measures both kinds of keys.
pub(crate) fn measure(rounds: usize) -> Result<[Figures; 2]> {
	let seeds = 0..VOUCHERS;
	let seed = |of: u64| {
		let mut seed = [0; 32];
		seed.iter_mut().zip(of.to_le_bytes()).for_each(|(byte, of)| *byte = of);
		seed
	};
	let sr25519: Vec<Case> = seeds
		.clone()
		.map(|of| {
			let pair = sr25519::Pair::from_seed(&seed(of));
			Case::new(of, pair.public().0, |message| Signature::Sr25519(pair.sign(message).0))
		})
		.collect::<Result<_>>()?;
	let ed25519: Vec<Case> = seeds
		.map(|of| {
			let pair = ed25519::Pair::from_seed(&seed(of));
			Case::new(of, pair.public().0, |message| Signature::Ed25519(pair.sign(message).0))
		})
		.collect::<Result<_>>()?;
	let algorithm = ring_ed25519()?;
	Ok([
		compare("sr25519", &sr25519, rounds, |case| {
			let signature = sr25519::Signature::from_raw(case.signature);
			let right =
				sr25519::Pair::verify(&signature, &case.message, &sr25519::Public::from_raw(case.key));
			ensure!(right, "the signature is right");
			Ok(())
		})?,
		compare("ed25519", &ed25519, rounds, |case| {
			let right = algorithm.verify_signature(&case.key, &case.message, &case.signature);
			ensure!(right.is_ok(), "the signature is right");
			Ok(())
		})?,
	])
}

/// The library that checks ed25519 for the provider, found once.
fn ring_ed25519() -> Result<&'static dyn SignatureVerificationAlgorithm> {
	let schemes = ring::default_provider().signature_verification_algorithms.mapping;
	let found = schemes.iter().find(|(scheme, _)| *scheme == SignatureScheme::ED25519);
	found.and_then(|(_, algorithms)| algorithms.first()).copied().context("ring has ed25519")
}

/// The two in turn, on this thread.
fn compare(
	scheme: &'static str,
	cases: &[Case],
	rounds: usize,
	bare: impl Fn(&Case) -> Result<()>,
) -> Result<Figures> {
	let seconds = |some: &[Case], check: &dyn Fn(&Case) -> Result<()>| {
		let begun = Instant::now();
		some.iter().try_for_each(check)?;
		anyhow::Ok(begun.elapsed().as_secs_f64())
	};
	let (mut alone, mut whole, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
	// The first round warms up.
	for round in 0..=rounds {
		let (mut signatures, mut vouchers) = (0.0, 0.0);
		for (turn, some) in cases.chunks(TOGETHER).enumerate() {
			if turn % 2 == 0 {
				signatures += seconds(some, &bare)?;
				vouchers += seconds(some, &Case::taken)?;
			} else {
				vouchers += seconds(some, &Case::taken)?;
				signatures += seconds(some, &bare)?;
			}
		}
		if round > 0 {
			alone.push(signatures);
			whole.push(vouchers);
			ratios.push(signatures / vouchers);
		}
	}
	let rate = |times: &[f64]| cases.len() as f64 / median(times);
	Ok(Figures { scheme, bare: rate(&alone), vouchers: rate(&whole), ratio: median(&ratios) })
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn vouchers_of_both_kinds_of_keys_are_taken() {
		let [sr25519, ed25519] = measure(1).expect("they are right");
		for figures in [sr25519, ed25519] {
			assert!(figures.bare > 0.0 && figures.vouchers > 0.0 && figures.ratio > 0.0);
		}
	}
}
