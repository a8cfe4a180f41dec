//! What people can ask.

use super::*;

#[test]
fn the_views_tell_what_is_minted_and_what_comes() {
	run(|| {
		assert_eq!((Emission::rate(), Emission::next_halving()), (DUE / PERIOD, Some(HALVING)));
		pass(HALVING - 1);
		assert_eq!((Emission::rate(), Emission::next_halving()), (DUE / PERIOD, Some(1)));
		tick();
		assert_eq!((Emission::rate(), Emission::next_halving()), (DUE / PERIOD / 2, Some(HALVING)));
		assert_eq!(Emission::minted(), Minted::<Test>::get());
		assert_eq!(Emission::per_block(), PerBlock::<Test>::get());
		assert_eq!(Emission::pots(), Pot::ALL.map(|each| (each, pot(each))).to_vec());
	});
}

#[test]
fn before_the_start_the_way_to_it_counts() {
	ext_from(25).execute_with(|| {
		pass(5);
		assert_eq!(Emission::next_halving(), Some(20 + HALVING));
	});
	ext_from(u64::MAX).execute_with(|| {
		pass(5);
		assert_eq!(Emission::next_halving(), Some(u64::MAX));
	});
}
