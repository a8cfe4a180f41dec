//! Validators: their session keys, and how they fare.

use super::{Global, Monitoring, account::parse, costs, endpoint, stake::percent};
use anyhow::{Context as _, ensure};
use clap::Subcommand;
use oda_client::{AccountId, ChainError, NewKeys, Receipt, StakeTerms, ValidatorStatus};
use oda_roles::{
	amount::oda,
	context::Context,
	standing::{self, ValidatorConfig},
};
use serde::Serialize;
use std::net::IpAddr;

/// Register a validator's keys, and see how it fares.
#[derive(Debug, Subcommand)]
pub enum ValidatorCommand {
	/// Have a node make session keys, and register them for the account.
	///
	/// --node has to be the validator's own node: it makes the keys with which it will sign blocks and votes, and keeps their
	/// secrets. The account itself signs nothing but their registration, so its key need not be on that machine. They count
	/// from the session after the next on; until then the node needs the old ones, which it keeps.
	///
	/// A node that is not on this machine is refused: whoever has it could make keys of its own for the account, and sign with
	/// them what costs the account its stake. Shows what it takes, and asks. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --node ws://127.0.0.1:9944 --key-file my.key validator keys")]
	Keys {
		/// Take keys from a node that is on another machine.
		#[arg(long)]
		remote: bool,
		/// Go on without asking.
		#[arg(long, short)]
		yes: bool,
	},
	/// Serve the metrics of a validator: its stake, its keys, whether it is elected and heard; a service.
	///
	/// Its node does the work; this only reads the chain, and needs no key where the account is named. What to be woken up by
	/// is in docs/operations.md. Runs until it is stopped.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key validator watch --prometheus 127.0.0.1:9618")]
	Watch {
		/// The account, in SS58; the key's own if not named.
		account: Option<String>,
		/// How it is watched.
		#[command(flatten)]
		monitoring: Monitoring,
	},
	/// How a validator fares: its stake, its keys, whether it is elected, and what it did of late.
	///
	/// At the last final block. A node that lets this machine ask says whether it has the secrets of the keys.
	#[command(after_help = "Examples:\n  \
		ml-worker --key-file my.key validator status\n  \
		ml-worker validator status 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")]
	Status {
		/// The account, in SS58; the key's own if not named.
		account: Option<String>,
	},
}

/// Registered keys, for machines.
#[derive(Serialize)]
struct Registered<'a> {
	#[serde(flatten)]
	keys: &'a NewKeys,
	receipt: &'a Receipt,
}

/// How a validator fares, for machines.
#[derive(Serialize)]
struct Fares<'a> {
	#[serde(flatten)]
	status: &'a ValidatorStatus,
	/// Whether the node has the secrets of the keys, if it says so.
	node_has_keys: Option<bool>,
}

impl ValidatorCommand {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		if let Self::Watch { account, monitoring } = self {
			return watch(global, account, &monitoring).await;
		}
		let context = &global.open()?;
		match self {
			// Done above.
			Self::Watch { .. } => Ok(()),
			Self::Keys { remote, yes } => keys(global, context, remote, yes).await,
			Self::Status { account } => status(global, context, account).await,
		}
	}
}

async fn watch(global: &Global, account: Option<String>, monitoring: &Monitoring) -> anyhow::Result<()> {
	let account = account.map(|text| parse(&text)).transpose()?;
	let context = global.open_watched(monitoring)?;
	let _endpoint = endpoint(&context).await?;
	let account = match account {
		Some(account) => account,
		None => global.key()?.context("name an account, or give a key")?.account(),
	};
	standing::run(context, ValidatorConfig { account: Some(account.to_string()) }).await
}

async fn keys(global: &Global, context: &Context, remote: bool, yes: bool) -> anyhow::Result<()> {
	ensure!(
		remote || is_local(&global.node),
		"nothing was sent: {} is not on this machine, and whoever has that node will sign for the account; --remote goes on",
		global.node
	);
	let key = &global.signer(context).await?;
	let chain = context.chain().await?;
	let view = chain.finalised().await?;
	let before = view.session_keys(&key.account()).await?;
	let mut items = Vec::new();
	if before.is_none() {
		let deposit = view.stake_terms().await?.key_deposit;
		items.push(costs::Item::new(
			"keys",
			deposit,
			"deposit for the keys, for as long as any are registered",
		));
	}
	costs::agree(context, &items, yes)?;
	let made = chain.rotate_keys(&key.account()).await.map_err(unsafe_call)?;
	let receipt = chain.set_keys(key, &made).await?;
	let text = format!(
		"keys 0x{} registered in block {}; they count from the session after the next on",
		hex::encode(made.keys),
		receipt.block
	);
	context.output().result(text, &Registered { keys: &made, receipt: &receipt });
	Ok(())
}

