//! What all roles have in common: a loop over the blocks that survives what happens to the node, to a piece of work,
//! and to the role itself.

use crate::{
	context::{Context, Tidy},
	demand,
	metrics::Metrics,
};
use anyhow::Context as _;
use futures::{FutureExt, future::BoxFuture};
use oda_client::{Chain, ChainError, Key, View};
use serde::de::DeserializeOwned;
use std::{future::Future, sync::Arc, time::Duration};

/// Between two looks for a new block.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Every so many blocks it is deleted what services have brought here and nothing needs any more.
const TIDY: u64 = 50;

/// Whether a role has more to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
	/// Yes, at the next block.
	GoOn,
	/// No: it ends once what is under way has ended.
	Done,
}

/// Who acts, and by what means.
#[derive(Clone)]
pub struct Actor {
	/// What this process has.
	pub context: Context,
	/// The chain.
	pub chain: Chain,
	/// The account's key; some roles do without.
	pub key: Option<Key>,
}

impl Actor {
	/// The key of a role that cannot do without.
	///
	/// # Errors
	///
	/// If there is none.
	pub fn needed_key(&self, role: &str) -> anyhow::Result<Key> {
		self.key.clone().with_context(|| format!("the {role} needs a key"))
	}
}

/// A service: what it does at its start and at each block.
///
/// Nothing of it waits for a transaction or for a blob: what takes longer than reading the state is done in the
/// background, and what came of it is read from the state of later blocks.
pub trait Role: Sized + Send + 'static {
	/// Its name: in configuration files, in the log, in the metrics.
	const NAME: &'static str;

	/// Its settings.
	type Config: Clone + Send + Sync + DeserializeOwned + 'static;

	/// Gets ready.
	fn start(actor: Actor, config: Self::Config) -> impl Future<Output = anyhow::Result<Self>> + Send;

	/// Takes up what the journal says was begun before.
	fn resume(&mut self, _view: &View) -> impl Future<Output = anyhow::Result<()>> + Send {
		async { Ok(()) }
	}

	/// Does what a block's state asks for.
	fn block(&mut self, view: &View) -> impl Future<Output = anyhow::Result<Step>> + Send;

	/// Waits for what is under way.
	fn finish(self) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Runs a role, and answers demands for weights beside it if it has a key. With `once`, until what it found to do at
/// its first look has been done.
pub async fn run<R: Role>(
	context: Context,
	key: Option<Key>,
	config: R::Config,
	once: bool,
) -> anyhow::Result<()> {
	let work = follow::<R>(context.clone(), key.clone(), config, once);
	match &key {
		Some(key) => demand::beside(&context, key, work).await,
		None => work.await,
	}
}

/// Runs a role over the blocks, and nothing beside it. A look that fails is made again at the next block.
pub(crate) async fn follow<R: Role>(
	context: Context,
	key: Option<Key>,
	config: R::Config,
	once: bool,
) -> anyhow::Result<()> {
	let chain = context.chain().await?;
	let account = key.as_ref().map(Key::account);
	let mut role = R::start(Actor { context: context.clone(), chain: chain.clone(), key }, config).await?;
	let mut view = chain.defence_view().await?;
	role.resume(&view).await?;
	loop {
		match role.block(&view).await {
			Ok(Step::GoOn) if !once => {}
			Ok(_) => return role.finish().await,
			Err(error) if once || is_of_another_chain(&error) => return Err(error),
			Err(error) => {
				tracing::error!(
					role = R::NAME,
					error = format!("{error:#}"),
					"failed; the next block is looked at"
				);
				context.metrics().failed(R::NAME);
			}
		}
		if let Some(account) = &account {
			context.observe_balance(&view, account).await;
		}
		if view.number() % TIDY == 0
			&& let Err(error) = tidy(&context, &chain).await
		{
			tracing::warn!(error = format!("{error:#}"), "what nothing needs cannot be deleted");
		}
		view = next(&chain, &view).await?;
	}
}

