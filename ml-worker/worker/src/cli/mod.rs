//! What can be asked of the worker: a file a command, its arguments beside what it does.

mod account;
mod blobs;
mod bounty;
mod card;
mod channel;
mod costs;
mod deal;
mod demand;
mod evaluate;
mod global;
mod infer;
mod keeper;
mod key;
mod manual;
mod model;
mod names;
mod offers;
mod proxy;
mod referendum;
mod reputation;
mod run;
mod secrets;
mod serve;
mod stake;
mod stop;
mod submit;
mod train;
mod validator;
mod verifier;
mod verify;
mod watch;

pub use account::{AccountArgs, TransferArgs};
pub use blobs::BlobsCommand;
pub use bounty::BountyCommand;
pub use card::{CardCommand, CardMakeArgs, Fraction, InputKind, Size};
pub use channel::{ChannelCommand, DepositArgs};
use clap::{Args, Parser, Subcommand};
pub use deal::DealCommand;
pub use demand::{DemandCommand, DemandTarget};
pub use evaluate::EvaluateArgs;
pub use global::{Global, LogFormat};
use global::{check, endpoint};
pub use infer::{InferArgs, ReadAs};
pub use keeper::{KeeperCommand, KeeperRunArgs};
pub use key::{KeyCommand, KeyImportArgs, KeyNewArgs};
pub use manual::{CompletionsArgs, ManArgs};
pub use model::{
	ModelCommand, ModelExportArgs, ModelFundArgs, ModelImportArgs, ModelInitArgs, ModelRandomArgs,
	ModelRegisterArgs, ModelShowArgs, Template,
};
pub use names::{ModelName, Root};
use names::{Named, blob, named};
pub use offers::{OffersArgs, OrderBy};
pub use proxy::ProxyArgs;
pub use referendum::{Opinion, ReferendumCommand, VoteArgs};
pub use reputation::ReputationArgs;
pub use run::RunArgs;
pub use serve::ServeArgs;
pub use stake::{BondFor, Commission, StakeCommand};
use std::net::SocketAddr;
pub use stop::Stopped;
pub use submit::SubmitArgs;
pub use train::TrainArgs;
pub use validator::ValidatorCommand;
pub use verifier::{Room, VerifierCommand};
pub use verify::VerifyArgs;
pub use watch::WatchArgs;

