//! What a shell and `man` know of the command line.

use super::{Cli, Global};
use crate::out_file;
use anyhow::Context as _;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use oda_roles::output::Output;
use roff::{Roff, roman};
use std::{
	fs,
	io::{self, Write},
	path::PathBuf,
};

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

impl CompletionsArgs {
	pub(super) fn run(&self) -> anyhow::Result<()> {
		io::stdout().lock().write_all(&script(self.shell)).context("standard output")
	}
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

impl ManArgs {
	pub(super) fn run(&self, global: &Global) -> anyhow::Result<()> {
		man(self, Output::new(global.json))
	}
}

/// Written to memory first: the generator panics where it cannot write.
fn script(shell: Shell) -> Vec<u8> {
	let mut script = Vec::new();
	clap_complete::generate(shell, &mut Cli::command(), "ml-worker", &mut script);
	script
}

fn man(args: &ManArgs, output: Output) -> anyhow::Result<()> {
	let folder = &args.folder;
	fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
	let mut pages = Vec::new();
	render(&program(), &mut pages)?;
	for Page { name, text } in &pages {
		out_file::write(&folder.join(name), &text[..])?;
	}
	output.result(
		format!("{} pages in {}", pages.len(), folder.display()),
		&serde_json::json!({ "pages": pages.len(), "folder": folder }),
	);
	Ok(())
}

/// The command line, with what all commands share filled in everywhere.
fn program() -> Command {
	let mut program = Cli::command().disable_help_subcommand(true);
	program.build();
	program
}

struct Page {
	name: String,
	text: Vec<u8>,
}

/// The pages of a command and of those below it.
fn render(command: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
	for below in command.get_subcommands() {
		render(below, pages)?;
	}
	let man = Man::new(command.clone())
		.source(concat!("ml-worker ", env!("CARGO_PKG_VERSION")))
		.manual("Open Decentralised AI");
	let mut text = Vec::new();
	man.render_title(&mut text)?;
	man.render_name_section(&mut text)?;
	man.render_synopsis_section(&mut text)?;
	man.render_description_section(&mut text)?;
	if command.has_subcommands() {
		man.render_subcommands_section(&mut text)?;
	}
	man.render_options_section(&mut text)?;
	if let Some(examples) = command.get_after_help() {
		example(&examples.to_string()).to_writer(&mut text)?;
	}
	pages.push(Page { name: man.get_filename(), text });
	Ok(())
}

/// The section of examples, line by line as `--help` has them.
fn example(help: &str) -> Roff {
	let mut section = Roff::new();
	section.control("SH", ["EXAMPLES"]);
	section.control("nf", []);
	for line in help.lines().skip(1) {
		section.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
	}
	section.control("fi", []);
	section
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::ValueEnum;

	fn leaves(command: &Command) -> usize {
		command.get_subcommands().map(|below| 1 + leaves(below)).sum()
	}

	#[test]
	fn a_shell_learns_the_commands_and_their_options() {
		let script = String::from_utf8(script(Shell::Bash)).unwrap();
		for word in ["submit", "verify", "model", "register", "completions", "--prometheus", "--base-path"] {
			assert!(script.contains(word), "{word}");
		}
	}

	#[test]
	fn every_shell_gets_a_script() {
		for shell in Shell::value_variants() {
			assert!(script(*shell).len() > 1_000, "{shell}");
		}
	}

	#[test]
	fn every_command_gets_a_page() {
		let folder = tempfile::tempdir().unwrap();
		let args = ManArgs { folder: folder.path().join("man1") };
		// What was there before is replaced.
		fs::create_dir(&args.folder).unwrap();
		fs::write(args.folder.join("ml-worker.1"), "an old page").unwrap();
		man(&args, Output::new(true)).unwrap();
		let pages = fs::read_dir(&args.folder).unwrap().count();
		assert_eq!(pages, 1 + leaves(&program()));
		let read = |name: &str| fs::read_to_string(args.folder.join(name)).unwrap();
		assert!(read("ml-worker.1").contains("SUBCOMMANDS"));
		let page = read("ml-worker-model-register.1");
		for part in [
			".SH EXAMPLES",
			"ml\\-worker \\-\\-key\\-file my.key model register",
			"\\-\\-parent",
			"ODA_SURI",
			"exit status",
		] {
			assert!(page.contains(part), "no {part:?} in\n{page}");
		}
	}

	#[test]
	fn a_folder_that_cannot_be_written_to_is_named() {
		let file = tempfile::NamedTempFile::new().unwrap();
		let error = man(&ManArgs { folder: file.path().join("man1") }, Output::new(true)).unwrap_err();
		assert!(format!("{error:#}").contains(&file.path().display().to_string()), "{error:#}");
	}
}
