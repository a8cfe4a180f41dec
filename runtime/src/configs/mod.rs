//! The configuration of every pallet, by theme.

pub mod consensus;
pub mod governance;
pub mod protocol;
pub mod reputation;
pub mod stakes;
pub mod system;
pub mod tokens;