/// Trains, submits, verifies, watches and asks models on an ODA chain.
///
/// Weights and data lie in a local store and are named by their root, a BLAKE3 hash. What a submission or a challenge
/// needs to be finished is in a journal before anything is sent: a command that was interrupted goes on where it was
/// when it is given again. Every command explains itself: ml-worker <COMMAND> --help.
///
/// Results go to standard output, logs to standard error. The exit status is 0 when all is done, and of a service that was
/// asked to stop; 1 when it failed, for a reason that standard error says; 2 when the command line was wrong; 130 when
/// Ctrl-C stopped a command before it was done, and 143 when a request to terminate did.
#[derive(Debug, Parser)]
#[command(
	name = "ml-worker",
	version,
	about,
	long_about,
	after_help = "Examples:\n  \
		ml-worker blobs add digits-test.bin\n  \
		ml-worker model init --template digits --data digits-test.bin --out digits.json\n  \
		ml-worker train --spec digits.json --data digits-train.bin --epochs 10\n  \
		ml-worker key new trainer.key\n  \
		ml-worker --key-file trainer.key model register digits.json --weights <ROOT>\n  \
		ml-worker --key-file trainer.key submit --model <ID> --weights <ROOT>\n  \
		ml-worker --key-file verifier.key verify\n  \
		ml-worker watch\n  \
		ml-worker --key-file my.key infer <ID> digit.png"
)]
pub struct Cli {
	/// What holds for all commands.
	#[command(flatten, next_help_heading = "Options for all commands")]
	pub global: Global,
	/// What to do.
	#[command(subcommand)]
	pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
	/// Make, register and look at models.
	///
	/// A model is a graph of integer operations, an objective, and the data that it is scored on. A specification
	/// file holds all three; its hash is the model's id.
	#[command(subcommand)]
	Model(ModelCommand),
	/// Make, set and look at models' cards.
	///
	/// A card is a small file outside a model's id: title, description, licence, labels, and how an input is made of a
	/// picture or a file. The chain names it, the network of peers hands it out.
	#[command(subcommand)]
	Card(CardCommand),
	/// Train weights from a specification or a registered model's head.
	///
	/// The integer weights go into the store, and their root is printed; nothing is sent to the chain. Integer accuracy
	/// is what the chain will see; float accuracy is the same network before quantisation. Both are measured on the
	/// model's own data, which is never trained on, unless --held-out names other.
	///
	/// With --checkpoint an interrupted run goes on where it was, and one that is complete with more --epochs. The same seed
	/// gives the same weights on the same machine and number of threads. A run that is stopped stores the best epoch's weights.
	Train(TrainArgs),
	/// Score weights on all records of a model, as everybody else will.
	///
	/// With --model it also says whether the chain would take them in the head's place; that they are not better is a
	/// result, not a failure. Nothing is sent. The file of --scores is what Training.reveal takes, for those who submit
	/// without this worker.
	Evaluate(EvaluateArgs),
	/// Bring weights to the chain: evaluate, compare, commit, reveal, and follow them to the end.
	///
	/// All records are evaluated and compared with the head's first: nothing is sent if the chain would refuse. What is
	/// needed to finish is in the journal before the commitment is sent; given again, the command goes on where it was.
	///
	/// What it takes is shown before anything is sent, in ODA, and asked about; --yes goes on without asking. That are the
	/// verifiers' fee, a bond, and deposits for the list of scores and for the record of the weights. The bond is on hold
	/// until the end, and lost if a score is proved wrong, or if the commitment is not revealed in time. Its transactions
	/// cost fees. The exit status is 1 unless the weights were accepted.
	Submit(SubmitArgs),
	/// Answer the tasks that the account is drawn for as a verifier; a service.
	///
	/// Evaluates all records of each submission again, commits to what it found (valid, wrong at a record, or unavailable) and
	/// to the outputs of all records, and opens that when all have committed. What it found is kept in the journal, so that a
	/// verifier that is started again opens what it had committed to. Weights and data are fetched before the draw, or have to
	/// come into the store (blobs add); shortly before the time to commit is over the verifier says that they are unavailable.
	/// If verifiers differ about a record, it has the runtime run that record.
	///
	/// Answering and challenging cost nothing; committing to a challenge costs a fee, and a bond that comes back when it is
	/// right. Who says `valid` of a wrong score pays out of the verifier's stake, and so, less, does who stays away. Runs
	/// until it is stopped, and is not disturbed by a node that goes away for a while.
	Verify(VerifyArgs),
	/// Join the verifiers, rest, and leave them.
	///
	/// A verifier has a stake (stake bond verifier), and is drawn for tasks by it; `verify` answers them.
	#[command(subcommand)]
	Verifier(VerifierCommand),
	/// Recompute every submission and challenge the wrong ones; a service.
	///
	/// Without a key it only reports. With one it commits to the evidence with a bond for each wrong claim, then
	/// challenges, which the chain decides by evaluating that one record; and it settles what has become due, which is free.
	/// It looks after the account's payment channels, too, for a fee each: on the base path of `serve` it redeems what ends while
	/// that does not run; on that of a wallet it takes deposits back, and sees disputes through.
	///
	/// A challenge that is right brings half of what the liars lose, and the bond comes back. Runs until it is stopped,
	/// and is not disturbed by a node that goes away for a while.
	Watch(WatchArgs),
	/// Keep blobs for pay, and leave the keepers.
	///
	/// A keeper has a bond, takes deals, and is paid for each round in which it proves that it has what it keeps.
	#[command(subcommand)]
	Keeper(KeeperCommand),
	/// Answer questions to models for pay; a service.
	///
	/// Offers models at an endpoint and a price, and answers over HTTP whoever pays from a channel; and requests on the
	/// chain, within --answer ticks. The heads' weights are fetched, and a new head takes over when it is loaded. What was
	/// promised and answered is on disk before it counts: it may be killed at any time.
	///
	/// It takes a bond (stake bond provider), which answers for wrong outputs, and a deposit for the offer. Offering,
	/// claiming and answering on the chain cost fees; of what is claimed the provider has its share, the rest is the trainer's and
	/// others'. Vouchers are claimed when they gain enough, when a channel is about to end, and at once when its user
	/// wants it to end: what is not claimed by then is lost, so that a service that is stopped for longer than --grace
	/// loses. To leave, take the offer back (--no-offer) until all channels are over, and take out the bond (stake unbond).
	///
	/// Each model may have a price of its own in the file of `run`.
	Serve(ServeArgs),
	/// Weights and data: the store, and the network of peers.
	///
	/// The store lies under --base-path. Every blob is named by its root, the BLAKE3 hash of its bytes, and is hashed again
	/// when it is read. Only what comes from peers needs a node, which says what the chain names; nothing costs anything.
	#[command(subcommand)]
	Blobs(BlobsCommand),
	/// Have blobs kept by others, for pay.
	///
	/// A deal asks for so many replicas of a blob for so many rounds. Keepers take them, and are paid for each round in
	/// which they prove that they have the blob. The heads of models are kept from their models' own
	/// accounts (model fund).
	#[command(subcommand)]
	Deal(DealCommand),
	/// Demand weights that nobody hands out, and post what others demand.
	///
	/// A demand puts a bond on hold, which goes to whoever posts the weights on the chain in time. If nobody does, the
	/// submission is overturned and who signed it pays, or the model's head falls, and the bond comes back.
	#[command(subcommand)]
	Demand(DemandCommand),
	/// Promise and take back rewards for better weights.
	///
	/// A bounty is paid to the trainer of the first accepted submission that was committed to in time and scores
	/// enough.
	#[command(subcommand)]
	Bounty(BountyCommand),
	/// Who answers a model's requests: price, stake, and what speaks for each.
	///
	/// Trust is this account's own: it flows from what it paid over what other users of the same providers
	/// paid, as far as this worker has seen it on the chain, and counts half after a month. What made-up
	/// accounts pay each other adds nothing. It is advice, which `infer` does not follow by itself: it asks
	/// the cheapest, but never one that a court has found to have given this account a wrong answer.
	Offers(OffersArgs),
	/// Ask a model with files, and pay for the answers.
	///
	/// A provider that offers the model is asked, and its answer checked: that it has signed, with which weights of the
	/// chain, what it made of just these inputs. The files become inputs as the model's card says, here, before anything is
	/// paid. Asked again after an interruption, the same is paid once.
	///
	/// It is paid from a channel, which is opened or filled if need be: the deposit is on hold until the channel ends, and both
	/// cost a transaction's fee; a request itself costs none and waits for no block. No more than --limit is promised to the
	/// provider for what is asked. With --verify the model is run here, too: its weights are fetched, and a wrong answer goes to court, for which
	/// a bond is held (it comes back, with a part of what the provider loses) and a fee paid.
	Infer(InferArgs),
	/// Open, fill, close and list the channels from which inference is paid.
	///
	/// A channel is a deposit for one provider about one model. Vouchers are signed by a key of the wallet, which lies under
	/// --base-path in wallets/, not by the account's own.
	#[command(subcommand)]
	Channel(ChannelCommand),
	/// Serve HTTP to programs on this machine, and pay for what they ask; a service.
	///
	/// POST /v1/infer takes {"model", "inputs"} without any payment, and gives the answer of a provider that was checked as that
	/// of `infer` is; GET /v1/models lists what can be asked. The same request under the same Idempotency-Key is paid once.
	///
	/// Whoever can reach it spends from the account's channels, up to the limits, which outlast the process. Channels are opened,
	/// filled and finished by themselves: the deposits are on hold until they end, and each transaction costs a fee. Runs until it
	/// is stopped.
	Proxy(ProxyArgs),
	/// Bond for a role, delegate with who has, and take out what is at stake.
	///
	/// Validators, verifiers and providers answer with a stake: a pool of their own bond and of what others delegate, which
	/// all earn and lose by their shares. What is taken out answers for some time more.
	#[command(subcommand)]
	Stake(StakeCommand),
	/// Register a validator's keys, and see how it fares.
	///
	/// Validators make the blocks. Those with most stake (stake bond validator) and with registered keys are elected in each
	/// session, for the session after the next.
	#[command(subcommand)]
	Validator(ValidatorCommand),
	/// Why an account has the tier that it has, and what the next one needs.
	///
	/// At the last final block: the points that its deeds earned and what has decayed of them, by source; its
	/// last deeds; its faults, and whether it may take part. With the tier come votes.
	#[command(after_help = "Examples:\n  \
		ml-worker --key-file my.key reputation\n  \
		ml-worker reputation 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")]
	Reputation(ReputationArgs),
	/// Vote on a referendum.
	///
	/// The vote counts as the account's tier, and those that are delegated to it, until the referendum is
	/// over; it can be changed and taken back. The first vote puts a deposit on hold, which returns with the
	/// last one. Costs a fee.
	#[command(after_help = "Examples:\n  \
		ml-worker --key-file my.key vote 7 aye\n  \
		ml-worker --key-file my.key vote 7 retract")]
	Vote(VoteArgs),
	/// See referenda, and move them on.
	///
	/// They change parameters, freeze models, spend the treasury, pull the brakes and upgrade the runtime.
	/// Proposals are made with polkadot.js.
	#[command(subcommand)]
	Referendum(ReferendumCommand),
	/// Several roles in one process, from a file.
	///
	/// Verifiers, watchers and trainers share one store, one engine and one connection. A role that fails is started
	/// again after a pause, without disturbing the others. What the file says wins over the command line. Ends when it
	/// is stopped, or when all roles are done.
	Run(RunArgs),
	/// Make key files, and look at them.
	///
	/// A key file is encrypted, in the form that polkadot.js exports and imports. No node is needed.
	#[command(subcommand)]
	Key(KeyCommand),
	/// An account's balance, and what is on hold for what.
	///
	/// At the last final block. Bonds and deposits are on hold: they are the account's, and cannot be spent.
	#[command(after_help = "Examples:\n  \
		ml-worker --key-file my.key account\n  \
		ml-worker account 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")]
	Account(AccountArgs),
	/// Move money to another account.
	///
	/// Waits until the transfer is in a final block. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key transfer 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty 2.5")]
	Transfer(TransferArgs),
	/// Print a script that completes commands and options in a shell.
	///
	/// Goes to standard output; where shells look for it is in the examples. It knows the commands of this version.
	Completions(CompletionsArgs),
	/// Write the manual, a page for each command, into a folder.
	///
	/// The pages are called ml-worker.1, ml-worker-submit.1 and so on; those of an earlier version are replaced, each as
	/// a whole.
	Man(ManArgs),
}

