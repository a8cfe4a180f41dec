//! What the end-to-end scenarios and the demo share: real node and worker processes, in folders of their
//! own, that end with their owner.

pub mod digits;
pub mod lan;
pub mod machine;
pub mod network;
pub mod node;
pub mod process;
pub mod skipped;
pub mod worker;

pub use network::Network;
pub use node::Node;
pub use process::Process;
pub use skipped::skipped;
pub use worker::Worker;
