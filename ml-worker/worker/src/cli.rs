//! What can be asked of the worker.

use clap::{Args, Parser, Subcommand, ValueEnum};
use oda_engine::DeviceChoice;
use oda_network::Multiaddr;
use oda_roles::amount::Amount;
use std::{net::SocketAddr, path::PathBuf, str::FromStr};

/// What is logged unless it is said: of the libraries under the network, only what fails and is no peer's doing.
const LOG: &str = "info,libp2p=warn,quinn=warn,yamux=off";

/// Trains, submits, verifies and watches models on an ODA chain.
///
/// Weights and data lie in a local store and are named by their root, a BLAKE3 hash. What a submission or a challenge
/// needs to be finished is in a journal before anything is sent: a command that was interrupted goes on where it was
/// when it is given again. Every command explains itself: ml-worker <COMMAND> --help.
///
/// Results go to standard output, logs to standard error. The exit status is 0 when all is done, or when the process
/// was asked to stop; 1 when it failed, for a reason that standard error says; 2 when the command line was wrong.
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
		ml-worker --suri //Alice model register digits.json --weights <ROOT>\n  \
		ml-worker --suri //Bob submit --model <ID> --weights <ROOT>\n  \
		ml-worker --suri //Charlie verify\n  \
		ml-worker --suri //Dave watch"
)]
pub struct Cli {
	/// What holds for all commands.
	#[command(flatten, next_help_heading = "Options for all commands")]
	pub global: Global,
	/// What to do.
	#[command(subcommand)]
	pub command: Command,
}

/// What holds for all commands.
#[derive(Clone, Debug, Args)]
pub struct Global {
	/// The node to talk to.
	#[arg(long, global = true, env = "ODA_NODE", default_value = "ws://127.0.0.1:9944", value_name = "URL")]
	pub node: String,
	/// Give up when the node does not answer for so many seconds, instead of waiting for ever.
	#[arg(long, global = true, value_name = "SECONDS")]
	pub node_timeout: Option<u64>,
	/// Where blobs and the journal of what was begun lie; several processes may share it.
	#[arg(long, global = true, env = "ODA_BASE_PATH", value_name = "DIR")]
	pub base_path: Option<PathBuf>,
	/// Do not enter the network of peers: blobs are had from the store only.
	#[arg(long, global = true, env = "ODA_NO_NETWORK")]
	pub no_network: bool,
	/// A peer to start from, as /ip4/192.0.2.1/tcp/4001/p2p/<PEER>; may be given several times, or with commas between.
	#[arg(long, global = true, env = "ODA_BOOTSTRAP", value_delimiter = ',', value_name = "ADDRESS")]
	pub bootstrap: Vec<Multiaddr>,
	/// A peer that relays, to be reached through it where nobody else can reach this one; written as for --bootstrap.
	#[arg(long, global = true, env = "ODA_RELAY", value_delimiter = ',', value_name = "ADDRESS")]
	pub relay: Vec<Multiaddr>,
	/// Relay for peers that cannot be reached themselves.
	#[arg(long, global = true, env = "ODA_RELAY_SERVER")]
	pub relay_server: bool,
	/// An address to be reached at by peers, as /ip4/0.0.0.0/udp/4001/quic-v1; any port of TCP and QUIC if not given.
	#[arg(long, global = true, env = "ODA_LISTEN", value_delimiter = ',', value_name = "ADDRESS")]
	pub listen: Vec<Multiaddr>,
	/// Do not look for peers in the local network.
	#[arg(long, global = true)]
	pub no_mdns: bool,
	/// Fetch and serve blobs that the chain does not name, too.
	#[arg(long, global = true)]
	pub allow_unregistered: bool,
	/// A file whose first line is the secret URI of the account to act as.
	#[arg(long, global = true, env = "ODA_KEY_FILE", value_name = "FILE", conflicts_with = "suri")]
	pub key_file: Option<PathBuf>,
	/// The secret URI of the account to act as: a mnemonic phrase, a seed, or a test account like //Alice.
	#[arg(long, global = true, env = "ODA_SURI", hide_env_values = true, value_name = "URI")]
	pub suri: Option<String>,
	/// Print results as JSON, one object a line, for machines.
	#[arg(long, global = true)]
	pub json: bool,
	/// What is logged, to standard error: error, warn, info, debug, trace, or a filter like oda_client=debug.
	#[arg(long, global = true, env = "ODA_LOG", default_value = LOG, value_name = "FILTER")]
	pub log: String,
	/// How it is logged.
	#[arg(
		long,
		global = true,
		env = "ODA_LOG_FORMAT",
		value_enum,
		default_value_t = LogFormat::Text,
		value_name = "FORMAT"
	)]
	pub log_format: LogFormat,
	/// Threads that evaluate and train; 0 for one a core.
	#[arg(long, global = true, default_value_t = 0, value_name = "N")]
	pub threads: usize,
	/// Where to evaluate and train: auto, cpu, cuda, or cuda:N. auto is CUDA if there is any; a device that does not give
	/// exact results is not evaluated on, but the CPU.
	#[arg(long, global = true, default_value = "auto", value_parser = device)]
	pub device: DeviceChoice,
	/// Evaluate with the reference evaluator only, which uses neither AVX nor CUDA: slow, to compare with.
	#[arg(long, global = true)]
	pub reference: bool,
}