/// How a service is watched.
#[derive(Debug, Args)]
pub struct Monitoring {
	/// Serve metrics to Prometheus at this address and port, under /metrics. Whoever reaches it can read them:
	/// there is no password.
	#[arg(long, value_parser = address, value_name = "ADDRESS:PORT")]
	pub prometheus: Option<SocketAddr>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
	text.parse().map_err(|_| "an IP address and a port, like 127.0.0.1:9616".to_owned())
}

impl Cli {
	/// Does what was asked, until it is done or somebody asks this process to stop.
	///
	/// # Errors
	///
	/// [`Stopped`] for a command that was not done; a service that was asked to stop is done.
	pub async fn run(self) -> anyhow::Result<()> {
		let Self { global, command } = self;
		global.log()?;
		let (service, journal) = (command.is_service(), command.has_journal());
		if let Command::Train(args) = command {
			// It stops by itself, with the weights that it has.
			return args.run(&global).await;
		}
		// By itself, so that work which blocks does not keep this from hearing that it is to stop.
		let mut work = tokio::spawn(async move { command.run(&global).await });
		tokio::select! {
			done = &mut work => done?,
			stopped = stop::asked() => {
				let stopped = stopped?.with_journal(journal);
				work.abort();
				if service {
					tracing::info!("stopping; what was begun is in the journal");
					return Ok(());
				}
				Err(stopped.into())
			}
		}
	}
}