/// Why a node makes no keys.
fn unsafe_call(error: ChainError) -> anyhow::Error {
	let answered = matches!(error, ChainError::Answered { .. });
	let error = anyhow::Error::new(error);
	match answered {
		true => error.context("the node makes no keys for callers from here (its --rpc-methods)"),
		false => error,
	}
}

async fn status(global: &Global, context: &Context, account: Option<String>) -> anyhow::Result<()> {
	let account: AccountId = match account {
		Some(text) => parse(&text)?,
		None => global.key()?.context("name an account, or give a key")?.account(),
	};
	let chain = context.chain().await?;
	let view = chain.finalised().await?;
	let (status, terms) = (view.validator(&account).await?, view.stake_terms().await?);
	let node_has_keys = match &status.keys {
		Some(keys) => match chain.has_keys(keys).await {
			Ok(has) => Some(has),
			// It does not say so to everybody.
			Err(ChainError::Answered { .. }) => None,
			Err(error) => return Err(error.into()),
		},
		None => None,
	};
	let text = described(&status, node_has_keys, &terms);
	context.output().result(text, &Fares { status: &status, node_has_keys });
	Ok(())
}

/// How a validator fares, a line a matter.
fn described(status: &ValidatorStatus, node_has_keys: Option<bool>, terms: &StakeTerms) -> String {
	let mut lines = vec![status.account.to_string()];
	let mut line = |what: &str, text: String| lines.push(format!("  {what:10} {text}"));
	match &status.pool {
		None => line(
			"stake",
			match status.barred_until {
				Some(session) => {
					format!("none: it equivocated, and can bond again from session {session} on")
				}
				None => "none: ml-worker stake bond validator".to_owned(),
			},
		),
		Some(pool) => {
			line(
				"stake",
				format!(
					"own {}, delegated {}, leaving {}",
					oda(pool.own),
					oda(pool.delegated),
					oda(pool.leaving)
				),
			);
			match chilled(status, terms) {
				Some(why) => line("chilled", why),
				None if pool.counted == 0 => {
					line("counts", format!("not: its own bond is below {}", oda(pool.min_bond)))
				}
				None => line("counts", format!("with {}", oda(pool.counted))),
			}
		}
	}
	let whose = match node_has_keys {
		Some(true) => "; this node has them",
		Some(false) => "; this node lacks them",
		None => "",
	};
	line(
		"keys",
		match &status.keys {
			Some(keys) => format!("0x{}{whose}", hex::encode(keys)),
			None => "none: ml-worker validator keys".to_owned(),
		},
	);
	let elected = |stake: Option<u128>| {
		stake.map_or_else(|| "not elected".to_owned(), |stake| format!("elected with {}", oda(stake)))
	};
	let mut now = elected(status.elected);
	if status.elected.is_some() {
		let heartbeat = if status.heartbeat { "its heartbeat sent" } else { "no heartbeat yet" };
		now += &format!(", {} blocks so far, {heartbeat}", status.blocks);
	}
	if status.disabled {
		now += ", disabled for an offence";
	}
	line(&format!("session {}", status.session), now);
	line(&format!("session {}", status.session.saturating_add(1)), elected(status.elected_next));
	line(
		"afterwards",
		match status.place {
			Some(place) => format!("would be elected now, as number {place}"),
			None => "would not be elected now".to_owned(),
		},
	);
	if status.absences > 0 {
		line("absent", format!("in {} sessions in a row; {} chill it", status.absences, terms.max_absences));
	}
	for offence in &status.offences {
		line(
			"offence",
			format!(
				"in session {}, will cost {} of {}",
				offence.session,
				percent(offence.fraction),
				oda(offence.exposure)
			),
		);
	}
	lines.join("\n")
}

/// Why a validator is chilled, if it is: as far as the chain's state says. The event that said it may be long ago.
fn chilled(status: &ValidatorStatus, terms: &StakeTerms) -> Option<String> {
	let pool = status.pool.as_ref().filter(|pool| pool.chilled)?;
	let back = "ml-worker stake resume validator makes it count again";
	Some(if pool.own == 0 {
		"its own bond has left".to_owned()
	} else if let Some(session) = status.barred_until {
		format!("it equivocated, and can resume from session {session} on")
	} else if status.absences >= terms.max_absences {
		format!("it did not respond for {} sessions in a row; {back}", status.absences)
	} else {
		format!("it asked for it, was displaced by more stake, was absent, or equivocated; {back}")
	})
}

