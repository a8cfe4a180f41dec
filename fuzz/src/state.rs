//! A chain's state without its trie.

use polkadot_sdk::{
	sp_core::storage::{ChildInfo, StateVersion, TrackedStorageKey},
	sp_externalities::{
		Error, Extension, ExtensionStore, Externalities, MultiRemovalResults, set_and_run_with_externalities,
	},
	sp_runtime::Storage,
	sp_state_machine::BasicExternalities,
};
use std::any::{Any, TypeId};

/// State whose root is always nothing: it would cost two fifths of the time, and no call looks at it.
pub(crate) struct Rootless {
	state: BasicExternalities,
	/// What the keys that are watched begin with.
	watched: [u8; 16],
	touched: bool,
}

impl Rootless {
	/// From what genesis is, watching keys that begin so.
	pub(crate) fn new(storage: Storage, watched: [u8; 16]) -> Self {
		Self { state: BasicExternalities::new(storage), watched, touched: false }
	}

	/// Runs `run` on it.
	pub(crate) fn execute_with<R>(&mut self, run: impl FnOnce() -> R) -> R {
		set_and_run_with_externalities(self, run)
	}

	/// Runs `run`, and undoes what it did to the state.
	pub(crate) fn undone<R>(&mut self, run: impl FnOnce(&mut Self) -> R) -> R {
		self.touched = false;
		self.state.storage_start_transaction();
		let result = run(self);
		self.state.storage_rollback_transaction().expect("as many transactions end as begin");
		result
	}

	/// Whether a watched key may have been written since [`Self::undone`] began.
	pub(crate) fn touched(&self) -> bool {
		self.touched
	}

	fn note(&mut self, key: &[u8]) {
		self.touched |= key.starts_with(&self.watched) || self.watched.starts_with(key);
	}
}

/// Methods that are those of the state within.
macro_rules! within {
	($(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
		$(fn $name(&mut self, $($argument: $type),*) $(-> $result)? {
			self.state.$name($($argument),*)
		})*
	};
}

impl ExtensionStore for Rootless {
	within! {
		fn extension_by_type_id(id: TypeId) -> Option<&mut dyn Any>;
		fn register_extension_with_type_id(id: TypeId, extension: Box<dyn Extension>) -> Result<(), Error>;
		fn deregister_extension_by_type_id(id: TypeId) -> Result<(), Error>;
	}
}

impl Externalities for Rootless {
	within! {
		fn set_offchain_storage(key: &[u8], value: Option<&[u8]>);
		fn storage(key: &[u8]) -> Option<Vec<u8>>;
		fn storage_hash(key: &[u8]) -> Option<Vec<u8>>;
		fn child_storage_hash(child: &ChildInfo, key: &[u8]) -> Option<Vec<u8>>;
		fn child_storage(child: &ChildInfo, key: &[u8]) -> Option<Vec<u8>>;
		fn next_storage_key(key: &[u8]) -> Option<Vec<u8>>;
		fn next_child_storage_key(child: &ChildInfo, key: &[u8]) -> Option<Vec<u8>>;
		fn kill_child_storage(child: &ChildInfo, limit: Option<u32>, from: Option<&[u8]>) -> MultiRemovalResults;
		fn clear_child_prefix(child: &ChildInfo, prefix: &[u8], limit: Option<u32>, from: Option<&[u8]>) -> MultiRemovalResults;
		fn place_child_storage(child: &ChildInfo, key: Vec<u8>, value: Option<Vec<u8>>);
		fn storage_start_transaction();
		fn storage_rollback_transaction() -> Result<(), ()>;
		fn storage_commit_transaction() -> Result<(), ()>;
		fn wipe();
		fn commit();
		fn reset_read_write_count();
		fn set_whitelist(keys: Vec<TrackedStorageKey>);
	}

	fn clear_prefix(
		&mut self,
		prefix: &[u8],
		limit: Option<u32>,
		from: Option<&[u8]>,
	) -> MultiRemovalResults {
		self.note(prefix);
		self.state.clear_prefix(prefix, limit, from)
	}

	fn place_storage(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
		self.note(&key);
		self.state.place_storage(key, value);
	}

	fn storage_append(&mut self, key: Vec<u8>, value: Vec<u8>) {
		self.note(&key);
		self.state.storage_append(key, value);
	}

	fn storage_root(&mut self, _: StateVersion) -> Vec<u8> {
		vec![0; 32]
	}

	fn child_storage_root(&mut self, _: &ChildInfo, _: StateVersion) -> Vec<u8> {
		vec![0; 32]
	}

	fn read_write_count(&self) -> (u32, u32, u32, u32) {
		self.state.read_write_count()
	}

	fn get_whitelist(&self) -> Vec<TrackedStorageKey> {
		self.state.get_whitelist()
	}

	fn get_read_and_written_keys(&self) -> Vec<(Vec<u8>, u32, u32, bool)> {
		self.state.get_read_and_written_keys()
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use polkadot_sdk::sp_io::storage;

	const WATCHED: [u8; 16] = [7; 16];

	fn state() -> Rootless {
		let top = [(b"kept".to_vec(), vec![1]), (b"list".to_vec(), vec![4, 9])];
		Rootless::new(Storage { top: top.into(), children_default: Default::default() }, WATCHED)
	}

	#[test]
	fn what_a_run_does_is_undone() {
		let mut state = state();
		let was = |state: &mut Rootless| {
			["kept", "list", "new"].map(|key| state.execute_with(|| storage::get(key.as_bytes())))
		};
		let before = was(&mut state);
		let within = state.undone(|state| {
			state.execute_with(|| {
				storage::clear(b"kept");
				storage::append(b"list", vec![9]);
				storage::start_transaction();
				storage::set(b"new", &[1]);
				storage::commit_transaction();
			});
			was(state)
		});
		assert_eq!(
			within.map(|value| value.map(|bytes| bytes.to_vec())),
			[None, Some(vec![8, 9, 9]), Some(vec![1])]
		);
		assert_eq!(was(&mut state), before);
	}

	#[test]
	fn every_write_to_a_watched_key_is_noticed() {
		let mut state = state();
		let key = [&WATCHED[..], b"key"].concat();
		let writes: [(bool, &dyn Fn()); 6] = [
			(true, &|| storage::set(&key, &[1])),
			(true, &|| storage::clear(&key)),
			(true, &|| storage::append(&key, vec![1])),
			(true, &|| {
				storage::clear_prefix(&WATCHED[..3], None);
			}),
			(false, &|| storage::set(b"kept", &[2])),
			(false, &|| assert_eq!(storage::get(&key), None)),
		];
		for (number, (noticed, write)) in writes.into_iter().enumerate() {
			let touched = state.undone(|state| {
				state.execute_with(write);
				state.touched()
			});
			assert_eq!(touched, noticed, "{number}");
		}
	}
}
