//! safetensors files.
//!
//! * [`export_weights`] and [`import_weights`]: a weights blob as named tensors `param.{i}`, in their integer
//!   types, for other tools;
//! * [`save_float`] and [`load_float`]: a float model with its scales, to go on training elsewhere.
//!
//! Every file names its graph by hash, and one for another graph is refused. The metadata is one entry, so
//! that a file's bytes follow from its content.

mod float;
mod integer;
mod reader;

pub(crate) use float::{float_tensors, take_float};
pub use float::{load_float, save_float};
pub use integer::{export_weights, import_weights};
pub(crate) use reader::{OwnedView, Reader, graph_hash, write};
