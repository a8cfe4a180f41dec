//! The keys of sessions, and who validates until candidates are elected.

use crate::*;
use frame_support::weights::Weight;
use pallet_oda_staking::{CurrentSession, Elected, ElectedOf, Exposure};
use sp_runtime::{impl_opaque_keys, traits::Zero};

// The macro generates items without documentation.
#[allow(missing_docs)]
mod keys {
	use super::*;
	impl_opaque_keys! {
		/// The keys of version 1.
		pub struct TwoKeys {
			pub babe: Babe,
			pub grandpa: Grandpa,
		}
	}
}

/// Gives each validator a third key, which is the bytes of its first until it sets another, and the staking those who
/// validate: they stay until enough candidates can be elected.
pub(super) fn migrate() -> Weight {
	Session::upgrade_keys::<keys::TwoKeys, _>(|_, old| SessionKeys {
		babe: old.babe.clone(),
		grandpa: old.grandpa,
		im_online: sp_core::sr25519::Public::from(old.babe).into(),
	});
	let session = Session::current_index();
	let validators = Session::validators();
	let touched = u64::try_from(validators.len()).unwrap_or(u64::MAX);
	let nothing = Exposure { stake: Balance::zero() };
	let elected: Vec<_> = validators.into_iter().map(|who| (who, nothing)).collect();
	let elected = ElectedOf::<Runtime>::truncate_from(elected);
	CurrentSession::<Runtime>::put(session);
	Elected::<Runtime>::insert(session, &elected);
	Elected::<Runtime>::insert(session.saturating_add(1), elected);
	// The entry of each validator, and the owners of two keys of before and of three now.
	let writes = touched.saturating_mul(6).saturating_add(4);
	<Runtime as frame_system::Config>::DbWeight::get().reads_writes(writes, writes)
}
