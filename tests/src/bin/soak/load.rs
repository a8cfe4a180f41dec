//! What goes on all the time: models come, get better, are lied about and go; so do deals, keepers, verifiers,
//! validators and delegations.

use crate::{
	ladder::Ladder,
	world::{ODA, Shared, key, known, suri, told},
};
use anyhow::{Context, Result, ensure};
use oda_client::{AccountId, ChainError, Load, StakeRole, View};
use oda_primitives::{BlobRef, DealId, Tick};
use std::{fs, time::Duration};
use tokio::time::sleep;

/// Versions that a model gets after its first; before each somebody lies.
const STEPS: u32 = 1;
/// Bytes of a blob that deals are about.
const BLOB: usize = 64 << 10;
/// Rounds of a deal that is kept to, and of one that is cancelled, which then has six more.
const ROUNDS: (u32, u32) = (6, 20);
/// Time between two deals.
const DEAL: Duration = Duration::from_secs(10);
/// What a verifier that comes and goes has room for: as those of the genesis.
const ROOM: Load = Load { time: 3_600_000_000_000_000, bytes: 16 << 30 };
/// Between two looks at the chain.
const LOOK: Duration = Duration::from_secs(1);
/// For how long a validator stays, and stays away.
const STAY: Duration = Duration::from_secs(15);
/// How long something may take that has to happen. It only ends a run that hangs.
const PATIENCE: Duration = Duration::from_secs(900);

/// The parts of the load, for ever.
pub(crate) async fn run(shared: &Shared) {
	tokio::join!(
		again(shared, "a model", async |number| model(shared, 0, number).await),
		again(shared, "another model", async |number| model(shared, 1, number).await),
		deals(shared),
		again(shared, "a keeper that comes and goes", async |_| keeper(shared).await),
		again(shared, "a verifier that comes and goes", async |number| verifier(shared, number).await),
		again(shared, "a validator that comes and goes", async |number| validator(shared, number).await),
		again(shared, "delegating", async |_| delegation(shared).await),
		again(shared, "a transfer", async |_| transfer(shared).await),
		again(shared, "tidying up", async |_| tidy(shared).await),
	);
}

/// Does something again and again, and notes what goes wrong.
async fn again(shared: &Shared, what: &str, mut part: impl AsyncFnMut(u64) -> Result<()>) {
	for number in 0.. {
		let done = tokio::time::timeout(PATIENCE, part(number)).await;
		if let Err(error) = done.context("it took too long").flatten() {
			shared.failed(what, &error);
			sleep(LOOK).await;
		}
	}
}

/// Waits until the final state is so.
async fn until(shared: &Shared, is_so: impl AsyncFn(&View) -> Result<bool>) -> Result<()> {
	let mut view = shared.chain.finalised().await?;
	while !is_so(&view).await? {
		view = shared.chain.finalised_after(view.number()).await?;
	}
	Ok(())
}

async fn until_tick(shared: &Shared, tick: Tick) -> Result<()> {
	until(shared, async |view| Ok(view.tick().await? >= tick)).await
}

/// What a liar loses, and pays: more than a bond.
const LIE: u128 = 150 * ODA;

/// A model's life: registered, improved, lied about, and retired.
async fn model(shared: &Shared, lane: u32, number: u64) -> Result<()> {
	let ladder = Ladder::new(2 * number + u64::from(lane))?;
	let account = format!("registrar-{lane}");
	let registrar = shared.publisher(&suri(&account));
	let file = shared.file(&format!("model-{lane}.json"));
	fs::write(&file, ladder.file())?;
	let file = file.to_string_lossy();
	let id = ladder.spec.id();
	let model = hex::encode(id);
	let weights = shared.publish(&ladder.weights(0))?;
	let mut published = vec![shared.publish(&ladder.data)?, weights.clone()];
	registrar.run(&["model", "register", "--yes", &file, "--weights", &weights]).await?;
	for step in 1..=STEPS {
		// Whoever lies twice is suspended.
		let (purse, name) = (key(&format!("liar-{lane}"))?, format!("liar-{lane}-{number}-{step}"));
		shared.chain.transfer(&purse, key(&name)?.account(), LIE).await?;
		let liar = shared.publisher(&suri(&name));
		let lie = liar.rogue(&model, &["lie"]).await?;
		let submission = lie.get("submission").and_then(serde_json::Value::as_u64);
		let submission = submission.filter(|_| lie.get("error").is_none());
		let submission = submission.with_context(|| format!("the lie was not taken: {lie}"))?;
		until(shared, async |view| Ok(view.submission(submission).await?.is_none())).await?;
		let weights = shared.publish(&ladder.weights(step))?;
		registrar.run(&["submit", "--yes", "--model", &model, "--weights", &weights]).await?;
		published.push(weights);
	}
	shared.chain.retire(&key(&account)?, id).await?;
	published.iter().try_for_each(|root| shared.unpublish(root))
}

