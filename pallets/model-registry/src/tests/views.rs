//! View functions.

use super::*;
use crate::MAX_PAGE;

#[test]
fn a_page_of_models_goes_on_after_the_last_one_and_holds_the_limit() {
	run(|| {
		for records in 1..=5 {
			assert_ok!(register(ALICE, records));
		}
		let first = Registry::models(None, 3);
		assert_eq!(first.len(), 3);
		let rest = Registry::models(Some(first[2].0), 3);
		assert_eq!(rest.len(), 2);
		let mut ids: Vec<_> = first.iter().chain(&rest).map(|(id, _)| *id).collect();
		ids.sort();
		ids.dedup();
		assert_eq!(ids.len(), 5);
		assert!(Registry::models(None, 0).is_empty());
		assert!(Registry::models(Some(rest[1].0), 3).is_empty());
	});
}

#[test]
fn a_page_of_versions_holds_the_limit_and_ends_at_the_last() {
	run(|| {
		let model = active();
		for score in 11..=(11 + i64::from(MAX_PAGE)) {
			assert_ok!(accept(model, BOB, score));
		}
		assert_eq!(Registry::versions(model, 0, u32::MAX).len(), MAX_PAGE as usize);
		assert_eq!(Registry::versions(model, MAX_PAGE, u32::MAX).len(), 2);
		assert_eq!(Registry::versions(model, 1, 1), vec![(1, replacing(0, version(BOB, 11)))]);
		assert!(Registry::versions(model, u32::MAX, 9).is_empty());
		assert!(Registry::versions([9; 32], 0, 9).is_empty());
	});
}

#[test]
fn views_of_what_does_not_exist_are_none() {
	run(|| {
		assert_eq!(Registry::model([9; 32]), None);
		assert_eq!(Registry::spec([9; 32]), None);
		assert_eq!(Registry::version([9; 32], 0), None);
		assert_eq!(Registry::head([9; 32]), None);
		let model = pending();
		assert_eq!(Registry::model(model), Some(stored(model)));
		assert_eq!(Registry::head(model), None);
	});
}
