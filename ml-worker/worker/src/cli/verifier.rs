//! Joining the verifiers, and leaving them.

use super::{Global, account::parse};
use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use oda_client::{AccountId, Duty, Load, StakePool, StakeRole, VerifierStatus};
use oda_roles::{amount::oda, context::Context};
use serde::Serialize;

/// Picoseconds of a second.
const SECOND: u64 = 1_000_000_000_000;

/// Join the verifiers, rest, and leave them.
#[derive(Debug, Subcommand)]
pub enum VerifierCommand {
	/// Become a verifier that is drawn for tasks.
	///
	/// The account needs a bond as a verifier first (stake bond verifier). It is drawn from the next epoch but one on, by its
	/// stake and for what it has room for; from then on `ml-worker verify` has to run, for tasks that are not answered cost.
	///
	/// A deposit for the chain's entries is on hold until it leaves. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key verifier join --time 10min --bytes 4GiB")]
	Join(Room),
	/// Change what the verifier has room for at a time.
	///
	/// In draws from the next epoch but one on; what it has been drawn for stays. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key verifier capacity --time 1h --bytes 16GiB")]
	Capacity(Room),
	/// Get no new tasks, for a while or before leaving.
	///
	/// The draws of this epoch and the next may still name it: until these are over and its tasks are answered, `ml-worker
	/// verify` has to go on running. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key verifier rest")]
	Rest,
	/// Be drawn again, after resting or after too many absences.
	///
	/// From the next epoch but one on. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key verifier wake")]
	Wake,
	/// Leave the verifiers, with the deposit.
	///
	/// After resting, once no draw can name it any more and none of its tasks is open. The stake stays until it is taken out
	/// (stake unbond verifier). Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key verifier leave")]
	Leave,
	/// How a verifier fares: its stake, its room, its open tasks and its absences.
	///
	/// At the last final block.
	#[command(after_help = "Examples:\n  \
		ml-worker --key-file my.key verifier status\n  \
		ml-worker verifier status 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")]
	Status {
		/// The account, in SS58; the key's own if not named.
		account: Option<String>,
	},
}

/// What a verifier has room for at a time.
#[derive(Clone, Copy, Debug, Args)]
pub struct Room {
	/// Computing time of all tasks that it has at a time, on the machine that weights are measured on: 90s, 10min or 2h
	#[arg(long, value_parser = time)]
	pub time: u64,
	/// Weights and data of all tasks that it has at a time: 500MiB, 4GiB, or a number of bytes
	#[arg(long, value_parser = bytes)]
	pub bytes: u64,
}

impl From<Room> for Load {
	fn from(room: Room) -> Self {
		Self { time: room.time, bytes: room.bytes }
	}
}

/// A whole number and its unit.
fn measured(text: &str, units: &[(&str, u64)]) -> Option<u64> {
	let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
	let (number, unit) = text.split_at_checked(end)?;
	let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
	number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// A time, in picoseconds.
fn time(text: &str) -> Result<u64, String> {
	let units = [("s", SECOND), ("min", 60 * SECOND), ("h", 3_600 * SECOND)];
	measured(text, &units).ok_or_else(|| "a whole number of s, min or h, like 90s, 10min or 2h".to_owned())
}

/// A number of bytes.
fn bytes(text: &str) -> Result<u64, String> {
	let units = [("", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];
	measured(text, &units)
		.ok_or_else(|| "a whole number of bytes, KiB, MiB, GiB or TiB, like 4GiB".to_owned())
}

/// How a verifier fares, for machines.
#[derive(Serialize)]
struct Fares<'a> {
	#[serde(flatten)]
	status: &'a VerifierStatus,
	/// Its stake as a verifier, if it has one.
	pool: Option<&'a StakePool>,
}

impl VerifierCommand {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		let context = &global.open()?;
		if let Self::Status { account } = self {
			return status(global, context, account).await;
		}
		let key = &global.signer(context).await?;
		let chain = context.chain().await?;
		let (receipt, what) = match self {
			Self::Join(room) => {
				let view = chain.finalised().await?;
				let pool = view.stake_pool(StakeRole::Verifier, &key.account()).await?;
				let least = view.stake_terms().await?.min_verifier_bond;
				let enough = pool.is_some_and(|pool| pool.counted >= least);
				ensure!(
					enough,
					"nothing was sent: the account needs a stake of {} that counts as a verifier (ml-worker stake bond verifier)",
					oda(least)
				);
				let receipt = chain.join_verifiers(key, room.into()).await?;
				(
					receipt,
					"a verifier, drawn from the next epoch but one on; ml-worker verify answers its tasks",
				)
			}
			Self::Capacity(room) => {
				let receipt = chain.set_verifier_capacity(key, room.into()).await?;
				(receipt, "the capacity counts from the next epoch but one on")
			}
			Self::Rest => {
				let receipt = chain.rest_verifier(key).await?;
				(
					receipt,
					"resting, not drawn from the next epoch but one on; until then tasks have to be answered",
				)
			}
			Self::Wake => {
				let receipt = chain.wake_verifier(key).await?;
				(receipt, "awake, drawn from the next epoch but one on; ml-worker verify answers its tasks")
			}
			Self::Leave => {
				let receipt = chain.leave_verifiers(key).await?;
				(receipt, "no verifier any more; the stake is taken out by ml-worker stake unbond verifier")
			}
			// Done above.
			Self::Status { .. } => return Ok(()),
		};
		context.output().result(format!("block {}: {what}", receipt.block), &receipt);
		Ok(())
	}
}

