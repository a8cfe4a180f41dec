//! Reputation: points for what the chain has seen accounts do, tiers, suspension and the way back.

#![cfg_attr(not(feature = "std"), no_std)]
