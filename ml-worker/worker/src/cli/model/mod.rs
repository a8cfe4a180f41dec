//! Models: specifications, weights files, registration.

mod init;
mod register;
mod show;
mod weights;

use super::{Global, ModelName};
use clap::Subcommand;
pub use init::{ModelInitArgs, Template};
pub use register::{ModelFundArgs, ModelRegisterArgs};
pub use show::ModelShowArgs;
pub use weights::{ModelExportArgs, ModelImportArgs, ModelRandomArgs};

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
	/// What it takes is shown before anything is sent, in ODA, and asked about; --yes goes on without asking. That are a
	/// deposit for what the chain keeps of the model, one for the announcement until the model is registered, what goes into
	/// the model's storage account, and what `submit` takes. Its transactions cost fees. The exit status is 1 unless version 0
	/// was accepted.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key model register digits.json --weights <ROOT>")]
	Register(ModelRegisterArgs),
	/// Put money into a model's storage account, from which the weights and data of its head are kept.
	///
	/// Anybody can. Nobody gets it back: keepers are paid with it, and what is left when the model is retired is
	/// burned. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key model fund <ID> 10")]
	Fund(ModelFundArgs),
	/// A registered model with its versions and what is being submitted to it.
	///
	/// Shows the state at the last final block: card, objective, data, versions, submissions under way and bounties. A card
	/// that is not here is looked for among peers, for five seconds.
	#[command(after_help = "Examples:\n  \
		ml-worker model show <ID>\n  \
		ml-worker model show <ID> --spec model.json\n  \
		ml-worker --json model show <ID>")]
	Show(ModelShowArgs),
	/// All registered models.
	///
	/// Each with its state and its head at the last final block, and its card's title and labels, a line a model. Cards that
	/// are not here are looked for among peers, for five seconds.
	#[command(after_help = "Examples:\n  \
		ml-worker model list\n  \
		ml-worker --node ws://node.example:9944 --json model list")]
	List,
	/// Close a model to new submissions, for ever.
	///
	/// Its registrar can, while no submission to it is under way and its head is the registrar's own work. The head
	/// stays and can be used; the deposit stays too. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key model retire <ID>")]
	Retire {
		/// The model's id.
		#[arg(value_name = "ID")]
		model: ModelName,
	},
	/// Delete a registered model that never got a version.
	///
	/// Its id is free again, and its deposit goes back. Its registrar can while no submission to it is under way;
	/// anybody can once the time for bringing version 0 is over. Costs a fee.
	#[command(after_help = "Example:\n  \
		ml-worker --key-file my.key model abandon <ID>")]
	Abandon {
		/// The model's id.
		#[arg(value_name = "ID")]
		model: ModelName,
	},
}

impl ModelCommand {
	pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
		match self {
			Self::Init(args) => args.run(global).await,
			Self::Random(args) => args.run(global).await,
			Self::Import(args) => args.run(global).await,
			Self::Export(args) => args.run(global).await,
			Self::Register(args) => args.run(global).await,
			Self::Fund(args) => args.run(global).await,
			Self::Show(args) => args.run(global).await,
			Self::List => show::list(&global.open()?).await,
			Self::Retire { model } => {
				let context = &global.open()?;
				let (chain, id) = (context.chain().await?, model.id(context).await?);
				let receipt = chain.retire(&global.signer(context).await?, id).await?;
				context.output().result(format!("retired in block {}", receipt.block), &receipt);
				Ok(())
			}
			Self::Abandon { model } => {
				let context = &global.open()?;
				let (chain, id) = (context.chain().await?, model.id(context).await?);
				let receipt = chain.abandon(&global.signer(context).await?, id).await?;
				context.output().result(format!("deleted in block {}", receipt.block), &receipt);
				Ok(())
			}
		}
	}
}
