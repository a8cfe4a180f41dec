//! The features of the chain's third-party packages, the same whatever is built.
//!
//! There is no code here; `scripts/features.py` writes the manifest, and `CONTRIBUTING.md` says when.

#![no_std]
