//! Being asked to stop.

use std::fmt;
use tokio::signal::unix::{SignalKind, signal};

/// A process that was asked to stop before it was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stopped {
	signal: SignalKind,
	/// Whether what was begun is in the journal, and the same command goes on with it.
	journal: bool,
}

impl Stopped {
	pub(super) fn with_journal(self, journal: bool) -> Self {
		Self { journal, ..self }
	}

	/// The exit status: 130 for Ctrl-C, 143 for a request to terminate, as shells have it.
	pub fn exit_status(&self) -> u8 {
		u8::try_from(128 + self.signal.as_raw_value()).unwrap_or(1)
	}
}

impl fmt::Display for Stopped {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str("stopped before it was done")?;
		match self.journal {
			true => f.write_str("; what was begun is in the journal: the same command goes on with it"),
			false => Ok(()),
		}
	}
}

impl std::error::Error for Stopped {}

/// Waits until somebody asks this process to stop.
pub(super) async fn asked() -> anyhow::Result<Stopped> {
	let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
	let signal = tokio::select! {
		_ = interrupt.recv() => SignalKind::interrupt(),
		_ = terminate.recv() => SignalKind::terminate(),
	};
	Ok(Stopped { signal, journal: false })
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_exit_status_is_the_one_that_shells_give() {
		let of = |signal| Stopped { signal, journal: false }.exit_status();
		assert_eq!((of(SignalKind::interrupt()), of(SignalKind::terminate())), (130, 143));
	}
}
