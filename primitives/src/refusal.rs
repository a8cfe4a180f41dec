//! The codes with which calls without a signature are refused, as `InvalidTransaction::Custom`.
//!
//! All pallets share its one byte: each pallet's codes begin at a number of its own, and a code is that number plus the
//! index of the pallet's error.

/// Where the codes of `pallet-verification` begin: of `commit` and `open`.
pub const VERIFICATION: u8 = 64;

/// Where the codes of `pallet-training` begin: of `challenge`, `post_weights`, `settle` and `revert`.
pub const TRAINING: u8 = 192;