fn device(text: &str) -> Result<DeviceChoice, String> {
	match text {
		"auto" => Ok(DeviceChoice::Auto),
		"cpu" => Ok(DeviceChoice::Cpu),
		"cuda" => Ok(DeviceChoice::Cuda(0)),
		other => other
			.strip_prefix("cuda:")
			.and_then(|n| n.parse().ok())
			.map(DeviceChoice::Cuda)
			.ok_or_else(|| "auto, cpu, cuda or cuda:N".to_owned()),
	}
}

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogFormat {
	/// Lines for people.
	Text,
	/// One JSON object a line.
	Json,
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
	/// Train weights from a specification or a registered model's head.
	///
	/// The integer weights go into the store, and their root is printed; nothing is sent to the chain. Integer accuracy
	/// is what the chain will see; float accuracy is the same network before quantisation. Both are measured on the
	/// model's own data, which is never trained on, unless --held-out names other.
	///
	/// With --checkpoint an interrupted run goes on where it was; the same seed gives the same weights on one machine.
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
	/// It costs fees and the verifiers' fee. A bond, and a deposit for the list of scores, are on hold until the end; the
	/// bond is lost if a score is proved wrong, or if the commitment is not revealed in time. The exit status is 1 unless
	/// the weights were accepted.
	Submit(SubmitArgs),
	/// Answer the tasks that the account is a verifier of; a service.
	///
	/// Evaluates all records of each submission again and signs what it found: valid, wrong at a record, or unavailable.
	/// Weights and data have to come into the store (blobs add); until then the verifier waits, and shortly before the
	/// task's window closes it attests that they are unavailable.
	///
	/// Attesting and challenging cost nothing; committing to a challenge costs a fee, and a bond that comes back when it is
	/// right. Who signs `valid` for a wrong score pays out of the verifier's bond, and so, less, does who stays away. Runs
	/// until it is stopped, and is not disturbed by a node that goes away for a while.
	Verify(VerifyArgs),
	/// Recompute every submission and challenge the wrong ones; a service.
	///
	/// Without a key it only reports. With one it commits to the evidence with a bond for each wrong claim, then
	/// challenges, which the chain decides by evaluating that one record; and it settles what has become due, which is free.
	///
	/// A challenge that is right brings half of what the liars lose, and the bond comes back. Runs until it is stopped,
	/// and is not disturbed by a node that goes away for a while.
	Watch(WatchArgs),
	/// Keep blobs for pay: take deals, answer challenges, repair; a service.
	///
	/// Binds this worker's peer to the account, becomes a keeper with a bond that follows the capacity, gets what deals
	/// are about, takes them, and proves in each round that it still has them, which is free and paid at once. What is
	/// kept is pinned. Rounds that are missed cost their pay, and several in a row the stake.
	///
	/// Runs until it is stopped; stopping it for longer than a round costs. Who wants to leave for good quits its deals
	/// first (deal quit), and retires (deal retire).
	Keep(KeepArgs),
	/// Weights and data: the store, and the network of peers.
	///
	/// The store lies under --base-path. Every blob is named by its root, the BLAKE3 hash of its bytes, and is hashed again
	/// when it is read. Only what comes from peers needs a node, which says what the chain names; nothing costs anything.
	#[command(subcommand)]
	Blobs(BlobsCommand),
	/// Have blobs kept by others, for pay; and leave the keepers.
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
	/// Several roles in one process, from a file.
	///
	/// Verifiers, watchers and trainers share one store, one engine and one connection. A role that fails is started
	/// again after a pause, without disturbing the others. What the file says wins over the command line. Ends when it
	/// is stopped, or when all roles are done.
	Run(RunArgs),
	/// An account's balance, and what is on hold for what.
	///
	/// At the last final block. Bonds and deposits are on hold: they are the account's, and cannot be spent.
	#[command(after_help = "Examples:\n  \
		ml-worker --suri //Alice account\n  \
		ml-worker account 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")]
	Account(AccountArgs),
	/// Move money to another account.
	///
	/// Waits until the transfer is in a final block. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Alice transfer 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty 2.5")]
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

/// Make, register and look at models.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
	/// Write a specification file: graph, objective and data.
	///
	/// The data is the set that the model is scored on for ever: records of the graph's input bytes, then the
	/// target's. It is put into the store; others need it too. Nothing is sent, and nothing costs anything, before the
	/// file is registered.
	#[command(after_help = "Examples:\n  \
		ml-worker model init --template digits --data digits-test.bin --out digits.json\n  \
		ml-worker model init --graph graph.json --objective goal.json --data test.bin --out model.json")]
	Init(ModelInitArgs),
	/// Make random weights, for version 0 of a model.
	///
	/// They go into the store, and their root is printed. A few of the records say how large the values between the
	/// layers get, so that they fit their integers. No node is needed.
	#[command(after_help = "Example:\n  \
		ml-worker model random digits.json --data digits-train.bin --seed 7")]
	Random(ModelRandomArgs),
	/// Make a weights blob of a safetensors file.
	///
	/// The file has one tensor for each parameter of the graph, of its integer type and shape, as `model export` writes
	/// them. The blob goes into the store, and its root is printed.
	#[command(after_help = "Examples:\n  \
		ml-worker model import weights.safetensors --spec digits.json\n  \
		ml-worker model import weights.safetensors --model <ID>")]
	Import(ModelImportArgs),
	/// Write weights as a safetensors file: a registered model's head, or some in the store.
	///
	/// The weights have to be in the store, or a file. A file that is in the way is overwritten.
	#[command(after_help = "Examples:\n  \
		ml-worker model export --model <ID> --out head.safetensors\n  \
		ml-worker model export --spec digits.json --weights <ROOT> --out weights.safetensors")]
	Export(ModelExportArgs),
	/// Announce and register a model, and bring its version 0 to the chain.
	///
	/// The model is announced first, without being shown, and registered some blocks later: so nobody who sees the
	/// registration can be faster.
	///
	/// The weights go the same road as any others: they are committed to, revealed with the score of every record,
	/// verified, and accepted when nobody could prove a score wrong. An interrupted registration goes on where it was
	/// when the same command is given again.
	///
	/// It holds a deposit for the bytes that the chain keeps, one for the announcement until the model is registered, and
	/// costs what `submit` costs. The exit status is 1 unless
	/// version 0 was accepted.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Alice model register digits.json --weights <ROOT>")]
	Register(ModelRegisterArgs),
	/// Put money into a model's storage account, from which the weights and data of its head are kept.
	///
	/// Anybody can. Nobody gets it back: keepers are paid with it, and what is left when the model is retired is
	/// burned. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Alice model fund <ID> 10")]
	Fund(ModelFundArgs),
	/// A registered model with its versions and what is being submitted to it.
	///
	/// Shows the state at the last final block: objective, data, versions, submissions under way and bounties.
	#[command(after_help = "Examples:\n  \
		ml-worker model show <ID>\n  \
		ml-worker model show <ID> --spec model.json\n  \
		ml-worker --json model show <ID>")]
	Show(ModelShowArgs),
	/// All registered models.
	///
	/// Each with its state and its head at the last final block, a line a model.
	#[command(after_help = "Examples:\n  \
		ml-worker model list\n  \
		ml-worker --node ws://node.example:9944 --json model list")]
	List,
	/// Close a model to new submissions, for ever.
	///
	/// Its registrar can, while no submission to it is under way and its head is the registrar's own work. The head
	/// stays and can be used; the deposit stays too. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Alice model retire <ID>")]
	Retire {
		/// The model's id.
		#[arg(value_parser = id, value_name = "ID")]
		model: Id,
	},
	/// Delete a registered model that never got a version.
	///
	/// Its id is free again, and its deposit goes back. Its registrar can while no submission to it is under way;
	/// anybody can once the time for bringing version 0 is over. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Alice model abandon <ID>")]
	Abandon {
		/// The model's id.
		#[arg(value_parser = id, value_name = "ID")]
		model: Id,
	},
}