impl Command {
	async fn run(self, global: &Global) -> anyhow::Result<()> {
		match self {
			Self::Model(command) => command.run(global).await,
			Self::Card(command) => command.run(global).await,
			Self::Train(args) => args.run(global).await,
			Self::Evaluate(args) => args.run(global).await,
			Self::Submit(args) => args.run(global).await,
			Self::Verify(args) => args.run(global).await,
			Self::Verifier(command) => command.run(global).await,
			Self::Watch(args) => args.run(global).await,
			Self::Keeper(command) => command.run(global).await,
			Self::Serve(args) => args.run(global).await,
			Self::Blobs(command) => command.run(global).await,
			Self::Deal(command) => command.run(global).await,
			Self::Demand(command) => command.run(global).await,
			Self::Bounty(command) => command.run(global).await,
			Self::Offers(args) => args.run(global).await,
			Self::Infer(args) => args.run(global).await,
			Self::Channel(command) => command.run(global).await,
			Self::Proxy(args) => args.run(global).await,
			Self::Stake(command) => command.run(global).await,
			Self::Validator(command) => command.run(global).await,
			Self::Reputation(args) => args.run(global).await,
			Self::Vote(args) => args.run(global).await,
			Self::Referendum(command) => command.run(global).await,
			Self::Run(args) => args.run(global).await,
			Self::Key(command) => command.run(global),
			Self::Account(args) => args.run(global).await,
			Self::Transfer(args) => args.run(global).await,
			Self::Completions(args) => args.run(),
			Self::Man(args) => args.run(global),
		}
	}

