//! Several roles in one process, from one file, as systemd runs them.

use crate::{World, events, prepared, until_happened};
use oda_e2e::digits;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// A key file that its owner alone may read.
fn key_file(path: &Path, suri: &str) -> String {
	fs::write(path, suri).unwrap();
	fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
	path.to_string_lossy().into_owned()
}

#[tokio::test]
async fn verifier_watcher_keeper_and_trainer_run_in_one_process_from_one_file() {
	let world = World::new().await;
	let digits = prepared(&world).await;
	let services = world.worker_apart("worker", "//Dave").with(&["--listen", "/ip4/127.0.0.1/tcp/0"]);
	let config = world.log("roles.toml");
	let key = |name: &str| key_file(&world.log(&format!("{name}.key")), &format!("//{name}"));
	let (bob, charlie, eve) = (key("Bob"), key("Charlie"), key("Eve"));
	let roles = format!(
		r#"
[engine]
threads = 1

[[role]]
kind = "verifier"
key_file = "{bob}"

[[role]]
kind = "watcher"
challenge = false
settle = false

[[role]]
kind = "keeper"
key_file = "{charlie}"
capacity_mib = 16

[[role]]
kind = "trainer"
key_file = "{eve}"
model = "{}"
data = "{}"
once = true
interval = 1
[role.train]
epochs = 3
"#,
		digits.model, digits.train_set
	);
	fs::write(&config, roles).unwrap();
	let config = config.to_string_lossy().into_owned();
	let mut running = services.service(&["run", "--config", &config], &world.log("roles.log")).unwrap();
	for greeting in ["verifying", "watching", "keeping"] {
		until_happened(&mut running, greeting, 1).await;
	}

	// What the registrar brings is verified, watched, and, paid by the model, kept.
	digits::register(&world.worker_apart("worker", "//Dave"), &digits, |_| ())
		.await
		.expect("version 0 is accepted");
	// Then the trainer finds a head, and beats it.
	until_happened(&mut running, "ended", 1).await;
	let ended = events(&running, "ended");
	assert_eq!(ended[0]["accepted"], true, "{}", running.output());
	until_happened(&mut running, "opened", 2).await;
	until_happened(&mut running, "checked", 2).await;
	until_happened(&mut running, "proved", 1).await;
	running.check_alive().unwrap();
	assert!(running.stop().await.unwrap(), "it ends on SIGTERM");
}
