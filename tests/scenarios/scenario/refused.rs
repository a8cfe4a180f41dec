//! Bad input gets its own error, and changes nothing.

use crate::{World, prepared};
use oda_e2e::{Worker, digits};

#[tokio::test]
async fn bad_input_is_refused_with_its_own_error() {
	let world = World::new().await;
	let digits = prepared(&world).await;
	let dave = world.worker("//Dave");
	let spec = digits.spec.to_string_lossy().into_owned();
	let weights = digits::random_weights(&dave, &digits, "1").await.unwrap();
	let folder = world.base.path();
	let write = |name: &str, bytes: &[u8]| {
		let path = folder.join(name);
		std::fs::write(&path, bytes).unwrap();
		path.to_string_lossy().into_owned()
	};

	// Weights of the wrong length.
	let short = write("short.bin", &[1; 100]);
	let said = dave.refusal(&["model", "register", &spec, "--weights", &short]).await.unwrap();
	assert!(said.contains("length") || said.contains("bytes"), "{said}");

	// A specification that is none, and one whose graph does not validate.
	let nonsense = write("nonsense.json", b"{}");
	let said = dave.refusal(&["model", "register", &nonsense, "--weights", &weights]).await.unwrap();
	assert!(said.contains("missing field"), "{said}");
	let text = std::fs::read_to_string(&spec).unwrap();
	let broken = write("broken.json", text.replacen("\"version\": 1", "\"version\": 9", 1).as_bytes());
	let said = dave.refusal(&["model", "register", &broken, "--weights", &weights]).await.unwrap();
	assert!(said.contains("unknown graph version"), "{said}");

	// A data set that ends within a record.
	let mut data = std::fs::read(digits::file("validation.bin")).unwrap();
	data.pop();
	let truncated = write("truncated.bin", &data);
	let out = folder.join("out.json");
	let said = dave
		.refusal(&[
			"model",
			"init",
			"--template",
			"digits",
			"--data",
			&truncated,
			"--out",
			&out.to_string_lossy(),
		])
		.await
		.unwrap();
	assert!(said.contains("record"), "{said}");
	assert!(!out.exists());

	// Nobody is there to be asked.
	let said = dave.refusal(&["model", "register", &spec, "--weights", &weights]).await.unwrap();
	assert!(said.contains("--yes"), "{said}");

	// An account that owns nothing.
	let poor = world.worker("//Nobody");
	let said = poor.refusal(&["model", "register", "--yes", &spec, "--weights", &weights]).await.unwrap();
	assert!(said.contains("pay") || said.contains("balance") || said.contains("Balance"), "{said}");

	// Nothing was registered by all this.
	assert!(dave.refusal(&["model", "show", &digits.model]).await.unwrap().contains("no such model"));

	// A blob that is not here, a root that is none, a node that is away.
	let absent = "00".repeat(32);
	assert!(dave.refusal(&["blobs", "stat", &absent]).await.unwrap().contains("no blob"));
	assert!(dave.refusal(&["blobs", "stat", "xyz"]).await.unwrap().contains("64 hexadecimal digits"));
	let away = Worker::new("ws://127.0.0.1:1", folder, "//Dave");
	let said = away.refusal(&["--node-timeout", "2", "model", "list"]).await.unwrap();
	assert!(said.contains("gave up waiting for the node"), "{said}");
}