/// 32 bytes that were given in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Id(pub [u8; 32]);

fn id(text: &str) -> Result<Id, String> {
	oda_blobs::parse_root(text).map(Id).map_err(|_| "64 hexadecimal digits".to_owned())
}

/// Graphs that `model init` knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Template {
	/// Images of 8 × 8 pixels in ten classes; a small convolutional network.
	Digits,
	/// Images of 28 × 28 pixels in ten classes; a convolutional network of three stages.
	Mnist,
}

/// What `model init` needs.
#[derive(Debug, Args)]
pub struct ModelInitArgs {
	/// A graph and objective that come with the worker.
	#[arg(long, value_enum, conflicts_with_all = ["graph", "objective"], required_unless_present = "graph")]
	pub template: Option<Template>,
	/// A file with a graph, as JSON.
	#[arg(long, value_name = "FILE", requires = "objective")]
	pub graph: Option<PathBuf>,
	/// A file with an objective, as JSON.
	#[arg(long, value_name = "FILE")]
	pub objective: Option<PathBuf>,
	/// The data that the model is scored on: a file, or the root of a blob in the store.
	#[arg(long, value_name = "FILE|ROOT")]
	pub data: String,
	/// By how much a new score must exceed the head's.
	#[arg(long, value_name = "SCORE")]
	pub min_improvement: Option<u64>,
	/// Do not ask that wins over the head be more than chance.
	#[arg(long)]
	pub no_confidence: bool,
	/// Where to write the specification.
	#[arg(long, short, value_name = "FILE")]
	pub out: PathBuf,
}

