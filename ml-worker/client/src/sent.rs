//! Sending calls, and following them.
//!
//! A transaction is valid for [`LIFETIME`] blocks. Whether it is in one of them is read from the blocks
//! themselves, so neither a lost connection nor a restarted node loses sight of it. Nothing is sent twice: the
//! same bytes are, and what has been signed is signed anew only when no block has the first bytes, nor will.

use crate::{
	AccountId, Call, Chain, ChainError, LIFETIME, Receipt, Refusal,
	call::Content,
	error::{INVALID, KNOWN, invalid, node, rpc},
	link::Head,
	outbox::{Kept, Made},
	receipt::Outcome,
};
use serde::Deserialize;
use std::{collections::HashSet, fmt, time::Duration};
use subxt::{
	config::Hasher,
	rpcs::client::rpc_params,
	tx::{TransactionInvalid, ValidationResult},
	utils::H256,
};

/// How often a transaction is made in all when others take its number.
const ATTEMPTS: usize = 5;

/// Final blocks after which the same bytes are sent again, should the pool have dropped them.
const SEND_AGAIN: u64 = 4;

/// How often the best chain is asked whether it has a transaction.
const POLL: Duration = Duration::from_millis(500);

impl<T> Call<T> {
	/// Has the call in the node's pool, and returns without waiting for a block.
	///
	/// # Errors
	///
	/// As those of the call. Whoever drops this future may have sent the call, and cannot know.
	pub async fn send(self) -> Result<Sent<T>, ChainError> {
		let at = self.chain.best().await?.at;
		let content = self.content(&at)?;
		let kept = self.chain.keep(&content)?;
		// What lies in the place is what goes with it.
		let (left, remembered) = (kept.left()?, self.chain.take_open(&content));
		if left.is_some() && remembered.is_none() {
			tracing::warn!(
				"the same call was sent before, by a process that was interrupted; that one is followed"
			);
		}
		let open = left.or(remembered);
		if let Some(made) = open {
			// The pool may have lost it; if it refuses it, the blocks tell why.
			let mut sent = Sent::new(self, content, made, kept);
			sent.send_at = sent.searched;
			sent.inherited = true;
			return Ok(sent);
		}
		let made = Made { bytes: Vec::new(), nonce: None, from: 0 };
		let mut sent = Sent::new(self, content, made, kept);
		if let Err(error) = sent.make().await {
			if !error.leaves_open() {
				sent.kept.clear();
			}
			return Err(error);
		}
		Ok(sent)
	}
}

/// A call that was sent, until it is final.
///
/// Its methods may be dropped while they wait, and called again: nothing is lost, nor sent anew. While one of them
/// waits, the transaction is sent again whenever the pool has dropped it, and made anew when it is certain that
/// no block can have it: when another transaction of the account took its number, or the runtime was upgraded.
#[must_use = "what became of the call is known once it is waited for"]
pub struct Sent<T = Receipt> {
	call: Call<T>,
	content: Content,
	made: Made,
	kept: Kept,
	attempts: usize,
	/// The last final block that was searched.
	searched: u64,
	/// Its hash, once one was.
	searched_hash: Option<H256>,
	/// The final block from which on the bytes are sent again.
	send_at: u64,
	/// Whether an earlier call made it.
	inherited: bool,
	/// The blocks that are not final and do not hold it.
	seen: HashSet<H256>,
}

impl<T> fmt::Debug for Sent<T> {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Sent").field("call", &self.call).field("made", &self.made).finish_non_exhaustive()
	}
}

impl<T> Sent<T> {
	fn new(call: Call<T>, content: Content, made: Made, kept: Kept) -> Self {
		let searched = made.from;
		let send_at = searched + SEND_AGAIN;
		Self {
			call,
			content,
			made,
			kept,
			attempts: 0,
			searched,
			searched_hash: None,
			send_at,
			inherited: false,
			seen: HashSet::new(),
		}
	}

