//! A model's card goes from who sets it to who looks the model up.

use crate::{World, prepared, serve, until_happened};
use oda_e2e::digits;

#[tokio::test]
async fn a_card_goes_from_its_registrar_to_who_looks_the_model_up() {
	let world = World::new().await;
	let apart =
		|base: &str, suri: &str| world.worker_apart(base, suri).with(&["--listen", "/ip4/127.0.0.1/tcp/0"]);
	let registrar = apart("worker", "//Dave");
	let digits = prepared(&world).await;
	let (_serving, address) = serve(&registrar, &world.log("registrar.log")).await;
	let verifier = apart("verifier", "//Bob").with(&["--bootstrap", &address]);
	let mut verifying = verifier.service(&["verify"], &world.log("verifier.log")).unwrap();
	until_happened(&mut verifying, "verifying", 1).await;
	digits::register(&registrar, &digits, |_| ()).await.expect("version 0 is accepted");
	let (model, card) = (digits.model.as_str(), digits::file("card.json"));

	let set = registrar.result(&["card", "set", model, &card]).await.unwrap();
	assert!(set["receipt"].is_object(), "{set}");
	let again = registrar.result(&["card", "set", model, &card]).await.unwrap();
	assert!(again["receipt"].is_null(), "{again}");

	// Somebody else gets it from a peer, and reads it wherever the model is shown.
	let reader = apart("reader", "//Eve").with(&["--bootstrap", &address]);
	let shown = reader.result(&["card", "show", model]).await.unwrap();
	assert_eq!(shown["blob"], set["card"]);
	let titles = ["/card/card/title", "/card/card/title", "/card/title"];
	for (command, title) in
		[&["model", "list"][..], &["model", "show", model], &["card", "show", model]].iter().zip(titles)
	{
		let shown = reader.result(command).await.unwrap();
		assert_eq!(digits::text(&shown, title).unwrap(), "Handwritten digits");
	}

	// It is neither somebody else's to set, nor of another model.
	let text = std::fs::read_to_string(&card).unwrap();
	let other = world.log("other.json");
	std::fs::write(&other, text.replacen("Handwritten digits", "Somebody's digits", 1)).unwrap();
	let refused = reader.refusal(&["card", "set", model, &other.to_string_lossy()]).await.unwrap();
	assert!(refused.contains("CardOfAnother"), "{refused}");
	std::fs::write(&other, text.replacen("\"0\",", "", 1)).unwrap();
	let refused = registrar.refusal(&["card", "set", model, &other.to_string_lossy()]).await.unwrap();
	assert!(refused.contains("9 labels"), "{refused}");

	registrar.result(&["card", "remove", model]).await.unwrap();
	let refused = reader.refusal(&["card", "show", model]).await.unwrap();
	assert!(refused.contains("the model has no card"), "{refused}");
}
