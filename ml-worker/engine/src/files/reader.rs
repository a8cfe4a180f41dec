//! What the file formats have in common.

use crate::EngineError;
use codec::Encode;
use oda_evaluator::Graph;
use safetensors::{Dtype, SafeTensors, View};
use serde::{Serialize, de::DeserializeOwned};
use std::{borrow::Cow, collections::HashMap, path::Path};
use tch::{Device, Kind, Tensor};

/// The metadata entry that all of ours have.
const KEY: &str = "oda";

/// The graph's hash in hexadecimal: BLAKE3 of its SCALE encoding.
pub(crate) fn graph_hash(graph: &Graph) -> String {
	blake3::hash(&graph.encode()).to_hex().to_string()
}

/// A tensor to write.
pub(crate) struct OwnedView {
	pub dtype: Dtype,
	pub shape: Vec<usize>,
	pub data: Vec<u8>,
}

impl OwnedView {
	/// A vector of doubles.
	pub(crate) fn doubles(values: &[f64]) -> Self {
		let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
		Self { dtype: Dtype::F64, shape: vec![values.len()], data }
	}

	/// An `f32` tensor.
	pub(crate) fn floats(tensor: &Tensor) -> Result<Self, EngineError> {
		let t = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
		let mut values = vec![0f32; t.numel()];
		t.f_copy_data(&mut values, t.numel())?;
		let shape = t.size().iter().map(|&d| d as usize).collect();
		Ok(Self { dtype: Dtype::F32, shape, data: values.iter().flat_map(|v| v.to_le_bytes()).collect() })
	}

	/// Bytes.
	pub(crate) fn bytes(data: Vec<u8>) -> Self {
		Self { dtype: Dtype::U8, shape: vec![data.len()], data }
	}
}

impl View for OwnedView {
	fn dtype(&self) -> Dtype {
		self.dtype
	}

	fn shape(&self) -> &[usize] {
		&self.shape
	}

	fn data(&self) -> Cow<'_, [u8]> {
		Cow::Borrowed(&self.data)
	}

	fn data_len(&self) -> usize {
		self.data.len()
	}
}

/// A file's bytes.
pub(crate) fn serialise(
	tensors: Vec<(String, OwnedView)>,
	metadata: &impl Serialize,
) -> Result<Vec<u8>, EngineError> {
	let metadata = serde_json::to_string(metadata).map_err(|_| EngineError::Metadata { key: KEY })?;
	Ok(safetensors::serialize(tensors, Some(HashMap::from([(KEY.to_string(), metadata)])))?)
}

/// Writes a file so that after a crash there is the old one or the new one, never half of one.
pub(crate) fn write(
	path: &Path,
	tensors: Vec<(String, OwnedView)>,
	metadata: &impl Serialize,
) -> Result<(), EngineError> {
	let bytes = serialise(tensors, metadata)?;
	let io = |source| EngineError::Io { path: path.to_path_buf(), source };
	oda_files::replace(path, 0o600, &bytes[..]).map_err(io)
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, EngineError> {
	std::fs::read(path).map_err(|source| EngineError::Io { path: path.to_path_buf(), source })
}

/// A file being read: tensors are taken out by name, and nothing may be left.
pub(crate) struct Reader<'a> {
	tensors: SafeTensors<'a>,
	taken: Vec<String>,
	metadata: Option<String>,
}

impl<'a> Reader<'a> {
	pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, EngineError> {
		let tensors = SafeTensors::deserialize(bytes)?;
		let (_, header) = SafeTensors::read_metadata(bytes)?;
		let metadata = header.metadata().as_ref().and_then(|m| m.get(KEY)).cloned();
		Ok(Self { tensors, taken: Vec::new(), metadata })
	}

	/// Our metadata.
	pub(crate) fn metadata<T: DeserializeOwned>(&self) -> Result<T, EngineError> {
		let text = self.metadata.as_ref().ok_or(EngineError::Metadata { key: KEY })?;
		serde_json::from_str(text).map_err(|_| EngineError::Metadata { key: KEY })
	}

	/// The bytes of tensor `name`, which has to have this type and, if given, this shape.
	pub(crate) fn take(
		&mut self,
		name: &str,
		dtype: Dtype,
		shape: Option<&[usize]>,
	) -> Result<&'a [u8], EngineError> {
		let view =
			self.tensors.tensor(name).map_err(|_| EngineError::MissingTensor { name: name.to_string() })?;
		if view.dtype() != dtype {
			return Err(EngineError::TensorDtype {
				name: name.to_string(),
				expected: format!("{dtype:?}"),
				found: format!("{:?}", view.dtype()),
			});
		}
		if let Some(shape) = shape
			&& view.shape() != shape
		{
			return Err(EngineError::TensorShape {
				name: name.to_string(),
				expected: shape.to_vec(),
				found: view.shape().to_vec(),
			});
		}
		self.taken.push(name.to_string());
		Ok(view.data())
	}

	/// Finite `f32`s.
	pub(crate) fn floats(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EngineError> {
		let bytes = self.take(name, Dtype::F32, Some(shape))?;
		let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|w| f32::from_le_bytes(*w)).collect();
		match values.iter().all(|v| v.is_finite()) {
			true => Ok(values),
			false => Err(EngineError::TensorValue { name: name.to_string() }),
		}
	}

	/// Finite `f64`s.
	pub(crate) fn doubles(&mut self, name: &str, len: usize) -> Result<Vec<f64>, EngineError> {
		let bytes = self.take(name, Dtype::F64, Some(&[len]))?;
		let values: Vec<f64> = bytes.as_chunks::<8>().0.iter().map(|w| f64::from_le_bytes(*w)).collect();
		match values.iter().all(|v| v.is_finite()) {
			true => Ok(values),
			false => Err(EngineError::TensorValue { name: name.to_string() }),
		}
	}

	/// That every tensor was taken.
	pub(crate) fn finish(&self) -> Result<(), EngineError> {
		match self.tensors.names().into_iter().find(|name| !self.taken.iter().any(|t| t == name)) {
			Some(name) => Err(EngineError::UnknownTensor { name: name.to_string() }),
			None => Ok(()),
		}
	}
}