	/// Waits until the call is in a final block.
	///
	/// # Errors
	///
	/// As those of the [`Call`].
	pub async fn finalised(&mut self) -> Result<T, ChainError> {
		let found = loop {
			match self.search_final().await {
				Ok(None) => {}
				Ok(Some(receipt)) => break Ok(receipt),
				Err(error) => break Err(error),
			}
			if let Err(error) = self.call.chain.head_after(self.searched).await {
				break Err(error);
			}
		};
		self.end(found, true)
	}

	/// Waits until the call is in a block of the best chain, which another may replace: then the transaction goes
	/// into another block, or none. [`finalised`](Self::finalised) tells later what remains.
	///
	/// # Errors
	///
	/// As those of the [`Call`]; a refusal may be of a block that is replaced, too.
	pub async fn in_block(&mut self) -> Result<T, ChainError> {
		let found = loop {
			match self.search().await {
				Ok(None) => tokio::time::sleep(POLL).await,
				Ok(Some(receipt)) => break Ok(receipt),
				Err(error) => break Err(error),
			}
		};
		self.end(found, false)
	}

	/// What was found, as the caller wants it; what is left open is remembered.
	fn end(&mut self, found: Result<Receipt, ChainError>, is_final: bool) -> Result<T, ChainError> {
		if found.as_ref().is_err_and(ChainError::leaves_open) {
			self.call.chain.leave_open(self.content.clone(), self.made.clone());
		} else {
			self.call.chain.take_open(&self.content);
			if is_final {
				self.kept.clear();
			}
		}
		(self.call.read)(found?)
	}

	/// Has all blocks searched that the transaction can be in.
	fn restart(&mut self) {
		(self.searched, self.searched_hash) = (self.made.from, None);
		self.seen.clear();
	}

	/// Makes the transaction, and has it in the node's pool.
	async fn make(&mut self) -> Result<(), ChainError> {
		let chain = self.call.chain.clone();
		// One after the other, so that each has a number of its own.
		let turn = self.call.key.as_ref().map(|key| chain.turn(&key.account()));
		let _turn = match &turn {
			Some(turn) => Some(turn.lock().await),
			None => None,
		};
		loop {
			self.attempts += 1;
			self.made = self.call.make().await?;
			self.inherited = false;
			self.restart();
			self.send_at = self.searched + SEND_AGAIN;
			self.kept.keep(&self.made)?;
			let breaks = chain.link_breaks();
			let Err(error) = chain.pool(&self.made.bytes).await else { return Ok(()) };
			if chain.link_breaks() != breaks {
				// The answer is not to the first bytes that the node got: those may be in the pool, or in a block.
				tracing::debug!(%error, "whether the node took a transaction is not known; looking for it");
				self.send_at = self.searched;
				return Ok(());
			}
			if !(self.made.nonce.is_some() && outrun(&error) && self.attempts < ATTEMPTS) {
				return Err(error);
			}
			// Nobody but the node has had these bytes, and it did not take them.
			tracing::debug!(%error, nonce = self.made.nonce, "another transaction of this account was first");
			tokio::time::sleep(Duration::from_secs(1)).await;
		}
	}

	/// The receipt, if the transaction is in a final block or in one of the best chain.
	async fn search(&mut self) -> Result<Option<Receipt>, ChainError> {
		if let Some(receipt) = self.search_final().await? {
			return Ok(Some(receipt));
		}
		self.search_best().await
	}

