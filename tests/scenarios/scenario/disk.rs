//! A disk that is full.

use oda_e2e::{Worker, skipped};
use std::{
	path::{Path, PathBuf},
	process::Command,
};

/// A file system of 256 KiB; only the superuser can make one.
struct SmallDisk(PathBuf);

impl SmallDisk {
	fn mount(at: &Path) -> Option<Self> {
		let args = ["-t", "tmpfs", "-o", "size=256k", "none"];
		let mounted = Command::new("mount").args(args).arg(at).status();
		mounted.is_ok_and(|status| status.success()).then(|| Self(at.into()))
	}
}

impl Drop for SmallDisk {
	fn drop(&mut self) {
		let _ = Command::new("umount").arg(&self.0).status();
	}
}

#[tokio::test]
async fn a_full_disk_is_said_to_be_full_and_nothing_is_half_written() {
	let folder = tempfile::tempdir().unwrap();
	let (disk, big) = (folder.path().join("disk"), folder.path().join("big"));
	std::fs::create_dir(&disk).unwrap();
	std::fs::write(&big, vec![7; 300_000]).unwrap();
	let Some(_disk) = SmallDisk::mount(&disk) else {
		skipped(
			"a_full_disk_is_said_to_be_full_and_nothing_is_half_written",
			"a file system cannot be mounted",
		);
		return;
	};
	let worker = Worker::new("ws://127.0.0.1:1", &disk.join("worker"), "//Alice");
	let add = ["blobs", "add", big.to_str().unwrap()];
	let said = worker.refusal(&add).await.unwrap();
	assert!(said.contains("the disk is full"), "{said}");
	assert!(worker.run(&["blobs", "list"]).await.unwrap().is_empty());
	let left: Vec<_> = std::fs::read_dir(disk.join("worker/blobs/incoming")).unwrap().collect();
	assert!(left.is_empty(), "{left:?}");

	// What fits is still taken.
	std::fs::write(&big, vec![7; 100_000]).unwrap();
	worker.run(&add).await.unwrap();
	assert_eq!(worker.run(&["blobs", "list"]).await.unwrap().len(), 1);
}
