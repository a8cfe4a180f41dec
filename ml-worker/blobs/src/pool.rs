//! Buffers of one size that are used again, so that the system need not hand out and clear memory each time.

use std::{
	ops::{Deref, DerefMut},
	sync::{Mutex, PoisonError},
};

/// Bytes of a buffer.
pub(crate) const BUFFER_LEN: usize = 256 << 10;

/// Most buffers kept: 8 MiB.
const KEPT: usize = 32;

static POOL: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// A buffer of [`BUFFER_LEN`] bytes, with whatever was in it before.
#[derive(Debug)]
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
	pub(crate) fn new() -> Self {
		let kept = POOL.lock().unwrap_or_else(PoisonError::into_inner).pop();
		Self(kept.unwrap_or_else(|| vec![0; BUFFER_LEN]))
	}
}

impl Drop for Buffer {
	fn drop(&mut self) {
		let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
		if pool.len() < KEPT {
			pool.push(std::mem::take(&mut self.0));
		}
	}
}

impl Deref for Buffer {
	type Target = [u8];

	fn deref(&self) -> &[u8] {
		&self.0
	}
}

impl DerefMut for Buffer {
	fn deref_mut(&mut self) -> &mut [u8] {
		&mut self.0
	}
}
