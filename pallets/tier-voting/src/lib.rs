//! Votes by tier on the polls of referenda, with delegation by track.

#![cfg_attr(not(feature = "std"), no_std)]