/// What `model random` needs.
#[derive(Debug, Args)]
pub struct ModelRandomArgs {
	/// The specification file.
	pub spec: PathBuf,
	/// Records like those that the model will see: a file, or the root of a blob in the store.
	#[arg(long, value_name = "FILE|ROOT")]
	pub data: String,
	/// The seed: the same one gives the same weights.
	#[arg(long, default_value_t = 0)]
	pub seed: u64,
	/// Also write the weights to a file.
	#[arg(long, short, value_name = "FILE")]
	pub out: Option<PathBuf>,
}

/// What `model import` needs.
#[derive(Debug, Args)]
pub struct ModelImportArgs {
	/// The safetensors file.
	pub file: PathBuf,
	/// The model's specification file.
	#[arg(long, value_name = "FILE", required_unless_present = "model")]
	pub spec: Option<PathBuf>,
	/// The id of a registered model, instead of a specification.
	#[arg(long, value_parser = id, value_name = "ID", conflicts_with = "spec")]
	pub model: Option<Id>,
}

/// What `model export` needs.
#[derive(Debug, Args)]
pub struct ModelExportArgs {
	/// The id of a registered model: its head's weights, unless others are named.
	#[arg(long, value_parser = id, value_name = "ID", required_unless_present = "spec")]
	pub model: Option<Id>,
	/// A specification file, instead of a registered model.
	#[arg(long, value_name = "FILE", conflicts_with = "model", requires = "weights")]
	pub spec: Option<PathBuf>,
	/// The weights: a file, or the root of a blob in the store.
	#[arg(long, value_name = "FILE|ROOT")]
	pub weights: Option<String>,
	/// Where to write the safetensors file.
	#[arg(long, short, value_name = "FILE")]
	pub out: PathBuf,
}

/// What `model register` needs.
#[derive(Debug, Args)]
pub struct ModelRegisterArgs {
	/// The specification file.
	pub spec: PathBuf,
	/// The first weights: a file, or the root of a blob in the store.
	#[arg(long, value_name = "FILE|ROOT")]
	pub weights: String,
	/// A registered model that this one descends from.
	#[arg(long, value_parser = id, value_name = "ID")]
	pub parent: Option<Id>,
	/// What is put into the model's storage account, from which its weights and data are kept, in ODA; 0 for nothing.
	/// If not given, the most that their first term can cost.
	#[arg(long, value_parser = Amount::from_str, value_name = "ODA")]
	pub storage: Option<Amount>,
}

/// What `model fund` needs.
#[derive(Debug, Args)]
pub struct ModelFundArgs {
	/// The model's id.
	#[arg(value_parser = id, value_name = "ID")]
	pub model: Id,
	/// How much, in ODA.
	#[arg(value_parser = Amount::from_str, value_name = "ODA")]
	pub amount: Amount,
}

/// What `model show` needs.
#[derive(Debug, Args)]
pub struct ModelShowArgs {
	/// The model's id.
	#[arg(value_parser = id, value_name = "ID")]
	pub model: Id,
	/// Also write its specification to a file.
	#[arg(long, value_name = "FILE")]
	pub spec: Option<PathBuf>,
}

/// What `train` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker train --spec digits.json --data digits-train.bin --epochs 10 --stop-at 0.9\n  \
	ml-worker train --model <ID> --data digits-train.bin --seed 7")]
