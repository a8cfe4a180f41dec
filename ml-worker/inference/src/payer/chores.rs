//! What is to be done about channels when nobody asks on them: wrong answers are taken to court in time, and deposits come back.

use super::{PayError, Payer};
use crate::{
	chain::{Chain, Channel, ChannelStatus, Verdict},
	wallet::{Record, WalletError},
};
use oda_primitives::{Tick, inference::ChannelId};
use std::{collections::BTreeMap, time::Duration};

/// What a user has to do about a channel, so that nothing of it is lost or left lying. The most urgent comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Chore {
	/// To take an answer to court that is known to be wrong, before its receipt is evidence no more.
	Dispute {
		/// The request.
		nonce: u64,
		/// The index of the input whose output is wrong.
		index: u32,
	},
	/// To ask for the end of a channel that is stopped: the provider can claim what it was promised until the grace period
	/// is over.
	Close,
	/// To end a channel whose grace period or term has passed: what is left of its deposit comes back.
	Finish,
	/// To have the chain forget a channel whose receipts are evidence no more: the deposit for its entry comes back.
	Remove,
	/// To forget a channel that the chain has forgotten.
	Forget,
}

impl<C: Chain> Payer<C> {
	/// What is to be done now about the account's channels, of those too that the wallet does not know. The most urgent comes
	/// first.
	///
	/// # Errors
	///
	/// The chain or the wallet cannot be used.
	pub async fn chores(&self) -> Result<Vec<(ChannelId, Chore)>, PayError> {
		let tick = self.chain.tick().await.map_err(PayError::Chain)?;
		let channels = self.chain.channels().await.map_err(PayError::Chain)?;
		let records = self.wallet.records()?.into_iter();
		let mut records: BTreeMap<ChannelId, Record> =
			records.map(|record| (record.channel, record)).collect();
		let mut chores = Vec::new();
		for (id, channel) in channels {
			let record = records.remove(&id);
			if let (Some(record), ChannelStatus::Closed { until }) = (&record, channel.state)
				&& record.until != Some(until)
			{
				match self.wallet.take(id, Duration::ZERO).await {
					Ok(mut ledger) => ledger.ends(until)?,
					// It is noted at another look.
					Err(WalletError::Busy { .. }) => {}
					Err(error) => return Err(error.into()),
				}
			}
			chores.extend(due(&channel, record.as_ref(), tick).into_iter().map(|chore| (id, chore)));
		}
		// Of what the chain does not have, a node that is behind knows nothing either.
		let over = records.values().filter(|record| record.until.is_some_and(|until| until <= tick));
		chores.extend(over.map(|record| (record.channel, Chore::Forget)));
		chores.sort_by_key(|(id, chore)| (*chore, *id));
		Ok(chores)
	}

	/// Does what is to be done. What is done already is left as it is.
	///
	/// # Errors
	///
	/// As those of [`dispute`](Self::dispute); the chain or the wallet cannot be used.
	pub async fn see_to(&self, channel: ChannelId, chore: Chore) -> Result<(), PayError> {
		match chore {
			Chore::Dispute { nonce, index } => self.judge(channel, nonce, index).await,
			Chore::Close => self.close(channel).await.map(drop),
			Chore::Finish => self.chain.finish_close(channel).await.map_err(PayError::Chain),
			Chore::Remove => {
				self.chain.remove(channel).await.map_err(PayError::Chain)?;
				self.forget(channel).await
			}
			Chore::Forget => self.forget(channel).await,
		}
	}

	/// Finishes the channels whose time has come, and has those forgotten whose receipts are evidence no more. Returns how
	/// many of each.
	///
	/// # Errors
	///
	/// The chain or the wallet cannot be used.
	pub async fn tidy(&self) -> Result<(usize, usize), PayError> {
		let (mut finished, mut forgotten) = (0usize, 0usize);
		for (channel, chore) in self.chores().await? {
			let count = match chore {
				Chore::Finish => &mut finished,
				Chore::Remove | Chore::Forget => &mut forgotten,
				Chore::Dispute { .. } | Chore::Close => continue,
			};
			self.see_to(channel, chore).await?;
			*count = count.saturating_add(1);
		}
		Ok((finished, forgotten))
	}