	/// Whether it runs until it is stopped, so that it is done when it is.
	fn is_service(&self) -> bool {
		match self {
			Self::Verify(args) => !args.once,
			Self::Watch(args) => !args.once,
			Self::Run(_) | Self::Serve(_) | Self::Proxy(_) => true,
			Self::Keeper(KeeperCommand::Run(_)) | Self::Blobs(BlobsCommand::Serve) => true,
			_ => false,
		}
	}

	/// Whether what it begins on the chain is in the journal, from which it goes on.
	fn has_journal(&self) -> bool {
		matches!(self, Self::Submit(_) | Self::Model(ModelCommand::Register(_)))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::CommandFactory;

	#[test]
	fn the_command_line_is_consistent() {
		Cli::command().debug_assert();
	}

	/// Commands with commands below them say what these are for; all others are explained, with an example.
	fn is_explained(command: &clap::Command, name: &str) {
		let text =
			|text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string).unwrap_or_default();
		assert!(!text(command.get_about()).is_empty(), "{name}: what it does");
		for argument in command.get_arguments() {
			let help = text(argument.get_help());
			assert!(!help.is_empty(), "{name}: what {} is", argument.get_id());
			assert!(!help.ends_with('.'), "{name}: {} has a full stop", argument.get_id());
		}
		assert!(text(command.get_long_about()).len() > text(command.get_about()).len(), "{name}: in full");
		if !command.has_subcommands() || name == "ml-worker" {
			let examples = text(command.get_after_help());
			let (heading, examples) = examples.split_once('\n').expect(name);
			assert!(matches!(heading, "Example:" | "Examples:"), "{name}: {heading:?}");
			assert!(examples.contains("  ml-worker "), "{name}: an example");
			// As they are shown without being wrapped.
			assert!(examples.lines().all(|line| line.len() <= 100), "{name}: long lines");
		}
		for below in command.get_subcommands() {
			is_explained(below, &format!("{name} {}", below.get_name()));
		}
	}