/// A blob that no other is the same as.
fn blob(number: u64) -> Vec<u8> {
	let mut bytes = vec![0; BLOB];
	blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
	bytes
}

/// Offers a deal again and again, cancels every third, and deletes the blobs of those that are over.
async fn deals(shared: &Shared) {
	let mut open: Vec<(DealId, String, bool)> = Vec::new();
	again(shared, "a deal", async |number| {
		let payer = key("payer")?;
		let bytes = blob(number);
		let root = shared.publish(&bytes)?;
		let (price, most, cancel) = (ODA / 100, ODA / 50, number.is_multiple_of(3));
		let rounds = if cancel { ROUNDS.1 } else { ROUNDS.0 };
		let (deal, _) = shared.chain.offer_deal(&payer, BlobRef::of(&bytes), 1, rounds, price, most).await?;
		open.push((deal, root, cancel));
		let view = shared.chain.finalised().await?;
		let mut still = Vec::new();
		for (deal, root, cancel) in open.drain(..) {
			match view.deal(deal).await? {
				None => shared.unpublish(&root)?,
				Some(found) => {
					let cancels = cancel && found.slots.iter().any(|slot| slot.replica().is_some());
					if cancels {
						shared.chain.cancel_deal(&payer, deal).await?;
					}
					still.push((deal, root, cancel && !cancels));
				}
			}
		}
		open = still;
		sleep(DEAL).await;
		Ok(())
	})
	.await;
}

/// A keeper that takes a deal, and leaves.
async fn keeper(shared: &Shared) -> Result<()> {
	let key = key("keeper-1")?;
	let worker = shared.worker("keeper-1", &suri("keeper-1"));
	let log = shared.file("keeper-1.log");
	let process = worker.service(&["keeper", "run", "--capacity-mib", "64"], &log)?;
	let own = async |view: &View| {
		let keepers = view.keepers().await?;
		Ok::<_, ChainError>(keepers.into_iter().find(|keeper| keeper.account == key.account()))
	};
	until(shared, async |view| Ok(own(view).await?.is_some_and(|keeper| keeper.replicas > 0))).await?;
	shared.chain.retire_keeper(&key).await?;
	for deal in shared.chain.finalised().await?.deals().await? {
		if deal.replica_of(&key.account()).is_none() {
			continue;
		}
		match shared.chain.quit_deal(&key, deal.id).await {
			Err(ChainError::Module { error, .. })
				if ["EndsAnyway", "UnknownDeal", "DealOver", "NotKept"].contains(&error.as_str()) => {}
			done => drop(done?),
		}
	}
	until(shared, async |view| {
		let keeper = own(view).await?.context("the keeper is gone")?;
		let free_at = keeper.free_at.context("the keeper has not retired")?;
		Ok(keeper.replicas == 0 && view.tick().await? >= free_at)
	})
	.await?;
	ensure!(process.stop().await?, "the keeper did not stop");
	shared.chain.withdraw_keeper(&key).await?;
	Ok(())
}