	/// The disputes that are to be seen through: of answers that are known to be wrong, and that no court has
	/// judged.
	///
	/// # Errors
	///
	/// The chain or the wallet cannot be used.
	pub async fn disputes(&self) -> Result<Vec<(ChannelId, Chore)>, PayError> {
		// Few users accuse anybody: the others need not ask the chain.
		if self.wallet.records()?.iter().all(|record| record.accused.is_empty()) {
			return Ok(Vec::new());
		}
		let mut chores = self.chores().await?;
		chores.retain(|(_, chore)| matches!(chore, Chore::Dispute { .. }));
		Ok(chores)
	}

	/// Notes that the output of the input with this index is wrong, of an answer that is kept. From now on
	/// nothing is paid from the channel any more; whatever cuts this off, it is a [`Chore`] until the court
	/// has judged.
	///
	/// # Errors
	///
	/// [`PayError::NotKept`], [`PayError::NoInput`]; the wallet cannot be used.
	pub async fn accuse(&self, channel: ChannelId, nonce: u64, index: u32) -> Result<(), PayError> {
		// First, so that nobody is accused of what cannot be shown.
		self.evidence(channel, nonce, index)?;
		Ok(self.wallet.take(channel, self.patience()).await?.accuse(nonce, index)?)
	}

	/// [Accuses](Self::accuse) an answer, and takes it to court. If it is right, the user loses a bond.
	///
	/// # Errors
	///
	/// As those of [`accuse`](Self::accuse); [`PayError::FoundRight`]; [`PayError::TooLate`]; the chain
	/// cannot be used.
	pub async fn dispute(&self, channel: ChannelId, nonce: u64, index: u32) -> Result<(), PayError> {
		self.accuse(channel, nonce, index).await?;
		self.judge(channel, nonce, index).await
	}

	/// Has the court judge an answer, unless it has. The channel can be used meanwhile: weights may take long to come.
	async fn judge(&self, channel: ChannelId, nonce: u64, index: u32) -> Result<(), PayError> {
		let _turn = self.wallet.court(channel, self.patience()).await?;
		if self.wallet.record(channel)?.accused.get(&nonce) != Some(&index) {
			return Ok(());
		}
		let evidence = self.evidence(channel, nonce, index)?;
		let verdict = self.chain.dispute(evidence).await.map_err(PayError::Chain)?;
		self.wallet.take(channel, self.patience()).await?.judged(nonce)?;
		match verdict {
			Verdict::Wrong => Ok(()),
			Verdict::Right => Err(PayError::FoundRight { channel, nonce, index }),
			Verdict::TooLate => Err(PayError::TooLate { channel, nonce }),
		}
	}

	async fn forget(&self, channel: ChannelId) -> Result<(), PayError> {
		match self.wallet.take(channel, self.patience()).await {
			Ok(ledger) => Ok(ledger.forget()?),
			Err(WalletError::Unknown(_)) => Ok(()),
			Err(error) => Err(error.into()),
		}
	}
}

/// What is to be done about a channel that the chain has.
fn due(channel: &Channel, record: Option<&Record>, tick: Tick) -> Vec<Chore> {
	let (over, accusable) = match channel.state {
		ChannelStatus::Open => (tick >= channel.expires_at, true),
		ChannelStatus::Closing { at } => (tick >= at.min(channel.expires_at), true),
		ChannelStatus::Closed { until } => (tick >= until, tick < until),
	};
	let accused = record.filter(|_| accusable).into_iter().flat_map(|record| &record.accused);
	let mut chores: Vec<Chore> = accused.map(|(&nonce, &index)| Chore::Dispute { nonce, index }).collect();
	let stopped = record.is_some_and(|record| record.stopped.is_some());
	chores.extend(match channel.state {
		ChannelStatus::Closed { .. } => over.then_some(Chore::Remove),
		_ if over => Some(Chore::Finish),
		ChannelStatus::Open => stopped.then_some(Chore::Close),
		ChannelStatus::Closing { .. } => None,
	});
	chores
}