pub struct TrainArgs {
	/// The model's specification file: trains from scratch, unless --from names weights.
	#[arg(long, value_name = "FILE", required_unless_present = "model")]
	pub spec: Option<PathBuf>,
	/// The id of a registered model: trains from its head, unless --from says otherwise.
	#[arg(long, value_parser = id, value_name = "ID", conflicts_with = "spec")]
	pub model: Option<Id>,
	/// The records to train on: a file, or the root of a blob in the store.
	#[arg(long, value_name = "FILE|ROOT")]
	pub data: String,
	/// The records to measure on.
	#[arg(long, value_name = "FILE|ROOT")]
	pub held_out: Option<String>,
	/// Where to start: `scratch`, `head`, a file, or the root of a blob in the store.
	#[arg(long, value_name = "WEIGHTS")]
	pub from: Option<String>,
	/// A file with all settings, as TOML; the options below override it.
	#[arg(long, value_name = "FILE")]
	pub config: Option<PathBuf>,
	/// Passes over the training data.
	#[arg(long)]
	pub epochs: Option<u32>,
	/// Records in a step.
	#[arg(long)]
	pub batch: Option<usize>,
	/// The learning rate.
	#[arg(long)]
	pub rate: Option<f64>,
	/// The seed of initial weights, order and augmentation.
	#[arg(long)]
	pub seed: Option<u64>,
	/// Stop when the integer accuracy reaches this (0 to 1).
	#[arg(long, value_name = "ACCURACY")]
	pub stop_at: Option<f64>,
	/// Steps between looks at --stop-at within an epoch.
	#[arg(long, value_name = "STEPS")]
	pub check_every: Option<u32>,
	/// Keep the best epoch's weights instead of the last one's.
	#[arg(long)]
	pub keep_best: bool,
	/// A file to keep the state in; an interrupted run goes on from it.
	#[arg(long, value_name = "FILE")]
	pub checkpoint: Option<PathBuf>,
	/// Also write the weights to a file.
	#[arg(long, short, value_name = "FILE")]
	pub out: Option<PathBuf>,
}

/// What `evaluate` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker evaluate --spec digits.json --weights <ROOT>\n  \
	ml-worker evaluate --model <ID> --weights weights.bin --scores scores.bin")]
pub struct EvaluateArgs {
	/// A registered model's id.
	#[arg(long, value_parser = id, value_name = "ID", required_unless_present = "spec", conflicts_with = "spec")]
	pub model: Option<Id>,
	/// A specification file.
	#[arg(long, value_name = "FILE")]
	pub spec: Option<PathBuf>,
	/// The weights: a file, or the root of a blob in the store.
	#[arg(long, value_name = "FILE|ROOT")]
	pub weights: String,
	/// Also write the score of every record to a file, packed as the chain wants them.
	#[arg(long, value_name = "FILE")]
	pub scores: Option<PathBuf>,
}

/// What `submit` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker --suri //Bob submit --model <ID> --weights <ROOT>\n  \
	ml-worker --suri //Bob submit --resume")]
pub struct SubmitArgs {
	/// The model's id.
	#[arg(long, value_parser = id, value_name = "ID", required_unless_present = "resume")]
	pub model: Option<Id>,
	/// The weights: a file, or the root of a blob in the store.
	#[arg(long, value_name = "FILE|ROOT", required_unless_present = "resume")]
	pub weights: Option<String>,
	/// Finish the submissions that this account began and that have not ended.
	#[arg(long, conflicts_with_all = ["model", "weights"])]
	pub resume: bool,
}

/// What `verify` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker --key-file verifier.key verify\n  \
	ml-worker --key-file verifier.key --log-format json verify --prometheus 127.0.0.1:9616")]
pub struct VerifyArgs {
	/// Answer the tasks that are open now, and end.
	#[arg(long)]
	pub once: bool,
	/// Attest what is wrong without challenging it.
	#[arg(long)]
	pub no_challenge: bool,
	/// How it is watched.
	#[command(flatten)]
	pub monitoring: Monitoring,
}

/// What `watch` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker watch\n  \
	ml-worker --suri //Dave watch --prometheus 127.0.0.1:9617")]