/// A verifier that joins, answers, and leaves.
async fn verifier(shared: &Shared, number: u64) -> Result<()> {
	let key = key("verifier")?;
	if number == 0 {
		shared.chain.bond(&key, StakeRole::Verifier, 10_000 * ODA, 0).await?;
	}
	let worker = shared.worker("verifier-3", &suri("verifier"));
	let log = shared.file("verifier-3.log");
	let before = fs::read_to_string(&log).unwrap_or_default().matches("\"opened\"").count();
	let mut process = worker.service(&["verify"], &log)?;
	told(&mut process, "verifying").await?;
	shared.chain.join_verifiers(&key, ROOM).await?;
	until(shared, async |_| Ok(process.output().matches("\"opened\"").count() > before)).await?;
	shared.chain.rest_verifier(&key).await?;
	loop {
		sleep(3 * LOOK).await;
		match shared.chain.leave_verifiers(&key).await {
			Ok(_) => break,
			// A draw may still name it, or a task is open.
			Err(ChainError::Module { error, .. })
				if ["StillInDraw", "HasOpenTasks"].contains(&error.as_str()) => {}
			Err(error) => return Err(error.into()),
		}
	}
	ensure!(process.stop().await?, "the verifier did not stop");
	Ok(())
}

/// A validator that is elected, leaves, and comes back.
async fn validator(shared: &Shared, number: u64) -> Result<()> {
	let key = key("validator")?;
	let account = key.account();
	let elected = async |wanted: bool| {
		while shared.validators().await?.contains(&account) != wanted {
			sleep(LOOK).await;
		}
		anyhow::Ok(())
	};
	if number == 0 {
		let keys = shared.validator.rotate_keys(&account).await?;
		shared.chain.set_keys(&key, &keys).await?;
		shared.chain.bond(&key, StakeRole::Validator, 10_000 * ODA, 0).await?;
	} else {
		shared.chain.resume(&key, StakeRole::Validator).await?;
	}
	elected(true).await?;
	sleep(STAY).await;
	shared.chain.chill(&key, StakeRole::Validator).await?;
	elected(false).await?;
	sleep(STAY).await;
	Ok(())
}

/// Takes out what is due of the delegator's; some of it may be reserved for a while.
async fn withdraw(shared: &Shared, role: StakeRole, operator: AccountId) -> Result<()> {
	let key = key("delegator")?;
	loop {
		match shared.chain.withdraw_stake(&key, role, operator, key.account()).await {
			Err(ChainError::Module { error, .. }) if error == "StakeReserved" => sleep(LOOK).await,
			done => return done.map(drop).map_err(Into::into),
		}
	}
}

/// Somebody who delegates with a verifier and with a validator, moves to another, and takes all out.
async fn delegation(shared: &Shared) -> Result<()> {
	let (chain, key) = (&shared.chain, key("delegator")?);
	let (alice, bob, charlie) = (known("Alice")?, known("Bob")?, known("Charlie")?);
	let (validator, verifier, amount) = (StakeRole::Validator, StakeRole::Verifier, 50 * ODA);
	chain.delegate(&key, verifier, charlie, amount).await?;
	chain.delegate(&key, validator, alice, amount).await?;
	let (moves, _) = chain.redelegate(&key, validator, alice, bob, amount).await?;
	let (leaves, _) = chain.unbond(&key, verifier, charlie, amount).await?;
	until_tick(shared, moves.until.max(leaves.until)).await?;
	withdraw(shared, verifier, charlie).await?;
	withdraw(shared, validator, alice).await?;
	// With what it has earned.
	let (leaves, _) = chain.unbond(&key, validator, bob, 2 * amount).await?;
	until_tick(shared, leaves.until).await?;
	withdraw(shared, validator, bob).await
}

/// A transfer a block.
async fn transfer(shared: &Shared) -> Result<()> {
	let call = shared.chain.transfer(&key("sender")?, known("Ferdie")?, ODA);
	call.send().await?.in_block().await?;
	Ok(())
}

/// Deletes what the publisher's store has and nothing needs, as its owner would now and then.
async fn tidy(shared: &Shared) -> Result<()> {
	sleep(Duration::from_secs(60)).await;
	shared.publisher(&suri("payer")).run(&["blobs", "gc"]).await?;
	Ok(())
}