/// Whether a node's address is one of this machine's own.
fn is_local(url: &str) -> bool {
	let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
	let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
	let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
	let host = match place.strip_prefix('[') {
		Some(address) => address.split(']').next(),
		None => place.split(':').next(),
	};
	let host = host.unwrap_or_default();
	host.eq_ignore_ascii_case("localhost")
		|| host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_client::{StakePool, WaitingOffence};

	const UNIT: u128 = 1_000_000_000_000;

	fn terms() -> StakeTerms {
		StakeTerms {
			min_validator_bond: 1_000 * UNIT,
			min_verifier_bond: 500 * UNIT,
			min_provider_bond: 100 * UNIT,
			min_delegation: UNIT,
			max_commission: 500_000_000,
			commission_notice: 28_800,
			bonding: 403_200,
			verifier_slash: 300 * UNIT,
			absence_slash: 5 * UNIT,
			max_absences: 4,
			pool_deposit: UNIT / 100,
			key_deposit: UNIT,
		}
	}

	fn status() -> ValidatorStatus {
		ValidatorStatus {
			account: AccountId([1; 32]),
			pool: Some(StakePool {
				own: 1_000 * UNIT,
				delegated: 50 * UNIT,
				leaving: 0,
				reserved: 0,
				counted: 1_050 * UNIT,
				min_bond: 1_000 * UNIT,
				commission: 0,
				raise: None,
				chilled: false,
				offences: 0,
				members: 2,
			}),
			keys: Some([7; 96]),
			session: 12,
			elected: Some(1_000 * UNIT),
			elected_next: None,
			place: Some(3),
			disabled: false,
			blocks: 9,
			heartbeat: true,
			absences: 0,
			barred_until: None,
			offences: Vec::new(),
		}
	}

	fn chill(status: ValidatorStatus) -> ValidatorStatus {
		let pool = status.pool.map(|pool| StakePool { chilled: true, counted: 0, ..pool });
		ValidatorStatus { pool, ..status }
	}

	#[test]
	fn only_an_address_of_this_machine_is_local() {
		for local in [
			"ws://127.0.0.1:9944",
			"ws://localhost:9944/",
			"wss://LOCALHOST",
			"ws://[::1]:9944",
			"ws://127.8.9.1",
			"ws://user@127.0.0.1:9944/path",
		] {
			assert!(is_local(local), "{local}");
		}
		for other in [
			"wss://rpc.example.org",
			"ws://192.0.2.1:9944",
			"ws://[2001:db8::1]:9944",
			"ws://localhost.example.org",
			"ws://127.0.0.1.example.org:9944",
			"ws://127.0.0.1@example.org",
			"ws://example.org/127.0.0.1",
			"ws://example.org#@127.0.0.1",
			"",
		] {
			assert!(!is_local(other), "{other}");
		}
	}

	#[test]
	fn a_validator_s_status_says_what_it_is_elected_for_and_what_it_did() {
		let shown = described(&status(), Some(true), &terms());
		for part in [
			"stake      own 1,000 ODA, delegated 50 ODA, leaving 0 ODA",
			"counts     with 1,050 ODA",
			"; this node has them",
			"session 12 elected with 1,000 ODA, 9 blocks so far, its heartbeat sent",
			"session 13 not elected",
			"afterwards would be elected now, as number 3",
		] {
			assert!(shown.contains(part), "{part}: {shown}");
		}
		assert!(!shown.contains("chilled") && !shown.contains("offence"), "{shown}");
	}

	#[test]
	fn a_status_says_what_is_missing_by_the_command_that_mends_it() {
		let nobody = ValidatorStatus { pool: None, keys: None, elected: None, place: None, ..status() };
		let shown = described(&nobody, None, &terms());
		assert!(shown.contains("ml-worker stake bond validator"), "{shown}");
		assert!(shown.contains("ml-worker validator keys"), "{shown}");
		assert!(shown.contains("would not be elected now"), "{shown}");
		let barred = ValidatorStatus { barred_until: Some(14), ..nobody };
		let shown = described(&barred, None, &terms());
		assert!(shown.contains("it equivocated, and can bond again from session 14 on"), "{shown}");
	}

	#[test]
	fn a_chilled_validator_is_told_why_as_far_as_that_is_known() {
		assert_eq!(chilled(&status(), &terms()), None);
		let why = |status: ValidatorStatus| chilled(&chill(status), &terms()).unwrap();
		let barred = why(ValidatorStatus { barred_until: Some(14), ..status() });
		assert_eq!(barred, "it equivocated, and can resume from session 14 on");
		let absent = why(ValidatorStatus { absences: 4, ..status() });
		assert!(absent.contains("did not respond for 4 sessions"), "{absent}");
		assert!(why(status()).contains("ml-worker stake resume validator"));
		let mut left = chill(status());
		left.pool.as_mut().unwrap().own = 0;
		assert_eq!(chilled(&left, &terms()).unwrap(), "its own bond has left");
	}

	#[test]
	fn what_waits_to_be_taken_is_told() {
		let offence = WaitingOffence { session: 11, fraction: 10_000_000, exposure: 1_000 * UNIT };
		let status = ValidatorStatus { offences: vec![offence], absences: 2, disabled: true, ..status() };
		let shown = described(&status, Some(false), &terms());
		for part in [
			"offence    in session 11, will cost 1 % of 1,000 ODA",
			"absent     in 2 sessions in a row; 4 chill it",
			"disabled for an offence",
			"this node lacks them",
		] {
			assert!(shown.contains(part), "{part}: {shown}");
		}
	}
}
