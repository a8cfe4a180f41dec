//! Processes, and what they use of the processors.

use std::{
	fs,
	io::{BufRead, BufReader},
	net::{TcpListener, TcpStream},
	process::{Child, ChildStdout, Command, Stdio},
	time::{Duration, Instant},
};

/// A process that sends, until it is dropped.
pub(crate) struct Sender {
	child: Child,
	output: BufReader<ChildStdout>,
	before: f64,
}

impl Sender {
	pub(crate) fn start(command: &mut Command) -> Self {
		let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
		let output = BufReader::new(child.stdout.take().unwrap());
		Self { child, output, before: 0.0 }
	}

	/// The next line that it prints.
	pub(crate) fn line(&mut self) -> String {
		let mut line = String::new();
		self.output.read_line(&mut line).unwrap();
		assert!(!line.is_empty(), "a sender has ended");
		line.trim_end().to_owned()
	}

	/// What it used up to here does not count.
	pub(crate) fn ready(&mut self) {
		self.before = self.used();
	}

	/// Seconds of processor time since it was ready.
	pub(crate) fn cpu(&self) -> f64 {
		self.used() - self.before
	}

	fn used(&self) -> f64 {
		let [user, system, ..] = times(&self.child.id().to_string());
		user + system
	}
}

impl Drop for Sender {
	fn drop(&mut self) {
		self.child.kill().unwrap();
		self.child.wait().unwrap();
	}
}

/// Runs a receiver to its end: seconds of processor time.
pub(crate) fn receive(command: &mut Command) -> f64 {
	let [_, _, user, system] = times("self");
	let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
	assert!(status.success(), "{command:?}: {status}");
	let [_, _, user_after, system_after] = times("self");
	user_after + system_after - user - system
}

/// Seconds of user and system time, its own and those of its children that ended.
fn times(process: &str) -> [f64; 4] {
	let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
	// After the name, which may hold anything, fields 3 and on; times are 14 to 17, in hundredths.
	let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
	[11, 12, 13, 14].map(|at| fields[at].parse::<f64>().unwrap() / 100.0)
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
	TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until somebody listens on a port.
pub(crate) fn wait_for(port: u16) {
	let started = Instant::now();
	while TcpStream::connect(("127.0.0.1", port)).is_err() {
		assert!(started.elapsed() < Duration::from_secs(60), "nobody listens on port {port}");
		std::thread::sleep(Duration::from_millis(20));
	}
}

/// Seconds that all processors together were not idle since the machine started.
pub(crate) fn busy() -> f64 {
	let stat = fs::read_to_string("/proc/stat").unwrap();
	let fields = stat.lines().next().unwrap().split_whitespace().skip(1);
	let times: Vec<f64> = fields.map(|field| field.parse().unwrap()).collect();
	// User, nice, system; after idle and waiting, interrupts of both kinds.
	[0, 1, 2, 5, 6].iter().map(|at| times[*at]).sum::<f64>() / 100.0
}