	#[test]
	fn every_command_and_option_is_explained() {
		is_explained(&Cli::command(), "ml-worker");
	}

	/// The arguments of the examples, as a shell splits them.
	fn examples(command: &clap::Command) -> Vec<Vec<String>> {
		let own = command.get_after_help().map(ToString::to_string).unwrap_or_default();
		own.lines()
			.filter_map(|line| line.strip_prefix("  ml-worker "))
			.map(|line| {
				let words = line.split_whitespace().take_while(|word| !matches!(*word, "|" | ">" | "&&"));
				let word = |word: &str| match word {
					"<ID>" | "<ROOT>" => "ab".repeat(32),
					"<PEER>" => "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA".to_owned(),
					word => word.to_owned(),
				};
				std::iter::once("ml-worker".to_owned()).chain(words.map(word)).collect()
			})
			.chain(command.get_subcommands().flat_map(examples))
			.collect()
	}

	#[test]
	fn the_examples_are_understood() {
		let examples = examples(&Cli::command());
		assert!(examples.len() > 30, "{examples:?}");
		for example in examples {
			if let Err(error) = Cli::try_parse_from(&example) {
				panic!("{}: {error}", example.join(" "));
			}
		}
	}

	/// The command lines of the worker in a page's shell examples; lines that go on in the next are one.
	fn shown(page: &str) -> Vec<Vec<String>> {
		let scripts = crate::pages::fences(page, "sh").join("\n").replace("\\\n", " ");
		scripts
			.lines()
			.filter_map(|line| {
				let line = line.split(" #").next().unwrap_or_default();
				let words: Vec<&str> = line.split_whitespace().collect();
				// After what sets up its environment.
				let begins = words.iter().position(|word| matches!(*word, "ml-worker" | "worker"))?;
				let before = words.get(..begins)?;
				let set_up = before
					.iter()
					.all(|word| matches!(*word, "sudo" | "env" | "-u" | "oda-worker") || word.contains('='));
				let ends = |word: &&&str| matches!(**word, "|" | ">" | "&&" | "<");
				let words = words.get(begins..)?.iter().take_while(|word| !ends(word));
				set_up.then(|| words.map(|word| word.trim_matches(['"', '\'']).to_owned()).collect())
			})
			.collect()
	}

	#[test]
	fn the_command_lines_that_pages_show_are_understood() {
		let mut count = 0;
		for (path, page) in crate::pages::pages() {
			for line in shown(&page) {
				let word = |word: String| match word.as_str() {
					"<ID>" | "ID" | "<ROOT>" | "ROOT" => "ab".repeat(32),
					"ADDRESS" => "/ip4/192.0.2.1/tcp/4001".to_owned(),
					_ => word,
				};
				let line: Vec<String> = line.into_iter().map(word).collect();
				// Help and version are no errors.
				if let Some(error) = Cli::try_parse_from(&line).err().filter(clap::Error::use_stderr) {
					panic!("{path}: {}: {error}", line.join(" "));
				}
				count += 1;
			}
		}
		assert!(count > 20, "{count} command lines");
	}

	#[test]
	fn metrics_need_an_address_and_a_port() {
		assert_eq!(address("127.0.0.1:9616"), Ok(SocketAddr::from(([127, 0, 0, 1], 9616))));
		assert!(address("[::1]:0").is_ok());
		for bad in ["", "9616", ":9616", "127.0.0.1", "127.0.0.1:65536", "localhost:9616"] {
			assert!(address(bad).is_err(), "{bad:?}");
		}
	}
}