	/// The receipt, if the transaction is in one of the final blocks that were not searched yet. If it is in none,
	/// nor can be, it is made anew.
	async fn search_final(&mut self) -> Result<Option<Receipt>, ChainError> {
		let chain = self.call.chain.clone();
		let head = chain.finalised_head().await?;
		// A node that crashed may have lost final blocks, if few others have them; there are other ones in their place.
		if head.number != self.searched
			&& self.searched_hash.is_some()
			&& chain.hash_of(self.searched).await? != self.searched_hash
		{
			tracing::warn!(block = self.searched, "a block that was final is gone; searching anew");
			self.restart();
		}
		let until = self.made.from + LIFETIME;
		let newest = head.number.min(until);
		let unmoved = self.searched >= newest;
		while self.searched < newest {
			let number = self.searched + 1;
			let hash = chain.hash_of(number).await?.ok_or(ChainError::Missing("a finalised block"))?;
			if let Some(outcome) = chain.find(&self.made.bytes, Head { number, hash }).await? {
				// Whoever makes the call now may mean another one.
				if self.inherited && number + LIFETIME < head.number {
					return Err(ChainError::AlreadyDone(number));
				}
				return outcome.into_result().map(Some);
			}
			(self.searched, self.searched_hash) = (number, Some(hash));
		}
		if self.searched >= until {
			// A call that went before it was left open; this one was not carried out yet.
			return if self.inherited {
				self.make_anew().await.map(|()| None)
			} else {
				Err(ChainError::Expired(until))
			};
		}
		if unmoved {
			return Ok(None);
		}
		if let (Some(key), Some(nonce)) = (&self.call.key, self.made.nonce)
			&& chain.nonce(&key.account(), head).await? > nonce
		{
			self.make_anew().await?;
		} else if head.number >= self.send_at {
			self.send_again(head).await?;
		}
		Ok(None)
	}

	/// Sends the same bytes again. If the pool refuses them, the state at `head` decides: no block up to it has
	/// them.
	async fn send_again(&mut self, head: Head) -> Result<(), ChainError> {
		let chain = self.call.chain.clone();
		match chain.pool(&self.made.bytes).await {
			Ok(()) => {}
			Err(ChainError::Rejected { .. } | ChainError::Module { .. }) => {
				match chain.validity(&self.made.bytes, head).await? {
					// It is signed for another runtime than this one, or for a fork that was left: or for that of the
					// best block, which may have it.
					Validity::Invalid(TransactionInvalid::BadProof, _) => {
						let best = chain.best().await?;
						let best = Head { number: best.number(), hash: best.hash() };
						if let Validity::Invalid(TransactionInvalid::BadProof, _) =
							chain.validity(&self.made.bytes, best).await?
						{
							return self.make_anew().await;
						}
					}
					Validity::Invalid(TransactionInvalid::Custom(_), error) => return Err(error),
					_ => {}
				}
			}
			Err(error) => return Err(error),
		}
		self.send_at = head.number + SEND_AGAIN;
		Ok(())
	}

	/// Makes a transaction in the place of one that is in no block, nor can be.
	async fn make_anew(&mut self) -> Result<(), ChainError> {
		if self.attempts >= ATTEMPTS {
			return Err(ChainError::Overtaken(self.attempts));
		}
		tracing::info!(nonce = self.made.nonce, "a transaction can no longer come into a block; made anew");
		self.make().await
	}

	/// The receipt, if the transaction is in a block of the best chain that is not final.
	async fn search_best(&mut self) -> Result<Option<Receipt>, ChainError> {
		let chain = self.call.chain.clone();
		let mut next = chain.best_hash().await?;
		let mut fresh = Vec::new();
		while !self.seen.contains(&next) {
			let Some(header) = chain.rpc.chain_get_header(Some(next)).await.map_err(rpc)? else { break };
			let head = Head { number: header.number, hash: next };
			if head.number <= self.searched {
				break;
			}
			if let Some(outcome) = chain.find(&self.made.bytes, head).await? {
				return outcome.into_result().map(Some);
			}
			fresh.push(next);
			next = header.parent_hash;
		}
		self.seen.extend(fresh);
		Ok(None)
	}
}

/// What the runtime says of a transaction.
enum Validity {
	/// A block after the one that was asked about could have it.
	Valid,
	/// It could not, for this reason, which is this error.
	Invalid(TransactionInvalid, ChainError),
}