pub struct WatchArgs {
	/// Recompute what is being verified now, and end.
	#[arg(long)]
	pub once: bool,
	/// Report wrong claims without challenging them.
	#[arg(long)]
	pub no_challenge: bool,
	/// Do not demand weights that nobody hands out.
	#[arg(long)]
	pub no_demand: bool,
	/// Do not settle what has become due.
	#[arg(long)]
	pub no_settle: bool,
	/// How it is watched.
	#[command(flatten)]
	pub monitoring: Monitoring,
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

/// What `keep` needs.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
	ml-worker --key-file keeper.key keep --capacity-mib 10240")]
pub struct KeepArgs {
	/// How much is kept at most, in mebibytes; the bond follows it.
	#[arg(long, default_value_t = 1024, value_name = "MIB")]
	pub capacity_mib: u64,
	/// The least pay for a round for which a deal is taken, in ODA.
	#[arg(long, value_parser = Amount::from_str, value_name = "ODA")]
	pub min_price: Option<Amount>,
	/// Take no new deals.
	#[arg(long)]
	pub no_take: bool,
	/// How it is watched.
	#[command(flatten)]
	pub monitoring: Monitoring,
}

/// Deals about storage.
#[derive(Debug, Subcommand)]
pub enum DealCommand {
	/// Offer a deal.
	///
	/// All that it can cost is on hold until it ends. Prints the deal's number. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Alice deal offer <ROOT> --replicas 3 --rounds 100 --price 0.01 --max-price 0.02")]
	Offer {
		/// The blob: a file, or the root of a blob.
		#[arg(value_name = "FILE|ROOT")]
		blob: String,
		/// How many keepers are to have it.
		#[arg(long, default_value_t = 3)]
		replicas: u8,
		/// For how many rounds.
		#[arg(long)]
		rounds: u32,
		/// What a keeper gets for a round to begin with, in ODA.
		#[arg(long, value_parser = Amount::from_str, value_name = "ODA")]
		price: Amount,
		/// What it rises to while nobody takes a replica; the price if not given.
		#[arg(long, value_parser = Amount::from_str, value_name = "ODA")]
		max_price: Option<Amount>,
	},
	/// End a deal early, some rounds from now.
	///
	/// What is left goes back at its end. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Alice deal cancel 7")]
	Cancel {
		/// The deal's number.
		deal: u64,
	},
	/// All deals, and who keeps what.
	///
	/// At the last final block, a line a deal.
	#[command(after_help = "Example:\n  \
		ml-worker deal list")]
	List,
	/// All keepers, with their peers.
	///
	/// At the last final block, a line a keeper.
	#[command(after_help = "Example:\n  \
		ml-worker deal keepers")]
	Keepers,
	/// Leave a deal, as a keeper, some rounds from now.
	///
	/// Until then it has to be answered for. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Alice deal quit 7")]
	Quit {
		/// The deal's number.
		deal: u64,
	},
	/// Stay in a deal, as a keeper, until its end as it is now.
	///
	/// After the deal of a model's head was renewed, which the service keep agrees to by itself; or after deal quit, until
	/// the last round. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Alice deal stay 7")]
	Stay {
		/// The deal's number.
		deal: u64,
	},
	/// Take no more deals, as a keeper: the first step of leaving.
	///
	/// Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Alice deal retire")]
	Retire,
	/// Leave the keepers, with the bond: the second step.
	///
	/// When no replica is left and the time for it has come. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Alice deal withdraw")]
	Withdraw,
}

/// The store, and the network of peers.
#[derive(Debug, Subcommand)]
pub enum BlobsCommand {
	/// Store files; prints their roots, which are what `b3sum` prints.
	///
	/// The files are copied; what is there already is not stored twice.
	#[command(after_help = "Example:\n  \
		ml-worker blobs add digits-train.bin digits-test.bin")]
	Add {
		/// The files.
		#[arg(required = true)]
		files: Vec<PathBuf>,
	},
	/// Get a blob, from the store or from peers, and write it to a file or to standard output.
	///
	/// What is not here is looked for among peers, and waited for; it is checked while it arrives, and an interrupted
	/// transfer goes on where it was. It is hashed before its first byte is written. A file that is in the way is
	/// overwritten.
	#[command(after_help = "Examples:\n  \
		ml-worker blobs get <ROOT> --out weights.bin\n  \
		ml-worker --allow-unregistered blobs get <ROOT> --len 1048576\n  \
		ml-worker blobs get <ROOT> | b3sum")]
	Get {
		/// Its root.
		#[arg(value_parser = id)]
		root: Id,
		/// The file.
		#[arg(long, short, value_name = "FILE")]
		out: Option<PathBuf>,
		/// Its length, if the chain does not name it.
		#[arg(long, value_name = "BYTES")]
		len: Option<u64>,
	},
	/// Never delete blobs when cleaning up.
	///
	/// They need not be here yet.
	#[command(after_help = "Example:\n  \
		ml-worker blobs pin <ROOT>")]
	Pin {
		/// Their roots.
		#[arg(value_parser = id, required = true)]
		roots: Vec<Id>,
	},
	/// Let blobs that were pinned be deleted when cleaning up; what a keeper has a deal about still stays.
	///
	/// Exit status 1 if one was not pinned.
	#[command(after_help = "Example:\n  \
		ml-worker blobs unpin <ROOT>")]
	Unpin {
		/// Their roots.
		#[arg(value_parser = id, required = true)]
		roots: Vec<Id>,
	},
	/// Clean up: delete what is neither pinned nor named by the chain.
	///
	/// Blobs, and what was left of transfers. Training data that no model is scored on is not named by the chain: pin it.
	#[command(after_help = "Example:\n  \
		ml-worker blobs gc")]
	Gc,
	/// The peers that are known: who they are, where, and what they did wrong.
	///
	/// A line a peer. With --wait it first looks around for so long.
	#[command(after_help = "Examples:\n  \
		ml-worker blobs peers --wait 5\n  \
		ml-worker blobs peers --unban <PEER>")]
	Peers {
		/// Seconds to look around.
		#[arg(long, default_value_t = 3, value_name = "SECONDS")]
		wait: u64,
		/// Forgive a peer that is banned.
		#[arg(long, value_name = "PEER")]
		unban: Option<oda_network::PeerId>,
	},
	/// Serve what is here to peers; a service.
	///
	/// So does every other service, beside its work. Prints the addresses at which this worker is reached.
	#[command(after_help = "Example:\n  \
		ml-worker --listen /ip4/0.0.0.0/tcp/4001 blobs serve")]
	Serve,
	/// Bind this worker's peer to the account, on the chain.
	///
	/// The chain then says where the account's blobs are had. Holds a deposit and costs a fee. A keeper does it by itself.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Alice blobs bind")]
	Bind,
	/// All blobs.
	///
	/// A line a blob: root and length in bytes.
	#[command(after_help = "Examples:\n  \
		ml-worker blobs list\n  \
		ml-worker --json blobs list")]
	List,
	/// Whether a blob is here, and its length.
	///
	/// Exit status 1 if it is not.
	#[command(after_help = "Example:\n  \
		ml-worker blobs stat <ROOT>")]
	Stat {
		/// Its root.
		#[arg(value_parser = id)]
		root: Id,
	},
	/// Hash every blob again.
	///
	/// Exit status 1 if any is damaged. A damaged blob stays where it is and is never handed out; store it again.
	#[command(after_help = "Example:\n  \
		ml-worker blobs check")]
	Check,
	/// Delete blobs.
	///
	/// What a submission or a challenge under way still needs is not looked at. Exit status 1 if one is not there.
	#[command(after_help = "Example:\n  \
		ml-worker blobs rm <ROOT>")]
	Rm {
		/// Their roots.
		#[arg(value_parser = id, required = true)]
		roots: Vec<Id>,
	},
}

/// Demand and post weights.
#[derive(Debug, Subcommand)]
pub enum DemandCommand {
	/// Demand the weights of a submission that is being verified, or of a model's head.
	///
	/// The bond is an ODA and the price of the block space, about a millionth of an ODA for each byte. If the weights are
	/// posted, half of that price is burned, and all of it for a head; otherwise the bond comes back. A watcher does this
	/// by itself for what is being verified. Costs a fee.
	#[command(after_help = "Examples:\n  \
		ml-worker --suri //Dave demand make --submission 7\n  \
		ml-worker --suri //Dave demand make --model <ID>")]
	Make(DemandTarget),
	/// Post weights that are demanded.
	///
	/// They have to be in the store. Costs nothing, and brings nothing but that they can be had. Verifiers, watchers,
	/// trainers and keepers do this by themselves.
	#[command(after_help = "Example:\n  \
		ml-worker demand answer --submission 7")]
	Answer(DemandTarget),
	/// Let a model's head fall whose weights nobody posted in time.
	///
	/// The version that it had replaced is the head again. A watcher does this by itself. Costs nothing when it was due.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Dave demand revert --model <ID>")]
	Revert {
		/// The model's id.
		#[arg(long, value_parser = id, value_name = "ID")]
		model: Id,
	},
	/// The demands that nobody has answered.
	///
	/// At the last final block, a line a demand.
	#[command(after_help = "Example:\n  \
		ml-worker demand list")]
	List,
}

/// Whose weights are meant.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct DemandTarget {
	/// A submission's number.
	#[arg(long, value_name = "NUMBER")]
	pub submission: Option<u64>,
	/// A model's id: its head's.
	#[arg(long, value_parser = id, value_name = "ID")]
	pub model: Option<Id>,
}