/// Deletes by final state alone: another fork may need what this one does not.
pub(crate) async fn tidy(context: &Context, chain: &Chain) -> anyhow::Result<()> {
	context.tidy(&chain.finalised().await?, Tidy::Passing).await.map(drop)
}

/// The state by which one defends, once it is of a later block than `view`.
pub(crate) async fn next(chain: &Chain, view: &View) -> Result<View, ChainError> {
	loop {
		let now = chain.defence_view().await?;
		if now.number() > view.number() {
			return Ok(now);
		}
		tokio::time::sleep(LOOK_AGAIN).await;
	}
}

/// Whether a node of another chain answers where the chain's did: then nothing that is under way makes sense.
fn is_of_another_chain(error: &anyhow::Error) -> bool {
	error.chain().any(|cause| matches!(cause.downcast_ref(), Some(ChainError::AnotherChain(_))))
}

/// Runs a service for ever. When it fails it is started again, after a pause that grows while it keeps failing.
///
/// # Errors
///
/// If the chain is another one: a new process begins with what it finds.
pub async fn keep_running<F, Fut>(name: &'static str, metrics: &Metrics, mut service: F) -> anyhow::Result<()>
where
	F: FnMut() -> Fut,
	Fut: Future<Output = anyhow::Result<()>>,
{
	let (first, longest) = (Duration::from_secs(1), Duration::from_secs(60));
	let mut pause = first;
	loop {
		let started = std::time::Instant::now();
		match service().await {
			Ok(()) => return Ok(()),
			Err(error) if is_of_another_chain(&error) => return Err(error),
			Err(error) => {
				tracing::error!(role = name, error = format!("{error:#}"), "starting again");
				metrics.restarted(name);
			}
		}
		if started.elapsed() > longest {
			pause = first;
		}
		tokio::time::sleep(pause).await;
		pause = (pause * 2).min(longest);
	}
}

type Running = BoxFuture<'static, anyhow::Result<()>>;

/// A role with its settings, ready to run.
#[derive(Clone)]
pub struct Configured {
	/// Its name.
	pub name: &'static str,
	run: Arc<dyn Fn(Context, Option<Key>) -> Running + Send + Sync>,
}

impl Configured {
	/// Runs it until it is done, or fails.
	pub fn run(&self, context: Context, key: Option<Key>) -> Running {
		(self.run)(context, key)
	}
}

/// A kind of role, as configuration files name it.
pub struct Registration {
	/// Its name.
	pub name: &'static str,
	/// Reads its settings.
	pub configure: fn(toml::Table) -> Result<Configured, toml::de::Error>,
}

impl Registration {
	/// Of a role.
	pub const fn of<R: Role>() -> Self {
		Self { name: R::NAME, configure: configure::<R> }
	}
}

fn configure<R: Role>(settings: toml::Table) -> Result<Configured, toml::de::Error> {
	let config: R::Config = settings.try_into()?;
	let run = move |context, key| run::<R>(context, key, config.clone(), false).boxed();
	Ok(Configured { name: R::NAME, run: Arc::new(run) })
}

#[cfg(test)]
mod tests {
	use super::*;

	#[tokio::test(start_paused = true)]
	async fn a_failed_service_is_started_again() {
		let (mut runs, metrics) = (0, Metrics::new());
		keep_running("test", &metrics, || {
			runs += 1;
			let done = runs == 4;
			async move { if done { Ok(()) } else { anyhow::bail!("not yet") } }
		})
		.await
		.unwrap();
		assert_eq!(runs, 4);
		let text = metrics.text().unwrap();
		assert!(text.contains("oda_worker_role_restarts_total{role=\"test\"} 3"), "{text}");
	}

	#[tokio::test(start_paused = true)]
	async fn a_service_of_a_chain_that_is_no_more_ends() {
		let metrics = Metrics::new();
		let another = || async { Err(ChainError::AnotherChain("its block 1 is another".to_owned()).into()) };
		let error = keep_running("test", &metrics, another).await.unwrap_err();
		assert!(is_of_another_chain(&error));
	}
}
