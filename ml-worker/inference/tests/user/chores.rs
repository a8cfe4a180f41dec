//! What is done about channels when nobody asks.

use crate::{
	fake_chain::{GRACE, RECEIPTS},
	fake_provider::{Act, PRICE},
	world::{World, question},
};
use oda_inference::{ChannelStatus, Chore, PayError, Verdict};
use oda_primitives::inference::ChannelId;
use std::time::Duration;

/// A user that was answered once.
async fn answered() -> World {
	let world = World::new().await;
	world.ask(&question(1)).await.unwrap();
	world
}

/// What is to be done, and does it.
async fn tended(world: &World) -> Vec<(ChannelId, Chore)> {
	let chores = world.payer().chores().await.unwrap();
	for (channel, chore) in &chores {
		world.payer().see_to(*channel, *chore).await.unwrap();
	}
	chores
}

#[tokio::test]
async fn a_channel_that_pays_is_left_alone() {
	assert!(tended(&answered().await).await.is_empty());
}

#[tokio::test]
async fn a_stopped_channel_is_closed_finished_removed_and_forgotten() {
	let world = World::new().await;
	world.provider.will([Act::Withhold]);
	world.wrong().await;
	assert_eq!(tended(&world).await, [(1, Chore::Close)]);
	assert_eq!(world.chain.only().state, ChannelStatus::Closing { at: 100 + GRACE });
	assert!(tended(&world).await.is_empty());
	world.chain.state().tick = 100 + GRACE;
	assert_eq!(tended(&world).await, [(1, Chore::Finish)]);
	let until = 100 + GRACE + RECEIPTS;
	assert_eq!(world.chain.only().state, ChannelStatus::Closed { until });
	world.chain.state().tick = until - 1;
	assert!(tended(&world).await.is_empty());
	world.chain.state().tick = until;
	assert_eq!(tended(&world).await, [(1, Chore::Remove)]);
	assert!(world.chain.state().channels.is_empty() && world.wallet().records().unwrap().is_empty());
	assert!(tended(&world).await.is_empty());
}

#[tokio::test]
async fn a_channel_whose_term_has_passed_is_finished_whether_or_not_the_wallet_knows_it() {
	let world = answered().await;
	world.chain.state().tick = world.chain.only().expires_at;
	std::fs::remove_dir_all(world.folder.path()).unwrap();
	assert_eq!(tended(&world).await, [(1, Chore::Finish)]);
	world.chain.state().tick += RECEIPTS;
	assert_eq!(tended(&world).await, [(1, Chore::Remove)]);
}

#[tokio::test]
async fn a_provider_whose_output_is_known_to_be_wrong_is_not_paid_again() {
	let world = answered().await;
	world.payer().dispute(1, 1, 0).await.unwrap();
	let record = world.record();
	assert_eq!(
		(record.accused.len(), record.stopped.as_deref()),
		(0, Some("output 0 of request 1 is wrong"))
	);
	assert!(world.ask(&question(2)).await.unwrap_err().to_string().contains("is stopped"));
	assert_eq!(tended(&world).await, [(1, Chore::Close)]);
}

#[tokio::test]
async fn a_dispute_that_was_cut_off_is_seen_through_by_whoever_comes_next() {
	let world = answered().await;
	world.chain.state().verdict = None;
	assert!(matches!(world.payer().dispute(1, 1, 0).await, Err(PayError::Chain(_))));
	world.chain.state().verdict = Some(Verdict::Wrong);
	let dispute = (1, Chore::Dispute { nonce: 1, index: 0 });
	assert_eq!(tended(&world).await, [dispute, (1, Chore::Close)]);
	let evidence = world.chain.state().disputes.clone();
	assert_eq!(evidence.len(), 2);
	assert_eq!(evidence[0], evidence[1]);
	// Somebody else who had it on a list does not pay a second bond.
	world.payer().see_to(1, dispute.1).await.unwrap();
	assert_eq!(world.chain.state().disputes.len(), 2);
}

#[tokio::test]
async fn an_accusation_is_kept_and_listed_until_the_court_has_judged() {
	let world = answered().await;
	assert!(world.payer().disputes().await.unwrap().is_empty());
	world.payer().accuse(1, 1, 0).await.unwrap();
	assert!(world.chain.state().disputes.is_empty());
	let dispute = (1, Chore::Dispute { nonce: 1, index: 0 });
	assert_eq!(world.payer().disputes().await.unwrap(), [dispute]);
	world.payer().see_to(1, dispute.1).await.unwrap();
	assert!(world.payer().disputes().await.unwrap().is_empty());
	assert_eq!(world.chain.state().disputes.len(), 1);
}

#[tokio::test]
async fn a_dispute_that_takes_long_keeps_nobody_from_the_channel() {
	let world = answered().await;
	world.chain.state().verdict = None;
	world.payer().dispute(1, 1, 0).await.unwrap_err();
	let wallet = world.wallet();
	let _under_way = wallet.court(1, Duration::ZERO).await.unwrap();
	world.payer().see_to(1, Chore::Close).await.unwrap();
	assert_eq!(world.chain.only().state, ChannelStatus::Closing { at: 100 + GRACE });
}

#[tokio::test]
async fn a_bond_is_lost_once() {
	let world = answered().await;
	world.chain.state().verdict = Some(Verdict::Right);
	let error = world.payer().dispute(1, 1, 0).await.unwrap_err();
	assert!(matches!(error, PayError::FoundRight { channel: 1, nonce: 1, index: 0 }), "{error}");
	assert!(world.record().accused.is_empty());
}

#[tokio::test]
async fn a_receipt_that_is_evidence_no_more_is_given_up() {
	let world = answered().await;
	world.chain.state().verdict = Some(Verdict::TooLate);
	let error = world.payer().dispute(1, 1, 0).await.unwrap_err();
	assert!(matches!(error, PayError::TooLate { channel: 1, nonce: 1 }), "{error}");
	assert!(world.record().accused.is_empty());
}

#[tokio::test]
async fn nobody_is_accused_of_what_cannot_be_shown() {
	let world = answered().await;
	assert!(matches!(world.payer().dispute(1, 1, 5).await, Err(PayError::NoInput(5))));
	let record = world.record();
	assert!(record.accused.is_empty() && record.stopped.is_none());
	assert_eq!(record.spent, PRICE);
}

#[tokio::test]
async fn a_closed_channels_answers_are_disputed_until_it_may_be_removed() {
	let world = answered().await;
	world.chain.state().verdict = None;
	world.payer().dispute(1, 1, 0).await.unwrap_err();
	world.chain.state().channels.get_mut(&1).unwrap().state = ChannelStatus::Closed { until: 150 };
	let dispute = (1, Chore::Dispute { nonce: 1, index: 0 });
	assert_eq!(world.payer().chores().await.unwrap(), [dispute]);
	world.chain.state().tick = 150;
	assert_eq!(world.payer().chores().await.unwrap(), [(1, Chore::Remove)]);
}
