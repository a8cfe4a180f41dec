//! Between bytes, the evaluator's tensors and libtorch's.

use crate::EngineError;
use oda_evaluator::{
	Tensor,
	graph::{DType, TensorType},
};
use tch::{Device, Kind, Tensor as Torch};

/// The libtorch type that holds `dtype` without loss; `U16` lives in 32 bits.
pub(crate) fn kind(dtype: DType) -> Kind {
	match dtype {
		DType::I8 => Kind::Int8,
		DType::U8 => Kind::Uint8,
		DType::I16 => Kind::Int16,
		DType::U16 | DType::I32 => Kind::Int,
	}
}

/// `[n, shape..]`.
pub(crate) fn batch_shape(n: i64, shape: &[u32]) -> Vec<i64> {
	core::iter::once(n).chain(shape.iter().map(|&d| i64::from(d))).collect()
}

/// `n` tensors of type `t`, one after the other, as one tensor `[n, shape..]`.
pub(crate) fn from_bytes(t: &TensorType, n: i64, bytes: &[u8], device: Device) -> Result<Torch, EngineError> {
	let shape = batch_shape(n, &t.shape);
	let tensor = match t.dtype {
		DType::U16 => {
			let words: Vec<i32> =
				bytes.as_chunks::<2>().0.iter().map(|w| i32::from(u16::from_le_bytes(*w))).collect();
			Torch::f_from_slice(&words)?.f_reshape(shape)?
		}
		// Little-endian machines only, as libtorch itself.
		dtype => Torch::f_from_data_size(bytes, &shape, kind(dtype))?,
	};
	Ok(tensor.f_to_device(device)?)
}

/// A batch `[n, ..]` cut into one evaluator tensor a record.
pub(crate) fn to_records(batch: &Torch, dtype: DType, n: usize) -> Result<Vec<Tensor>, EngineError> {
	let batch = batch.f_to_device(Device::Cpu)?.f_contiguous()?;
	let len = batch.numel();
	fn read<T: tch::kind::Element + Copy + Default>(
		batch: &Torch,
		len: usize,
	) -> Result<Vec<T>, EngineError> {
		let mut values = vec![T::default(); len];
		batch.f_copy_data(&mut values, len)?;
		Ok(values)
	}
	let whole = match dtype {
		DType::I8 => Tensor::I8(read(&batch, len)?),
		DType::U8 => Tensor::U8(read(&batch, len)?),
		DType::I16 => Tensor::I16(read(&batch, len)?),
		DType::U16 => Tensor::U16(read::<i32>(&batch, len)?.into_iter().map(|w| w as u16).collect()),
		DType::I32 => Tensor::I32(read(&batch, len)?),
	};
	Ok(whole.split(len / n.max(1)))
}
