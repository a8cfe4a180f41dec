//! What speaks for providers of inference, for one account: what it and others paid them, and whether a court
//! has found that one of them gave it a wrong answer. Lies beside the account's wallet of the chain.

use anyhow::Context as _;
use oda_client::{AccountId, View};
use oda_trust::{Account, History, Interaction, Limits, Observation, Score, Settings, scores};
use std::{
	collections::{BTreeMap, BTreeSet},
	fs,
	io::ErrorKind,
	num::NonZeroU64,
	path::{Path, PathBuf},
};

/// Ticks after which a payment counts half: a month of 3 s each.
const HALF_LIFE: NonZeroU64 = match NonZeroU64::new(864_000) {
	Some(ticks) => ticks,
	None => NonZeroU64::MIN,
};

/// What is kept of what the chain showed.
const LIMITS: Limits = Limits { half_life: HALF_LIFE, payments: 100_000 };

/// As the README of `oda-trust` has it: paths of three payments, of which the second pair counts half.
const SETTINGS: Settings = Settings { half_life: HALF_LIFE, pairs: 1, passed: 50 };

/// The file that names who gave a wrong answer, an account's address a line.
const WRONGED: &str = "wronged";
/// Mode of the file.
const MODE: u32 = 0o600;

/// What an account knows of providers.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
	folder: PathBuf,
	genesis: [u8; 32],
	me: AccountId,
}

/// What speaks for and against providers.
#[derive(Debug)]
pub struct Advice {
	scores: BTreeMap<Account, Score>,
	wronged: BTreeSet<Account>,
}

impl Advice {
	/// What is paid to a provider by this account, and by others as far as trust flows to them, in planck;
	/// `None` if the provider is unknown to this account and to those whom it paid for.
	pub fn score(&self, provider: &AccountId) -> Option<Score> {
		self.scores.get(&provider.0).copied()
	}

	/// Whether a court has found that the provider gave this account a wrong answer.
	pub fn has_wronged(&self, provider: &AccountId) -> bool {
		self.wronged.contains(&provider.0)
	}
}

impl Trust {
	/// What an account knows, in a folder of its wallet of a chain.
	pub(crate) fn of(wallet: &Path, genesis: [u8; 32], me: AccountId) -> Self {
		Self { folder: wallet.join("trust"), genesis, me }
	}

	/// Takes note of what the channels that the chain shows have paid: it forgets them some time after their
	/// end.
	pub(crate) async fn observe(&self, view: &View) -> anyhow::Result<Vec<Interaction>> {
		let tick = view.tick().await?;
		let channels = view.channels().await?;
		let observed = channels.into_iter().map(|channel| Observation {
			channel: channel.id,
			user: channel.user.0,
			provider: channel.provider.0,
			claimed: channel.claimed,
		});
		let (observed, trust): (Vec<_>, _) = (observed.collect(), self.clone());
		let noted = tokio::task::spawn_blocking(move || {
			let mut history = History::open(&trust.folder, trust.genesis, LIMITS)?;
			history.observe(tick, observed);
			history.save()?;
			anyhow::Ok(history.interactions())
		});
		noted.await.context("noting what was paid")?
	}

	/// What speaks for and against all providers.
	pub(crate) async fn advice(&self, view: &View) -> anyhow::Result<Advice> {
		let (payments, wronged) = (self.observe(view).await?, self.wronged()?);
		let tick = view.tick().await?;
		let scores = scores(&payments, &BTreeSet::from([self.me.0]), &wronged, tick, &SETTINGS);
		Ok(Advice { scores, wronged })
	}

	/// The providers that gave this account a wrong answer.
	pub(crate) fn wronged(&self) -> anyhow::Result<BTreeSet<Account>> {
		let path = self.folder.join(WRONGED);
		let text = match fs::read_to_string(&path) {
			Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
			read => read.with_context(|| path.display().to_string())?,
		};
		let account = |line: &str| -> anyhow::Result<Account> {
			let account: Result<AccountId, _> = line.parse();
			Ok(account.with_context(|| format!("{}: {line} is no account", path.display()))?.0)
		};
		text.lines().map(account).collect()
	}

	/// Remembers that a provider gave this account a wrong answer.
	pub(crate) fn blame(&self, provider: &AccountId) -> anyhow::Result<()> {
		let mut wronged = self.wronged()?;
		if !wronged.insert(provider.0) {
			return Ok(());
		}
		let path = self.folder.join(WRONGED);
		let text: String = wronged.into_iter().map(|account| format!("{}\n", AccountId(account))).collect();
		let written =
			fs::create_dir_all(&self.folder).and_then(|()| oda_files::replace(&path, MODE, text.as_bytes()));
		written.with_context(|| path.display().to_string())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn trust(base: &Path) -> Trust {
		Trust::of(base, [7; 32], AccountId([1; 32]))
	}

	#[test]
	fn who_gave_a_wrong_answer_is_remembered_once() {
		let base = tempfile::tempdir().unwrap();
		let trust = trust(base.path());
		assert_eq!(trust.wronged().unwrap(), BTreeSet::new());
		for provider in [[3; 32], [2; 32], [3; 32]] {
			trust.blame(&AccountId(provider)).unwrap();
		}
		assert_eq!(trust.wronged().unwrap(), BTreeSet::from([[2; 32], [3; 32]]));
	}

	#[test]
	fn a_line_that_names_nobody_is_its_own_error() {
		let base = tempfile::tempdir().unwrap();
		let trust = trust(base.path());
		trust.blame(&AccountId([3; 32])).unwrap();
		let path = base.path().join("trust").join(WRONGED);
		fs::write(&path, "nobody\n").unwrap();
		let error = format!("{:#}", trust.wronged().unwrap_err());
		assert!(error.contains("nobody is no account") && error.contains("wronged"), "{error}");
		assert!(trust.blame(&AccountId([4; 32])).is_err(), "what is there is not lost");
		assert_eq!(fs::read_to_string(&path).unwrap(), "nobody\n");
	}
}
