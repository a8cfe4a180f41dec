//! A store whose writers are killed, and one whose disk is full.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

#[path = "../../../tests/src/skipped.rs"]
mod skipped;

use oda_blobs::{BlobError, Store};
use std::{
	fs,
	io::{self, Read},
	ops::ControlFlow,
	path::Path,
	process::{Command, Stdio},
	time::{Duration, Instant},
};

/// Names the directory that the child process writes to.
const CHILD: &str = "ODA_BLOBS_TEST_CHILD";

/// Runs one test of this file in a process of its own, with `dir` in its environment.
fn child(test: &str, dir: &Path) -> Command {
	let mut command = Command::new(std::env::current_exe().unwrap());
	command.args([test, "--exact", "--nocapture"]).env(CHILD, dir).stdout(Stdio::null());
	command
}

fn go_on(_: u64) -> ControlFlow<()> {
	ControlFlow::Continue(())
}

/// Not a test by itself: what the processes that get killed do.
#[test]
fn writer() {
	let Some(base) = std::env::var_os(CHILD) else { return };
	let store = Store::open(base).unwrap();
	for round in 0.. {
		store.put_reader(io::repeat(round).take(48 << 20), u64::MAX, go_on).unwrap();
		if round == u8::MAX {
			return;
		}
	}
}

#[test]
fn killed_writers_leave_no_damaged_blob_and_their_files_are_swept() {
	let base = tempfile::tempdir().unwrap();
	let incoming = base.path().join("blobs/incoming");
	for round in 0..5u64 {
		let mut writers: Vec<_> = (0..2).map(|_| child("writer", base.path()).spawn().unwrap()).collect();
		let started = Instant::now();
		let halfway = || {
			let files = fs::read_dir(&incoming).into_iter().flatten().flatten();
			files.filter(|f| f.metadata().is_ok_and(|m| m.len() > 1 << 20)).count() > 0
		};
		while !halfway() {
			assert!(started.elapsed() < Duration::from_secs(600), "the writers do not write");
			std::thread::sleep(Duration::from_millis(2));
		}
		std::thread::sleep(Duration::from_millis(round * 7));
		for writer in &mut writers {
			writer.kill().unwrap();
			writer.wait().unwrap();
		}
		let store = Store::open(base.path()).unwrap();
		assert_eq!(fs::read_dir(&incoming).unwrap().count(), 0, "leftovers are swept");
		for checked in store.check(|_| ControlFlow::Continue(())).unwrap() {
			assert!(checked.fault.is_none(), "{:?}", checked.fault);
			assert_eq!(checked.blob.len, 48 << 20);
		}
	}
}

#[test]
fn a_live_writers_file_survives_another_process_that_opens_the_store() {
	let base = tempfile::tempdir().unwrap();
	let store = Store::open(base.path()).unwrap();
	let mut opened = false;
	let put = store.put_reader(io::repeat(3).take(8 << 20), u64::MAX, |_| {
		if !opened {
			assert!(child("opener", base.path()).status().unwrap().success());
			opened = true;
		}
		ControlFlow::Continue(())
	});
	assert_eq!(put.unwrap().len, 8 << 20);
}

/// Not a test by itself: opens the store, and so sweeps it.
#[test]
fn opener() {
	if let Some(base) = std::env::var_os(CHILD) {
		Store::open(base).unwrap();
	}
}

/// Not a test by itself: writes more than its disk holds.
#[test]
fn filler() {
	let Some(base) = std::env::var_os(CHILD) else { return };
	let store = Store::open(base).unwrap();
	let kept = store.put(b"fits").unwrap();
	let put = store.put_reader(io::repeat(1).take(8 << 20), u64::MAX, go_on);
	assert!(matches!(put, Err(BlobError::DiskFull { .. })), "{put:?}");
	assert_eq!(store.list().unwrap(), [kept]);
	assert_eq!(fs::read_dir(store.dir().join("incoming")).unwrap().count(), 0);
}

#[test]
fn a_full_disk_is_its_own_error_and_leaves_nothing() {
	let base = tempfile::tempdir().unwrap();
	let filler = child("filler", base.path());
	let run = format!(
		"mount -t tmpfs -o size=2m none '{0}' && '{1}' filler --exact",
		base.path().display(),
		filler.get_program().display()
	);
	let mount = |script: &str| {
		Command::new("unshare").args(["--mount", "sh", "-c", script]).env(CHILD, base.path()).output()
	};
	let probe = mount(&format!("mount -t tmpfs -o size=2m none '{}'", base.path().display()));
	if !probe.is_ok_and(|probe| probe.status.success()) {
		skipped::skipped(
			"a_full_disk_is_its_own_error_and_leaves_nothing",
			"a small file system cannot be mounted",
		);
		return;
	}
	let output = mount(&run).unwrap();
	assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
