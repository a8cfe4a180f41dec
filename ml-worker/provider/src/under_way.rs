//! Which versions requests that were promised something for wait for.

use crate::queue::Key;
use std::{
	collections::HashMap,
	sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many requests wait for each version. Clones count together.
#[derive(Clone, Default)]
pub(crate) struct UnderWay(Arc<Mutex<HashMap<Key, usize>>>);

impl UnderWay {
	/// Counts a request until the result is dropped.
	pub(crate) fn begin(&self, key: Key) -> Waiting {
		let mut all = self.all();
		let count = all.entry(key).or_default();
		*count = count.saturating_add(1);
		drop(all);
		Waiting { of: self.clone(), key }
	}

	/// Whether any request waits for a version.
	pub(crate) fn has(&self, key: &Key) -> bool {
		self.all().contains_key(key)
	}

	fn all(&self) -> MutexGuard<'_, HashMap<Key, usize>> {
		self.0.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

/// A request that waits for a version.
pub(crate) struct Waiting {
	of: UnderWay,
	key: Key,
}

impl Drop for Waiting {
	fn drop(&mut self) {
		let mut all = self.of.all();
		if let Some(count) = all.get_mut(&self.key) {
			*count = count.saturating_sub(1);
			if *count == 0 {
				all.remove(&self.key);
			}
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_version_is_waited_for_until_the_last_request_has_ended() {
		let (under_way, key) = (UnderWay::default(), ([1; 32], 3));
		let first = under_way.begin(key);
		let second = under_way.clone().begin(key);
		drop(first);
		assert!(under_way.has(&key) && !under_way.has(&([1; 32], 4)));
		drop(second);
		assert!(!under_way.has(&key));
	}
}