async fn status(global: &Global, context: &Context, account: Option<String>) -> anyhow::Result<()> {
	let account: AccountId = match account {
		Some(text) => parse(&text)?,
		None => global.key()?.context("name an account, or give a key")?.account(),
	};
	let view = context.chain().await?.finalised().await?;
	let status = view.verifier_status(&account).await?;
	let status = status.with_context(|| format!("{account} is no verifier"))?;
	let pool = view.stake_pool(StakeRole::Verifier, &account).await?;
	let fares = Fares { status: &status, pool: pool.as_ref() };
	context.output().result(described(&status, pool.as_ref()), &fares);
	Ok(())
}

/// How a verifier fares, a line a matter.
fn described(status: &VerifierStatus, pool: Option<&StakePool>) -> String {
	let duty = match status.duty {
		Duty::Awake if status.weight == 0 => "awake, and not drawn: its stake does not suffice",
		Duty::Awake => "awake",
		Duty::Away => "away, and not drawn: it was absent too often; ml-worker verifier wake",
		Duty::Resting => "resting, and not drawn; ml-worker verifier wake",
	};
	let stake = pool.map_or_else(
		|| "none".to_owned(),
		|pool| {
			let (counted, leaving) = (oda(pool.counted), oda(pool.leaving));
			format!("counts with {counted}, leaving {leaving}, {} reserved", oda(pool.reserved))
		},
	);
	let room = format!(
		"{} and {} at a time; its seats take {} and {}",
		seconds(status.capacity.time.into()),
		mebibytes(status.capacity.bytes.into()),
		seconds(status.seated.time),
		mebibytes(status.seated.bytes)
	);
	format!(
		"{}: {duty}\n  stake     {stake}\n  room      {room}\n  open      {} tasks\n  absences  {} in a row",
		status.account, status.open, status.absences
	)
}

fn seconds(picoseconds: u128) -> String {
	let tenths = picoseconds / u128::from(SECOND / 10);
	format!("{}.{} s", tenths / 10, tenths % 10)
}

fn mebibytes(bytes: u128) -> String {
	format!("{} MiB", bytes.div_ceil(1 << 20))
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_client::Seated;

	const UNIT: u128 = 1_000_000_000_000;

	#[test]
	fn times_and_lengths_are_read_with_their_units() {
		assert_eq!(time("90s"), Ok(90 * SECOND));
		assert_eq!(time("10min"), Ok(600 * SECOND));
		assert_eq!(time("2h"), Ok(7_200 * SECOND));
		for bad in ["", "s", "10", "1.5h", "-1s", "10 min", "1d", "99999999999h"] {
			assert!(time(bad).is_err(), "{bad:?}");
		}
		assert_eq!(bytes("1000"), Ok(1_000));
		assert_eq!(bytes("4GiB"), Ok(4 << 30));
		assert_eq!(bytes("1TiB"), Ok(1 << 40));
		for bad in ["", "GiB", "4GB", "4gib", "0.5GiB", "ä", "16777216TiB"] {
			assert!(bytes(bad).is_err(), "{bad:?}");
		}
	}

	fn verifier(duty: Duty) -> VerifierStatus {
		VerifierStatus {
			account: AccountId([1; 32]),
			duty,
			weight: 500 * UNIT,
			capacity: Load { time: 600 * SECOND, bytes: 4 << 30 },
			seated: Seated { time: 12_300_000_000_000, bytes: (1 << 20) + 1, stake: 300 * UNIT },
			open: 1,
			absences: 2,
		}
	}

	#[test]
	fn a_verifier_s_status_says_its_room_and_what_is_reserved() {
		let pool = StakePool {
			own: 500 * UNIT,
			delegated: 0,
			leaving: UNIT,
			reserved: 300 * UNIT,
			counted: 500 * UNIT,
			min_bond: 500 * UNIT,
			commission: 0,
			raise: None,
			chilled: false,
			offences: 0,
			members: 1,
		};
		let shown = described(&verifier(Duty::Awake), Some(&pool));
		for part in [
			": awake\n",
			"stake     counts with 500 ODA, leaving 1 ODA, 300 ODA reserved",
			"room      600.0 s and 4096 MiB at a time; its seats take 12.3 s and 2 MiB",
			"open      1 tasks",
			"absences  2 in a row",
		] {
			assert!(shown.contains(part), "{part}: {shown}");
		}
	}

	#[test]
	fn a_verifier_that_is_not_drawn_is_told_why() {
		for (duty, why) in [(Duty::Away, "absent too often"), (Duty::Resting, "resting")] {
			let shown = described(&verifier(duty), None);
			assert!(shown.contains(why) && shown.contains("ml-worker verifier wake"), "{shown}");
		}
		let small = VerifierStatus { weight: 0, ..verifier(Duty::Awake) };
		let shown = described(&small, None);
		assert!(shown.contains("its stake does not suffice") && shown.contains("stake     none"), "{shown}");
	}
}