impl Chain {
	/// Has the node take a transaction into its pool.
	pub(crate) async fn pool(&self, bytes: &[u8]) -> Result<(), ChainError> {
		match self.rpc.author_submit_extrinsic(bytes).await.map_err(rpc) {
			Ok(_) | Err(ChainError::Rejected { code: KNOWN, .. }) => Ok(()),
			// The node says why in words only; the runtime says it as a value.
			Err(ChainError::Rejected { code: INVALID, message, .. }) => {
				let best = self.best().await?;
				let head = Head { number: best.number(), hash: best.hash() };
				Err(match self.validity(bytes, head).await? {
					Validity::Valid => {
						ChainError::Rejected { reason: Refusal::Passed, code: INVALID, message }
					}
					Validity::Invalid(_, ChainError::Rejected { reason, code, .. }) => {
						ChainError::Rejected { reason, code, message }
					}
					Validity::Invalid(_, error) => error,
				})
			}
			Err(error) => Err(error),
		}
	}

	/// What the runtime says of a transaction at a block.
	async fn validity(&self, bytes: &[u8], head: Head) -> Result<Validity, ChainError> {
		let view = self.view(head).await?;
		let transaction = view.at.tx().from_bytes(bytes.to_vec());
		Ok(match transaction.validate().await.map_err(node)? {
			ValidationResult::Invalid(reason) => {
				let error = invalid(&reason, format!("{reason:?}"), view.at.metadata_ref());
				Validity::Invalid(reason, error)
			}
			ValidationResult::Valid(_) | ValidationResult::Unknown(_) => Validity::Valid,
		})
	}

	/// How many transactions an account has in the blocks up to this one.
	async fn nonce(&self, account: &AccountId, head: Head) -> Result<u64, ChainError> {
		self.view(head).await?.at.tx().account_nonce(account).await.map_err(node)
	}

	/// A transaction's outcome, if it is in a block.
	async fn find(&self, bytes: &[u8], head: Head) -> Result<Option<Outcome>, ChainError> {
		let body: Option<Body> =
			self.link.request("chain_getBlock", rpc_params![head.hash]).await.map_err(rpc)?;
		let body = body.ok_or(ChainError::Missing("a block's body"))?;
		let Some(index) = body.block.extrinsics.iter().position(|extrinsic| extrinsic.is(bytes)) else {
			return Ok(None);
		};
		// A node keeps the states of some blocks only.
		let unread = |error| match error {
			ChainError::Node(_) | ChainError::Answered { .. } => ChainError::Unread(head.number),
			other => other,
		};
		let view = self.view(head).await.map_err(unread)?;
		let events = view.at.events().fetch().await.map_err(node).map_err(unread)?;
		let extrinsic = view.at.hasher().hash(bytes);
		Outcome::read(&view, extrinsic, index as u32, events).map(Some)
	}
}

/// What `chain_getBlock` answers.
#[derive(Deserialize)]
struct Body {
	block: Block,
}

#[derive(Deserialize)]
struct Block {
	extrinsics: Vec<Extrinsic>,
}

/// A transaction as nodes print it: digits; or numbers, if the node knows what is in its blocks.
#[derive(Deserialize)]
#[serde(untagged)]
enum Extrinsic {
	Digits(String),
	Numbers(Vec<u8>),
}

impl Extrinsic {
	fn is(&self, bytes: &[u8]) -> bool {
		match self {
			Self::Numbers(numbers) => numbers == bytes,
			Self::Digits(digits) => digits.strip_prefix("0x").is_some_and(|digits| {
				digits.len() == bytes.len() * 2 && hex::decode(digits).is_ok_and(|decoded| decoded == bytes)
			}),
		}
	}
}

