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
pub(crate) struct Rootless(BasicExternalities);

impl Rootless {
	/// From what genesis is.
	pub(crate) fn new(storage: Storage) -> Self {
		Self(BasicExternalities::new(storage))
	}

	/// Runs `run` on it.
	pub(crate) fn execute_with<R>(&mut self, run: impl FnOnce() -> R) -> R {
		set_and_run_with_externalities(self, run)
	}
}

/// Methods that are those of the state within.
macro_rules! within {
	($(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
		$(fn $name(&mut self, $($argument: $type),*) $(-> $result)? {
			self.0.$name($($argument),*)
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
		fn clear_prefix(prefix: &[u8], limit: Option<u32>, from: Option<&[u8]>) -> MultiRemovalResults;
		fn clear_child_prefix(child: &ChildInfo, prefix: &[u8], limit: Option<u32>, from: Option<&[u8]>) -> MultiRemovalResults;
		fn place_storage(key: Vec<u8>, value: Option<Vec<u8>>);
		fn place_child_storage(child: &ChildInfo, key: Vec<u8>, value: Option<Vec<u8>>);
		fn storage_append(key: Vec<u8>, value: Vec<u8>);
		fn storage_start_transaction();
		fn storage_rollback_transaction() -> Result<(), ()>;
		fn storage_commit_transaction() -> Result<(), ()>;
		fn wipe();
		fn commit();
		fn reset_read_write_count();
		fn set_whitelist(keys: Vec<TrackedStorageKey>);
	}

	fn storage_root(&mut self, _: StateVersion) -> Vec<u8> {
		vec![0; 32]
	}

	fn child_storage_root(&mut self, _: &ChildInfo, _: StateVersion) -> Vec<u8> {
		vec![0; 32]
	}

	fn read_write_count(&self) -> (u32, u32, u32, u32) {
		self.0.read_write_count()
	}

	fn get_whitelist(&self) -> Vec<TrackedStorageKey> {
		self.0.get_whitelist()
	}

	fn get_read_and_written_keys(&self) -> Vec<(Vec<u8>, u32, u32, bool)> {
		self.0.get_read_and_written_keys()
	}
}
