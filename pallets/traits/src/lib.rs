//! The borders between the pallets, one a file.
//!
//! A pallet knows another only through one of these traits in its `Config`: it says what it needs, not who
//! gives it. Protocol time is not among them, because `Get<Tick>` already says it.
//!
//! * [`lineage`]: what `inference` needs of whoever keeps the models (`model-registry`): who earns from them;
//! * [`models`]: what `training` and `inference` need of whoever keeps the models (`model-registry`);
//! * [`committees`]: what a pallet with claims needs of whoever re-runs them (`verification`);
//! * [`evidence`]: what the pallets tell whoever listens to what accounts do (`reputation`);
//! * [`heads`]: what `training` needs of whoever keeps heads available (`storage-deals`), and that of the models;
//! * [`payments`]: what pallets tell whoever mints about what users paid (`emission`);
//! * [`stakes`]: what pallets need of whoever holds stakes (`staking`), and who is told when they change;
//! * [`tiers`]: what pallets need of whoever knows how far accounts have come (`reputation`), and who is told
//!   when it changes;
//! * [`peers`]: what `storage-deals` needs of whoever binds peers to accounts (`peers`).

#![cfg_attr(not(feature = "std"), no_std)]
#![allow(clippy::cast_possible_truncation, reason = "what the `Encode` derive makes of `codec(index)`")]

extern crate alloc;

pub mod committees;
pub mod evidence;
pub mod heads;
pub mod lineage;
pub mod models;
pub mod payments;
pub mod peers;
pub mod stakes;
pub mod tiers;

pub use committees::{Committees, Ending, TaskStatus, Work};
pub use evidence::{Deed, Evidence};
pub use heads::{Heads, OpenModels};
pub use lineage::Lineage;
pub use models::{ModelStatus, Models, Standing, Version};
pub use payments::Payments;
pub use peers::{PeerKey, Peers};
pub use stakes::{AmountOf, OwnStakes, RewardOf, Rewards, Role, StakeWatcher, Stakes};
pub use tiers::{Tier, TierWatcher, Tiers};
