//! What is measured, and a run of it.

use crate::{
	others,
	process::{self, Sender},
};
use oda_blobs::{BlobRef, Store};
use std::{
	fs::{self, File},
	io::{self, Read},
	ops::ControlFlow,
	path::{Path, PathBuf},
	process::Command,
	time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long a run waits for the one before to have left no trace.
const SETTLE: Duration = Duration::from_secs(5);

/// What a blob is sent by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Subject {
	/// This network over TCP, QUIC, or what of the two is connected first.
	Tcp,
	Quic,
	Default,
	/// A plain copy over TLS.
	Copy,
	Rqbit,
	/// From nginx.
	Curl,
}

/// What a run took, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
	pub(crate) time: f64,
	pub(crate) senders: f64,
	pub(crate) receiver: f64,
	/// Of all processors together.
	busy: f64,
}

/// The files that all runs share.
pub(crate) struct Bench {
	pub(crate) dir: TempDir,
	pub(crate) file: PathBuf,
	pub(crate) blob: BlobRef,
	pub(crate) certificate: PathBuf,
	pub(crate) key: PathBuf,
}

impl Subject {
	pub(crate) fn parse(name: &str) -> Self {
		let all = [Self::Tcp, Self::Quic, Self::Default, Self::Copy, Self::Rqbit, Self::Curl];
		all.into_iter().find(|subject| subject.name() == name).unwrap_or_else(|| panic!("{name}?"))
	}

	pub(crate) fn title(self) -> &'static str {
		match self {
			Self::Tcp => "oda-network, TCP",
			Self::Quic => "oda-network, QUIC",
			Self::Default => "oda-network, default",
			Self::Copy => "copy over TLS",
			Self::Rqbit => "rqbit",
			Self::Curl => "curl from nginx",
		}
	}

	pub(crate) fn name(self) -> &'static str {
		match self {
			Self::Tcp => "tcp",
			Self::Quic => "quic",
			Self::Default => "default",
			Self::Copy => "copy",
			Self::Rqbit => "rqbit",
			Self::Curl => "curl",
		}
	}
}

impl Sample {
	/// How many processors everything else on the machine used.
	pub(crate) fn others(&self) -> f64 {
		((self.busy - self.senders - self.receiver) / self.time).max(0.0)
	}

	pub(crate) fn line(&self, name: &str, mib: u64) -> String {
		let gib = mib as f64 / 1024.0;
		format!(
			"{name}: {:.2} s, {:.0} MB/s; processor seconds per GiB: senders {:.2}, receiver {:.2}",
			self.time,
			mib as f64 * 1.048_576 / self.time,
			self.senders / gib,
			self.receiver / gib
		)
	}
}

impl Bench {
	/// Makes a blob of random bytes in a new directory in `dir`.
	pub(crate) fn new(dir: &Path, mib: u64) -> Self {
		let dir = tempfile::tempdir_in(dir).unwrap();
		let store = Store::open(dir.path()).unwrap();
		let random = blake3::Hasher::new().finalize_xof().take(mib << 20);
		let blob = store.put_reader(random, u64::MAX, |_| ControlFlow::Continue(())).unwrap();
		// The outboard is made before anybody asks for it.
		drop(store.slices(&blob).unwrap());
		// A plain name for those who name what they send.
		let file = dir.path().join("blob.bin");
		fs::hard_link(store.path(&blob.root), &file).unwrap();
		File::open(&file).unwrap().sync_all().unwrap();
		let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
		let (certificate, key) = (dir.path().join("certificate.pem"), dir.path().join("key.pem"));
		fs::write(&certificate, made.serialize_pem().unwrap()).unwrap();
		fs::write(&key, made.serialize_private_key_pem()).unwrap();
		Self { dir, file, blob, certificate, key }
	}

	/// Writes a file almost as long, and deletes it: a virtual machine has to fetch memory that is new to it from its
	/// host, and who comes first would pay for it. What the run before freed goes back to the host first: much free
	/// memory goes back at once.
	fn touch_memory(&self, dir: &Path) {
		std::thread::sleep(SETTLE);
		let path = dir.join("memory");
		let most = self.blob.len / 16 * 15;
		io::copy(&mut io::repeat(7).take(most), &mut File::create(&path).unwrap()).unwrap();
		fs::remove_file(path).unwrap();
	}

	/// Starts senders, has a receiver fetch all into a new directory, and looks at what it got.
	pub(crate) fn run(&self, subject: Subject, sources: usize) -> Sample {
		let target = tempfile::tempdir_in(self.dir.path()).unwrap();
		let to = target.path();
		let this = || Command::new(std::env::current_exe().unwrap());
		let (mut senders, mut receiver, result) = match subject {
			Subject::Tcp | Subject::Quic | Subject::Default => {
				let mut receiver = this();
				receiver.arg("fetch").arg(to).args([hex::encode(self.blob.root), self.blob.len.to_string()]);
				let senders = (0..sources).map(|_| {
					let mut sender =
						Sender::start(this().arg("serve").arg(self.dir.path()).arg(subject.name()));
					let addresses: usize = sender.line().parse().unwrap();
					for _ in 0..addresses {
						receiver.arg(sender.line());
					}
					sender
				});
				let senders = senders.collect::<Vec<_>>();
				let result = Store::open(to).unwrap().path(&self.blob.root);
				(senders, receiver, result)
			}
			Subject::Copy => {
				let mut sender =
					Sender::start(this().arg("send").args([&self.file, &self.certificate, &self.key]));
				let port = sender.line();
				let mut receiver = this();
				let result = to.join("blob.bin");
				receiver.arg("receive").args([&result, &self.certificate]).arg(port);
				(vec![sender], receiver, result)
			}
			Subject::Rqbit => others::rqbit(self, to, sources),
			Subject::Curl => others::curl(self, to),
		};
		self.touch_memory(to);
		senders.iter_mut().for_each(Sender::ready);
		let (started, before) = (Instant::now(), process::busy());
		let cpu = process::receive(&mut receiver);
		let file = File::open(&result).unwrap();
		file.sync_all().unwrap();
		let time = started.elapsed().as_secs_f64();
		let busy = process::busy() - before;
		let sample = Sample { time, senders: senders.iter().map(Sender::cpu).sum(), receiver: cpu, busy };
		let mut hasher = blake3::Hasher::new();
		hasher.update_reader(file).unwrap();
		assert_eq!(*hasher.finalize().as_bytes(), self.blob.root, "{subject:?}");
		sample
	}
}