/// Promise and take back rewards.
#[derive(Debug, Subcommand)]
pub enum BountyCommand {
	/// Promise a reward for weights of at least some score.
	///
	/// The amount is on hold until it is paid or taken back. Costs a fee. Prints the bounty's number.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Alice bounty post --model <ID> --threshold 350 --amount 10 --ticks 10000")]
	Post {
		/// The model's id.
		#[arg(long, value_parser = id, value_name = "ID")]
		model: Id,
		/// The least sum of scores that earns it.
		#[arg(long, allow_negative_numbers = true)]
		threshold: i64,
		/// How much, in ODA.
		#[arg(long, value_parser = Amount::from_str, value_name = "ODA")]
		amount: Amount,
		/// For how many ticks from now.
		#[arg(long)]
		ticks: u64,
	},
	/// Take a bounty back.
	///
	/// Once its time is over, or the model takes no new head any more, and no submission can earn it. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --suri //Alice bounty withdraw --model <ID> --bounty 0")]
	Withdraw {
		/// The model's id.
		#[arg(long, value_parser = id, value_name = "ID")]
		model: Id,
		/// The bounty's number.
		#[arg(long)]
		bounty: u64,
	},
	/// The bounties on a model.
	///
	/// At the last final block, a line a bounty.
	#[command(after_help = "Example:\n  \
		ml-worker bounty list --model <ID>")]
	List {
		/// The model's id.
		#[arg(long, value_parser = id, value_name = "ID")]
		model: Id,
	},
}

