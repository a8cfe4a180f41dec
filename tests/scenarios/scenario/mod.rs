//! The scenarios, under a name by which they can be left out.

mod blobs;
mod card;
mod demand;
mod demo;
mod disk;
mod finality;
mod heal;
mod inference;
mod keeper;
mod killed;
mod network;
mod refused;
mod restart;
mod roles;
mod soak;
mod throughput;
mod validators;
mod wrong_answer;
