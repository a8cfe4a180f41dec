//! What wallets and workers read.

use super::*;

#[test]
fn offers_are_listed_page_by_page() {
	run(|| {
		let offer = Inference::offer(PROVIDER).unwrap();
		(1_000..1_150).for_each(|who| Offers::<Test>::insert(who, offer.clone()));
		let first = Inference::offers(None);
		assert_eq!(first.len(), MAX_PAGE as usize);
		let second = Inference::offers(first.last().map(|(who, _)| *who));
		assert_eq!(second.len(), 151 - MAX_PAGE as usize);
		assert!(Inference::offers(second.last().map(|(who, _)| *who)).is_empty());
		let mut all = first.into_iter().chain(second).map(|(who, _)| who).collect::<Vec<_>>();
		all.sort_unstable();
		assert_eq!(all, [PROVIDER].into_iter().chain(1_000..1_150).collect::<Vec<_>>());
	});
}

#[test]
fn a_price_is_what_a_request_costs() {
	run(|| {
		assert_eq!(Inference::price(PROVIDER, model(), 1), Some(ONE.into()));
		let price = Price { per_request: 3, per_mmac: 1_000_000 };
		let models = vec![OfferedModel { model: model(), price }].try_into().unwrap();
		assert_ok!(Inference::set_offer(origin(PROVIDER), endpoint(), RECEIPT_KEY, models, TERMS, 8));
		// Eight multiply-accumulates an input.
		assert_eq!(Inference::price(PROVIDER, model(), 3), Some(3 + 24));
		let id = ask(3);
		assert_eq!(Inference::one_shot(id).unwrap().price, 27);
		assert_eq!(Inference::price(OTHER, model(), 1), None);
		assert_eq!(Inference::price(PROVIDER, [9; 32], 1), None);
	});
}

#[test]
fn what_the_court_takes_is_an_evaluation_and_a_comparison() {
	run(|| {
		assert_eq!(Inference::dispute_cost(model()), Some(Weight::from_parts(8 + 8, 0)));
		assert_eq!(Inference::dispute_cost([9; 32]), None);
	});
}

#[test]
fn what_is_not_there_is_nothing() {
	run(|| {
		assert!(Inference::offer(OTHER).is_none());
		assert_eq!(Inference::channel(0), None);
		assert_eq!(Inference::one_shot(0), None);
	});
}