/// What `run` needs.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
	ml-worker run --config /etc/oda/worker.toml\n\n\
	Such a file:\n\n  \
	node = \"ws://127.0.0.1:9944\"\n  \
	base_path = \"/var/lib/oda-worker\"\n  \
	prometheus = \"127.0.0.1:9616\"\n\n  \
	[engine]\n  \
	threads = 4\n\n  \
	[[role]]\n  \
	kind = \"verifier\"\n  \
	key_file = \"/etc/oda/verifier.key\"\n\n  \
	[[role]]\n  \
	kind = \"watcher\"\n  \
	key_file = \"/etc/oda/watcher.key\"\n\n  \
	[[role]]\n  \
	kind = \"trainer\"\n  \
	key_file = \"/etc/oda/trainer.key\"\n  \
	model = \"<ID>\"\n  \
	data = \"<ROOT>\"\n  \
	[role.train]\n  \
	epochs = 5")]
pub struct RunArgs {
	/// The file.
	#[arg(long, value_name = "FILE")]
	pub config: PathBuf,
	/// How it is watched.
	#[command(flatten)]
	pub monitoring: Monitoring,
}

/// What `account` needs.
#[derive(Debug, Args)]
pub struct AccountArgs {
	/// The account, in SS58; the key's own if not named.
	pub account: Option<String>,
}

/// What `transfer` needs.
#[derive(Debug, Args)]
pub struct TransferArgs {
	/// To whom, in SS58.
	pub to: String,
	/// How much, in ODA.
	#[arg(value_parser = Amount::from_str, value_name = "ODA")]
	pub amount: Amount,
}

/// What `completions` needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
	ml-worker completions bash > ~/.local/share/bash-completion/completions/ml-worker\n  \
	ml-worker completions zsh > ~/.zfunc/_ml-worker\n  \
	ml-worker completions fish > ~/.config/fish/completions/ml-worker.fish")]
pub struct CompletionsArgs {
	/// The shell.
	#[arg(value_enum)]
	pub shell: clap_complete::Shell,
}

/// What `man` needs.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
	ml-worker man ~/.local/share/man/man1 && man ml-worker-submit")]
pub struct ManArgs {
	/// The folder; it is made if it is not there.
	#[arg(value_name = "DIR")]
	pub folder: PathBuf,
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

	#[test]
	fn metrics_need_an_address_and_a_port() {
		assert_eq!(address("127.0.0.1:9616"), Ok(SocketAddr::from(([127, 0, 0, 1], 9616))));
		assert!(address("[::1]:0").is_ok());
		for bad in ["", "9616", ":9616", "127.0.0.1", "127.0.0.1:65536", "localhost:9616"] {
			assert!(address(bad).is_err(), "{bad:?}");
		}
	}

	#[test]
	fn devices_are_understood() {
		assert_eq!(device("cuda:1"), Ok(DeviceChoice::Cuda(1)));
		assert_eq!(device("cpu"), Ok(DeviceChoice::Cpu));
		assert!(device("gpu").is_err());
	}
}