/// Whether a transaction was refused because another one has its number, or a new runtime came meanwhile.
fn outrun(error: &ChainError) -> bool {
	matches!(
		error.refusal(),
		Some(
			Refusal::Outdated
				| Refusal::Early
				| Refusal::Signature
				| Refusal::Passed
				| Refusal::Outbid
				| Refusal::Banned
		)
	)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		Balance, Key, Outbox, Place,
		errors::{RuntimeError, StorageDeals, Training, Verification},
		played::{Mishap, No, Played, nonce},
	};
	use std::{
		collections::BTreeMap,
		io,
		sync::{Arc, Mutex},
	};

	/// A transfer that nobody but its own test makes.
	fn transfer(chain: &Chain, amount: Balance) -> Call {
		chain.transfer(&Key::from_uri("//Alice").unwrap(), AccountId([7; 32]), amount)
	}

	async fn connect(node: &Played) -> Chain {
		Chain::connect(&node.url, Some(Duration::from_secs(20))).await.unwrap()
	}

	/// How many different transactions came, in order.
	fn different(node: &Played) -> Vec<Vec<u8>> {
		let mut came = node.state().came.clone();
		came.dedup();
		came
	}

	#[tokio::test]
	async fn a_transaction_is_followed_into_a_final_block() {
		let node = Played::start().await;
		let chain = connect(&node).await;
		let _blocks = node.run();
		let receipt = transfer(&chain, 1).await.unwrap();
		assert_eq!(receipt.weight.ref_time, 7);
		let block = node.state().blocks[receipt.block as usize].clone();
		assert_eq!(block.extrinsics, different(&node));
	}

	/// Places in memory, as a disk would have them, of which each is had by one at a time.
	#[derive(Clone, Default)]
	struct Shelf(Arc<Mutex<Places>>);

	/// Of each place, whether somebody has it, and what is kept in it.
	type Places = BTreeMap<[u8; 32], (bool, Option<Vec<u8>>)>;

	struct Compartment(Shelf, [u8; 32]);

	impl Compartment {
		fn with<T>(&self, change: impl FnOnce(&mut (bool, Option<Vec<u8>>)) -> T) -> T {
			change(self.0.0.lock().unwrap().get_mut(&self.1).unwrap())
		}
	}

	impl Outbox for Shelf {
		fn open(&self, mut content: [u8; 32]) -> io::Result<Box<dyn Place>> {
			let mut shelf = self.0.lock().unwrap();
			while shelf.get(&content).is_some_and(|(taken, _)| *taken) {
				content[0] = content[0].wrapping_add(1);
			}
			shelf.entry(content).or_default().0 = true;
			Ok(Box::new(Compartment(self.clone(), content)))
		}
	}

	impl Place for Compartment {
		fn left(&self) -> io::Result<Option<Vec<u8>>> {
			Ok(self.with(|place| place.1.clone()))
		}

		fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
			self.with(|place| place.1 = Some(bytes.to_vec()));
			Ok(())
		}

		fn clear(&mut self) -> io::Result<()> {
			self.with(|place| place.1 = None);
			Ok(())
		}
	}

	impl Drop for Compartment {
		fn drop(&mut self) {
			self.with(|place| place.0 = false);
		}
	}

	impl Shelf {
		fn kept(&self) -> usize {
			self.0.lock().unwrap().values().filter(|(_, kept)| kept.is_some()).count()
		}
	}

	/// A process that sends a transfer and is killed when the node has it.
	async fn killed(node: &Played, shelf: &Shelf) {
		let chain = connect(node).await.with_outbox(Arc::new(shelf.clone()));
		drop(transfer(&chain, 1).send().await.unwrap());
	}

	#[tokio::test]
	async fn a_process_that_was_killed_does_not_pay_twice() {
		let (node, shelf) = (Played::start().await, Shelf::default());
		killed(&node, &shelf).await;
		assert_eq!(shelf.kept(), 1);
		let again = connect(&node).await.with_outbox(Arc::new(shelf.clone()));
		let _blocks = node.run();
		transfer(&again, 1).await.unwrap();
		assert_eq!((node.included().len(), shelf.kept()), (1, 0));
		// What is seen through is done with: the next one is another.
		transfer(&again, 1).await.unwrap();
		assert_eq!(node.included().len(), 2);
	}

	#[tokio::test]
	async fn a_process_that_was_killed_before_a_block_had_its_transaction_does_not_pay_twice() {
		let (node, shelf) = (Played::start().await, Shelf::default());
		killed(&node, &shelf).await;
		let blocks = node.run();
		while node.included().is_empty() {
			tokio::time::sleep(Duration::from_millis(50)).await;
		}
		let again = connect(&node).await.with_outbox(Arc::new(shelf.clone()));
		transfer(&again, 1).await.unwrap();
		assert_eq!((node.included().len(), shelf.kept()), (1, 0));
		blocks.abort();
	}

	#[tokio::test]
	async fn what_was_done_long_ago_is_not_taken_for_what_is_asked_for_now() {
		let (node, shelf) = (Played::start().await, Shelf::default());
		killed(&node, &shelf).await;
		for _ in 0..LIFETIME + 20 {
			node.state().seal();
			node.state().finalise();
		}
		assert_eq!(node.included().len(), 1);
		let again = connect(&node).await.with_outbox(Arc::new(shelf.clone()));
		let error = transfer(&again, 1).await.unwrap_err();
		assert!(matches!(error, ChainError::AlreadyDone(_)), "{error}");
		assert_eq!((node.included().len(), shelf.kept()), (1, 0));
		let _blocks = node.run();
		transfer(&again, 1).await.unwrap();
		assert_eq!(node.included().len(), 2);
	}

	#[tokio::test]
	async fn two_of_the_same_at_once_are_two() {
		let (node, shelf) = (Played::start().await, Shelf::default());
		let chain = connect(&node).await.with_outbox(Arc::new(shelf.clone()));
		let _blocks = node.run();
		let (first, second) =
			tokio::join!(transfer(&chain, 1).into_future(), transfer(&chain, 1).into_future());
		assert_ne!(first.unwrap().extrinsic, second.unwrap().extrinsic);
		assert_eq!((node.included().len(), shelf.kept()), (2, 0));
	}

	#[tokio::test]
	async fn what_a_block_took_before_the_link_broke_is_not_signed_again() {
		let node = Played::start().await;
		let chain = connect(&node).await;
		node.state().mishap = Some(Mishap::Included);
		let waiting = tokio::spawn(transfer(&chain, 1).into_future());
		// Long enough for a second transaction, which would be refused in the pool of none.
		tokio::time::sleep(Duration::from_secs(3)).await;
		let _blocks = node.run();
		waiting.await.unwrap().unwrap();
		assert_eq!(node.included().len(), 1);
		assert_eq!(different(&node).len(), 1);
	}

	#[tokio::test]
	async fn what_the_pool_took_before_the_link_broke_is_not_signed_again() {
		let node = Played::start().await;
		let chain = connect(&node).await;
		node.state().mishap = Some(Mishap::Taken);
		let _blocks = node.run();
		transfer(&chain, 1).await.unwrap();
		assert_eq!(node.included().len(), 1);
		assert_eq!(different(&node).len(), 1);
	}

	#[tokio::test]
	async fn a_number_that_another_process_took_first_is_left_to_it() {
		let node = Played::start().await;
		let chain = connect(&node).await;
		let other = connect(&node).await;
		let (one, two) = tokio::join!(transfer(&chain, 1).send(), transfer(&other, 2).send());
		let (mut one, mut two) = (one.unwrap(), two.unwrap());
		let _blocks = node.run();
		one.finalised().await.unwrap();
		two.finalised().await.unwrap();
		let numbers: Vec<_> = node.included().iter().map(|bytes| nonce(bytes)).collect();
		assert_eq!(numbers, [Some(0), Some(1)]);
	}

	#[tokio::test]
	async fn what_was_lost_is_signed_again_once_another_s_use_of_its_number_is_final() {
		let node = Played::start().await;
		let (chain, other) = (connect(&node).await, connect(&node).await);
		node.state().mishap = Some(Mishap::Lost);
		let waiting = tokio::spawn(transfer(&chain, 1).into_future());
		while node.state().mishap.is_some() {
			tokio::task::yield_now().await;
		}
		// While the first is away, another process of the account uses its number.
		let _others = transfer(&other, 2).send().await.unwrap();
		node.state().seal();
		tokio::time::sleep(Duration::from_secs(2)).await;
		assert_eq!(node.state().pool.len(), 0, "it may be in a block that is not final");
		let _blocks = node.run();
		waiting.await.unwrap().unwrap();
		let numbers: Vec<_> = node.included().iter().map(|bytes| nonce(bytes)).collect();
		assert_eq!(numbers, [Some(0), Some(1)]);
	}

	#[tokio::test]
	async fn the_same_bytes_are_sent_again_if_a_node_lost_its_pool() {
		let node = Played::start().await;
		let chain = connect(&node).await;
		let mut sent = transfer(&chain, 1).send().await.unwrap();
		node.state().pool.clear();
		node.cut();
		let _blocks = node.run();
		sent.finalised().await.unwrap();
		assert_eq!(different(&node).len(), 1);
		assert!(node.state().came.len() > 1);
		assert_eq!(node.included().len(), 1);
	}

	#[tokio::test]
	async fn what_was_signed_for_a_runtime_that_is_gone_is_signed_for_the_new_one() {
		let node = Played::start().await;
		let chain = connect(&node).await;
		let mut sent = transfer(&chain, 1).send().await.unwrap();
		let old = different(&node);
		node.state().pool.clear();
		// From block 7 on, the first bytes are signed for another runtime.
		node.state().rule =
			Box::new(move |_, bytes, at| (at >= 7 && bytes == old[0]).then_some(No::BadProof));
		let _blocks = node.run();
		sent.finalised().await.unwrap();
		assert_eq!(different(&node).len(), 2);
		assert_eq!(node.included().len(), 1);
	}

	#[tokio::test]
	async fn a_transaction_that_no_block_took_in_time_has_expired() {
		let node = Played::start().await;
		let chain = connect(&node).await;
		let mut sent = transfer(&chain, 1).send().await.unwrap();
		node.state().pool.clear();
		for _ in 0..LIFETIME {
			node.state().block(Vec::new());
		}
		let best = node.state().blocks.len() - 1;
		node.state().finalised = best;
		for _ in 0..2 {
			let error = sent.finalised().await.unwrap_err();
			assert!(matches!(error, ChainError::Expired(69)), "{error}");
		}
		assert_eq!(different(&node).len(), 1);
	}

	#[tokio::test]
	async fn a_call_that_is_made_again_after_an_error_follows_the_first_bytes() {
		let node = Played::start().await;
		let chain = connect(&node).await;
		node.state().mishap = Some(Mishap::Replaced);
		let error = transfer(&chain, 1).await.unwrap_err();
		assert!(matches!(error, ChainError::AnotherChain(_)) && error.leaves_open(), "{error}");
		node.state().chain = 1;
		let _blocks = node.run();
		transfer(&chain, 1).await.unwrap();
		assert_eq!(node.included().len(), 1);
		// That one is settled: the next is another.
		transfer(&chain, 1).await.unwrap();
		assert_eq!(node.included().len(), 2);
	}

	#[tokio::test]
	async fn a_call_is_known_to_be_in_a_block_before_that_is_final() {
		let node = Played::start().await;
		let chain = connect(&node).await;
		let mut sent = transfer(&chain, 1).send().await.unwrap();
		node.state().seal();
		assert_eq!(sent.in_block().await.unwrap().block, 6);
		assert_eq!(node.state().finalised, 5);
		let _blocks = node.run();
		assert_eq!(sent.finalised().await.unwrap().block, 6);
	}

	#[tokio::test]
	async fn where_finality_is_far_behind_a_transaction_begins_at_the_best_block() {
		let node = Played::start().await;
		let chain = connect(&node).await;
		for _ in 0..LIFETIME {
			node.state().block(Vec::new());
		}
		let sent = transfer(&chain, 1).send().await.unwrap();
		assert_eq!(sent.made.from, 69);
	}

	#[tokio::test]
	async fn a_transaction_is_found_in_a_block_in_the_place_of_a_final_one_that_a_node_lost() {
		let node = Played::start().await;
		let chain = connect(&node).await;
		let mut sent = transfer(&chain, 1).send().await.unwrap();
		let pool = std::mem::take(&mut node.state().pool);
		node.state().finalise();
		node.state().finalise();
		let soon = tokio::time::timeout(Duration::from_secs(2), sent.finalised()).await;
		assert!(soon.is_err() && sent.searched == 7);
		{
			let mut state = node.state();
			state.blocks.truncate(6);
			state.fork = 1;
			state.pool = pool;
			state.finalise();
			state.finalise();
			state.finalise();
		}
		assert_eq!(sent.finalised().await.unwrap().block, 6);
		assert_eq!(different(&node).len(), 1);
	}

	#[tokio::test]
	async fn what_is_settled_after_an_error_is_not_taken_for_an_equal_call_later() {
		let node = Played::start().await;
		let chain = connect(&node).await;
		let mut sent = transfer(&chain, 1).send().await.unwrap();
		node.state().chain = 2;
		node.cut();
		let error = sent.finalised().await.unwrap_err();
		assert!(error.leaves_open(), "{error}");
		node.state().chain = 1;
		let _blocks = node.run();
		sent.finalised().await.unwrap();
		transfer(&chain, 1).await.unwrap();
		assert_eq!(node.included().len(), 2);
	}

	/// The runtime refuses what is in a block already, by this code.
	fn once(node: &Played, code: u8) {
		node.state().rule = Box::new(move |state, bytes, at| {
			let mut before = state.blocks[..=at].iter().flat_map(|block| &block.extrinsics);
			before.any(|other| other == bytes).then_some(No::Custom(code))
		});
	}

	#[tokio::test]
	async fn an_answer_without_a_signature_that_a_block_took_before_the_link_broke_is_found() {
		let node = Played::start().await;
		let chain = connect(&node).await;
		once(&node, 159);
		node.state().mishap = Some(Mishap::Included);
		let call = chain.post_weights(crate::Target::Submission(3), vec![1, 2, 3]);
		let waiting = tokio::spawn(call.into_future());
		tokio::time::sleep(Duration::from_secs(1)).await;
		let _blocks = node.run();
		waiting.await.unwrap().unwrap();
		assert_eq!(node.included().len(), 1);
	}

	#[tokio::test]
	async fn a_refusal_of_the_runtime_has_its_own_name_whatever_words_the_node_uses() {
		let node = Played::start().await;
		let chain = connect(&node).await;
		let refused = async |no: No| {
			node.state().rule = Box::new(move |_, _, _| Some(no));
			chain.post_weights(crate::Target::Submission(3), vec![1]).await.unwrap_err()
		};
		let proof = refused(No::Custom(159)).await;
		assert_eq!(proof.module(), Some(&RuntimeError::StorageDeals(StorageDeals::AlreadyProved)));
		assert!(proof.is_final() && proof.to_string().contains("StorageDeals::AlreadyProved"), "{proof}");
		let settled = refused(No::Custom(210)).await;
		assert_eq!(settled.module(), Some(&RuntimeError::Training(Training::NothingDue)));
		assert!(!settled.is_final(), "it is due later");
		let over = refused(No::Custom(69)).await;
		assert_eq!(over.module(), Some(&RuntimeError::Verification(Verification::WindowOver)));
		let unknown = refused(No::Custom(7)).await;
		assert_eq!(unknown.refusal(), Some(Refusal::Invalid));
		let signature = refused(No::BadProof).await;
		assert_eq!(signature.refusal(), Some(Refusal::Signature));
		assert!(!unknown.is_final() && !signature.is_final());
	}
}
