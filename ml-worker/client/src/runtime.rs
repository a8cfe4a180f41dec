//! What the chain's metadata says, as Rust; made from `metadata.scale` at compile time.
//!
//! Types that the chain shares with the worker are the shared crates' own.

#[subxt::subxt(
	runtime_metadata_path = "metadata.scale",
	derive_for_type(
		path = "oda_runtime::construct::RuntimeError",
		derive = "Clone, PartialEq, Eq",
		recursive
	),
	substitute_type(
		path = "oda_evaluator::model::ModelSpec",
		with = "::subxt::utils::Static<::oda_evaluator::ModelSpec>"
	),
	substitute_type(
		path = "oda_evaluator::cost::Cost",
		with = "::subxt::utils::Static<::oda_evaluator::Cost>"
	),
	substitute_type(
		path = "oda_primitives::blob::BlobRef",
		with = "::subxt::utils::Static<::oda_primitives::BlobRef>"
	),
	substitute_type(
		path = "oda_primitives::proof::RangeProof",
		with = "::subxt::utils::Static<::oda_primitives::RangeProof>"
	),
	substitute_type(
		path = "oda_primitives::id::TaskId",
		with = "::subxt::utils::Static<::oda_primitives::TaskId>"
	),
	substitute_type(
		path = "oda_primitives::message::Verdict",
		with = "::subxt::utils::Static<::oda_primitives::Verdict>"
	),
	substitute_type(
		path = "oda_primitives::hash::Finding",
		with = "::subxt::utils::Static<::oda_primitives::hash::Finding>"
	),
	substitute_type(
		path = "oda_primitives::inference::Voucher",
		with = "::subxt::utils::Static<::oda_primitives::Voucher>"
	),
	substitute_type(
		path = "oda_primitives::inference::Closing",
		with = "::subxt::utils::Static<::oda_primitives::Closing>"
	),
	substitute_type(
		path = "oda_primitives::inference::Receipt",
		with = "::subxt::utils::Static<::oda_primitives::Receipt>"
	),
	substitute_type(
		path = "oda_primitives::inference::Payment",
		with = "::subxt::utils::Static<::oda_primitives::Payment>"
	),
	substitute_type(
		path = "oda_primitives::inference::Price",
		with = "::subxt::utils::Static<::oda_primitives::inference::Price>"
	),
	substitute_type(
		path = "oda_primitives::outputs::OutputProof",
		with = "::subxt::utils::Static<::oda_primitives::OutputProof>"
	)
)]
mod generated {}

pub use generated::*;
