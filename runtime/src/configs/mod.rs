//! The configuration of every pallet, by theme.

pub mod consensus;
pub mod protocol;
pub mod stakes;
pub mod system;
pub mod tokens;
