//! Pictures: from a PNG to the pixels that a model takes.

#![allow(
	clippy::arithmetic_side_effects,
	reason = "a picture has at most 2²² pixels, and so has the frame that it is fitted into"
)]

use crate::Resize;
use oda_evaluator::limits::MAX_TENSOR_BYTES;
use png::{ColorType, Decoder, DecodingError, Limits, Transformations};
use std::{fmt, io::Cursor};

/// The most pixels of a picture: as many as the largest tensor has elements.
pub const MAX_PIXELS: u64 = MAX_TENSOR_BYTES;
/// The most bytes of a PNG file.
pub const MAX_FILE_BYTES: usize = 32 << 20;
/// What decoding may allocate beside the pixels.
const DECODER_BYTES: usize = 32 << 20;

/// How a PNG file begins.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Why a picture cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
	/// The file is too long.
	#[error("a picture's file has at most {MAX_FILE_BYTES} bytes; this has {0}")]
	FileTooLong(usize),
	/// It is no PNG.
	#[error("this file is no PNG")]
	NoPng,
	/// It says that it is a PNG, and cannot be decoded.
	#[error("the PNG is damaged: {0}")]
	Damaged(#[from] DecodingError),
	/// It has several frames, of which none is the one that is asked about.
	#[error("the PNG is animated; a model is asked with one picture")]
	Animated,
	/// It has too many pixels.
	#[error("a picture has at most {MAX_PIXELS} pixels; this has {0}")]
	TooManyPixels(Size),
	/// It has not the model's size, and is not to be resized.
	#[error("this model takes pictures of {wanted} pixels, not of {given}")]
	AnotherSize {
		/// What the model takes.
		wanted: Size,
		/// What the picture has.
		given: Size,
	},
}

/// Width and height, in pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size(pub u32, pub u32);

impl fmt::Display for Size {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{} × {}", self.0, self.1)
	}
}

/// What a picture is fitted into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
	/// Pixels from left to right.
	pub(crate) width: u32,
	/// Pixels from top to bottom.
	pub(crate) height: u32,
	/// 1: grey; 3: red, green, blue; 4: these and opacity.
	pub(crate) channels: u8,
}

/// A decoded picture, 8 bits a channel.
struct Picture {
	width: u32,
	height: u32,
	color: ColorType,
	data: Vec<u8>,
}

/// The channels of a PNG's pixels in a model's frame, row by row.
///
/// Of 16 bits a channel the upper 8 are used, palettes and fewer bits are expanded; colour profiles and gamma are not
/// looked at. A model without opacity sees the picture on white, one of grey its luma `(77 R + 150 G + 29 B + 128) >> 8`.
pub(crate) fn pixels(file: &[u8], frame: Frame, resize: Resize) -> Result<Vec<u8>, PictureError> {
	let picture = decode(file)?;
	let (wanted, given) = (Size(frame.width, frame.height), Size(picture.width, picture.height));
	let same = wanted == given;
	if resize == Resize::Exact && !same {
		return Err(PictureError::AnotherSize { wanted, given });
	}
	let channels = usize::from(frame.channels);
	let places = (0..frame.height).flat_map(|y| (0..frame.width).map(move |x| (x, y)));
	let mut pixels = Vec::new();
	for (x, y) in places {
		let pixel = match resize {
			_ if same => picture.pixel(x, y, channels),
			Resize::Area => picture.average(x, y, frame),
			_ => picture.pixel(
				nearest(x, frame.width, picture.width),
				nearest(y, frame.height, picture.height),
				channels,
			),
		};
		pixels.extend(pixel.iter().take(channels));
	}
	Ok(pixels)
}

/// Decodes a file that may be hostile.
fn decode(file: &[u8]) -> Result<Picture, PictureError> {
	if file.len() > MAX_FILE_BYTES {
		return Err(PictureError::FileTooLong(file.len()));
	}
	if !file.starts_with(SIGNATURE) {
		return Err(PictureError::NoPng);
	}
	let mut decoder = Decoder::new_with_limits(Cursor::new(file), Limits { bytes: DECODER_BYTES });
	decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
	// What is compressed in them may be much.
	decoder.set_ignore_text_chunk(true);
	decoder.set_ignore_iccp_chunk(true);
	let header = decoder.read_header_info()?;
	let (width, height) = (header.width, header.height);
	if u64::from(width) * u64::from(height) > MAX_PIXELS {
		return Err(PictureError::TooManyPixels(Size(width, height)));
	}
	let mut reader = decoder.read_info()?;
	if reader.info().animation_control.is_some() {
		return Err(PictureError::Animated);
	}
	let len = reader.output_buffer_size().ok_or(DecodingError::LimitsExceeded)?;
	let mut data = vec![0; len];
	let decoded = reader.next_frame(&mut data)?;
	data.truncate(decoded.buffer_size());
	Ok(Picture { width, height, color: decoded.color_type, data })
}

impl Picture {
	/// A pixel as a model of so many channels takes it.
	fn pixel(&self, x: u32, y: u32, channels: usize) -> [u8; 4] {
		let at = u64::from(y) * u64::from(self.width) + u64::from(x);
		let at = usize::try_from(at).unwrap_or(usize::MAX);
		let samples = self.data.chunks_exact(self.color.samples()).nth(at);
		let [red, green, blue, opacity] = match *samples.unwrap_or_default() {
			[grey] => [grey, grey, grey, u8::MAX],
			[grey, opacity] => [grey, grey, grey, opacity],
			[red, green, blue] => [red, green, blue, u8::MAX],
			[red, green, blue, opacity] => [red, green, blue, opacity],
			_ => [0; 4],
		};
		if channels == 4 {
			return [red, green, blue, opacity];
		}
		let [red, green, blue] = [red, green, blue].map(|channel| on_white(channel, opacity));
		if channels == 3 {
			return [red, green, blue, u8::MAX];
		}
		let luma = (77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue) + 128) >> 8;
		[u8::try_from(luma).unwrap_or(u8::MAX), 0, 0, 0]
	}

	/// The average of the area that a pixel of the frame covers. Lengths are in parts of a pixel, as many a pixel as the
	/// frame has pixels in that direction: then all are whole.
	fn average(&self, x: u32, y: u32, frame: Frame) -> [u8; 4] {
		let mut sums = [0u64; 4];
		for (row, high) in covered(y, frame.height, self.height) {
			for (column, wide) in covered(x, frame.width, self.width) {
				let pixel = self.pixel(column, row, usize::from(frame.channels));
				for (sum, channel) in sums.iter_mut().zip(pixel) {
					*sum += high * wide * u64::from(channel);
				}
			}
		}
		let area = u64::from(self.width) * u64::from(self.height);
		sums.map(|sum| u8::try_from((2 * sum + area) / (2 * area)).unwrap_or(u8::MAX))
	}
}

/// A channel of a pixel that is not opaque, on white; rounded.
fn on_white(channel: u8, opacity: u8) -> u8 {
	let [channel, opacity, white] = [channel, opacity, u8::MAX].map(u32::from);
	let sum = channel * opacity + white * (white - opacity);
	u8::try_from((sum + white / 2) / white).unwrap_or(u8::MAX)
}

/// Which of `from` pixels lies under the centre of number `at` of `to`.
fn nearest(at: u32, to: u32, from: u32) -> u32 {
	let [at, to, from] = [at, to, from].map(u64::from);
	u32::try_from((2 * at + 1) * from / (2 * to)).unwrap_or_default()
}

/// Which of `from` pixels number `at` of `to` covers, and how much of each, in `to`-ths of it.
fn covered(at: u32, to: u32, from: u32) -> impl Iterator<Item = (u32, u64)> {
	let [at, to, from] = [at, to, from].map(u64::from);
	let (begin, end) = (at * from, (at + 1) * from);
	(begin / to..end.div_ceil(to)).map(move |pixel| {
		let part = end.min((pixel + 1) * to) - begin.max(pixel * to);
		(u32::try_from(pixel).unwrap_or_default(), part)
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use png::{BitDepth, Encoder, chunk};
	use proptest::prelude::*;

	/// A PNG of these samples.
	fn png(size: [u32; 2], color: ColorType, depth: BitDepth, samples: &[u8]) -> Vec<u8> {
		with(size, color, depth, samples, |_| ())
	}

	fn with(
		[width, height]: [u32; 2],
		color: ColorType,
		depth: BitDepth,
		samples: &[u8],
		change: impl FnOnce(&mut Encoder<'_, &mut Vec<u8>>),
	) -> Vec<u8> {
		let mut file = Vec::new();
		let mut encoder = Encoder::new(&mut file, width, height);
		encoder.set_color(color);
		encoder.set_depth(depth);
		change(&mut encoder);
		let mut writer = encoder.write_header().unwrap();
		writer.write_image_data(samples).unwrap();
		writer.finish().unwrap();
		file
	}

	fn grey(size: [u32; 2], samples: &[u8]) -> Vec<u8> {
		png(size, ColorType::Grayscale, BitDepth::Eight, samples)
	}

	fn exact(file: &[u8], [width, height]: [u32; 2], channels: u8) -> Vec<u8> {
		pixels(file, Frame { width, height, channels }, Resize::Exact).unwrap()
	}

	fn resized(file: &[u8], [width, height]: [u32; 2], resize: Resize) -> Vec<u8> {
		pixels(file, Frame { width, height, channels: 1 }, resize).unwrap()
	}

	#[test]
	fn a_grey_picture_of_the_right_size_is_its_samples() {
		let file = grey([3, 2], &[0, 1, 2, 127, 254, 255]);
		assert_eq!(exact(&file, [3, 2], 1), [0, 1, 2, 127, 254, 255]);
		assert_eq!(exact(&file, [3, 2], 3)[3..6], [1, 1, 1]);
		assert_eq!(exact(&file, [3, 2], 4)[4..8], [1, 1, 1, 255]);
	}

	#[test]
	fn a_colour_becomes_its_luma_in_a_model_of_grey() {
		let samples = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 9, 9, 9];
		let file = png([5, 1], ColorType::Rgb, BitDepth::Eight, &samples);
		assert_eq!(exact(&file, [5, 1], 1), [77, 149, 29, 255, 9]);
		assert_eq!(exact(&file, [5, 1], 3), samples);
	}

	#[test]
	fn what_is_not_opaque_lies_on_white() {
		let samples = [0, 0, 0, 0, 0, 0, 0, 255, 200, 100, 0, 51];
		let file = png([3, 1], ColorType::Rgba, BitDepth::Eight, &samples);
		assert_eq!(exact(&file, [3, 1], 3), [255, 255, 255, 0, 0, 0, 244, 224, 204]);
		assert_eq!(exact(&file, [3, 1], 4), samples);
		let file = png([2, 1], ColorType::GrayscaleAlpha, BitDepth::Eight, &[0, 0, 10, 255]);
		assert_eq!(exact(&file, [2, 1], 1), [255, 10]);
	}

	#[test]
	fn of_16_bits_the_upper_8_are_used() {
		let file = png([2, 1], ColorType::Grayscale, BitDepth::Sixteen, &[0x12, 0xff, 0xff, 0x00]);
		assert_eq!(exact(&file, [2, 1], 1), [0x12, 0xff]);
	}

	#[test]
	fn fewer_bits_are_spread_over_8() {
		let file = png([4, 1], ColorType::Grayscale, BitDepth::Two, &[0b00_01_10_11]);
		assert_eq!(exact(&file, [4, 1], 1), [0, 85, 170, 255]);
		let file = png([8, 1], ColorType::Grayscale, BitDepth::One, &[0b1000_0001]);
		assert_eq!(exact(&file, [8, 1], 1), [255, 0, 0, 0, 0, 0, 0, 255]);
	}

	#[test]
	fn a_palette_is_looked_up() {
		let file = with([3, 1], ColorType::Indexed, BitDepth::Eight, &[2, 0, 1], |encoder| {
			encoder.set_palette(vec![1, 2, 3, 4, 5, 6, 7, 8, 9]);
			encoder.set_trns(vec![255, 255, 0]);
		});
		assert_eq!(exact(&file, [3, 1], 4), [7, 8, 9, 0, 1, 2, 3, 255, 4, 5, 6, 255]);
		assert_eq!(exact(&file, [3, 1], 3)[..3], [255; 3]);
	}

	/// An interlaced PNG of grey samples, whose encoder writes none: seven passes, each row without a filter.
	fn interlaced([width, height]: [usize; 2], samples: &[u8]) -> Vec<u8> {
		let mut raw = Vec::new();
		for [x0, y0, dx, dy] in
			[[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]]
		{
			for y in (y0..height).step_by(dy).filter(|_| x0 < width) {
				raw.push(0);
				raw.extend((x0..width).step_by(dx).map(|x| samples[y * width + x]));
			}
		}
		// One block that is stored and not compressed, and Adler's checksum.
		let len = u16::try_from(raw.len()).unwrap();
		let (a, b) = raw.iter().fold((1u32, 0u32), |(a, b), byte| {
			let a = (a + u32::from(*byte)) % 65_521;
			(a, (b + a) % 65_521)
		});
		let stored = [
			&[0x78, 1, 1][..],
			&len.to_le_bytes(),
			&(!len).to_le_bytes(),
			&raw,
			&((b << 16) | a).to_be_bytes(),
		];
		let plain = png([width as u32, height as u32], ColorType::Grayscale, BitDepth::Eight, samples);
		let mut header = plain[16..29].to_vec();
		header[12] = 1;
		let mut file = SIGNATURE.to_vec();
		for (kind, data) in [(chunk::IHDR, header), (chunk::IDAT, stored.concat()), (chunk::IEND, vec![])] {
			file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
			let body = [&kind.0[..], &data].concat();
			let crc = body.iter().fold(u32::MAX, |crc, byte| {
				(0..8).fold(
					crc ^ u32::from(*byte),
					|c, _| if c & 1 == 1 { (c >> 1) ^ 0xedb8_8320 } else { c >> 1 },
				)
			});
			file.extend(body);
			file.extend((!crc).to_be_bytes());
		}
		file
	}

	#[test]
	fn an_interlaced_picture_is_the_same_picture() {
		let samples: Vec<u8> = (0..99).collect();
		assert_eq!(exact(&interlaced([11, 9], &samples), [11, 9], 1), samples);
	}

	#[test]
	fn an_animation_is_refused() {
		let file = with([1, 1], ColorType::Grayscale, BitDepth::Eight, &[0], |encoder| {
			encoder.set_animated(1, 0).unwrap();
		});
		let refused = pixels(&file, Frame { width: 1, height: 1, channels: 1 }, Resize::Exact);
		assert!(matches!(refused, Err(PictureError::Animated)), "{refused:?}");
	}

	#[test]
	fn another_size_is_refused_unless_it_is_to_be_resized() {
		let frame = Frame { width: 2, height: 3, channels: 1 };
		let refused = pixels(&grey([3, 2], &[0; 6]), frame, Resize::Exact);
		assert!(
			matches!(refused, Err(PictureError::AnotherSize { wanted: Size(2, 3), given: Size(3, 2) })),
			"{refused:?}"
		);
	}

	#[test]
	fn the_nearest_pixel_is_the_one_under_the_centre() {
		let file = grey([4, 1], &[10, 20, 30, 40]);
		assert_eq!(resized(&file, [2, 1], Resize::Nearest), [20, 40]);
		assert_eq!(resized(&file, [3, 1], Resize::Nearest), [10, 30, 40]);
		assert_eq!(resized(&file, [8, 1], Resize::Nearest), [10, 10, 20, 20, 30, 30, 40, 40]);
		assert_eq!(resized(&file, [4, 2], Resize::Nearest), [10, 20, 30, 40, 10, 20, 30, 40]);
	}

	#[test]
	fn an_area_is_averaged_with_parts_of_pixels_by_their_parts() {
		let file = grey([4, 2], &[0, 10, 20, 30, 1, 10, 20, 31]);
		assert_eq!(resized(&file, [2, 1], Resize::Area), [5, 25]);
		// A third of the second pixel belongs to the first, and so on: (3·0 + 1·10) / 4, rounded up.
		assert_eq!(resized(&grey([4, 1], &[0, 10, 20, 30]), [3, 1], Resize::Area), [3, 15, 28]);
		assert_eq!(resized(&grey([2, 1], &[0, 100]), [3, 1], Resize::Area), [0, 50, 100]);
		assert_eq!(resized(&grey([1, 1], &[77]), [3, 3], Resize::Area), [77; 9]);
	}

	#[test]
	fn what_is_no_png_is_refused() {
		let frame = Frame { width: 1, height: 1, channels: 1 };
		for bad in [&b""[..], b"\x89PNG", b"GIF89a", b"\xff\xd8\xff\xe0"] {
			assert!(matches!(pixels(bad, frame, Resize::Exact), Err(PictureError::NoPng)));
		}
	}

	#[test]
	fn a_damaged_png_is_refused_wherever_it_ends_or_differs() {
		let frame = Frame { width: 9, height: 9, channels: 1 };
		let file = grey([9, 9], &(0..81).collect::<Vec<_>>());
		let data = file.windows(4).position(|kind| kind == b"IDAT").unwrap();
		for len in SIGNATURE.len()..data + 8 {
			let refused = pixels(&file[..len], frame, Resize::Exact);
			assert!(matches!(refused, Err(PictureError::Damaged(_))), "{len}: {refused:?}");
		}
		// Its checksum tells.
		let mut other = file.clone();
		other[data + 12] ^= 1;
		assert!(matches!(pixels(&other, frame, Resize::Exact), Err(PictureError::Damaged(_))));
	}

	#[test]
	fn a_picture_with_too_many_pixels_is_refused_by_its_header() {
		let frame = Frame { width: 1, height: 1, channels: 1 };
		// The header of one pixel, made to say more; its checksum is not looked at before the size would be.
		let of = |width: u32, height: u32| {
			let mut file = Vec::new();
			let encoder = Encoder::new(&mut file, width, height);
			drop(encoder.write_header().unwrap());
			pixels(&file, frame, Resize::Nearest)
		};
		assert!(matches!(of(2_049, 2_048), Err(PictureError::TooManyPixels(Size(2_049, 2_048)))));
		assert!(matches!(of(u32::MAX >> 1, u32::MAX >> 1), Err(PictureError::TooManyPixels(_))));
		assert!(matches!(of(2_048, 2_048), Err(PictureError::Damaged(_))), "it has no data");
	}

	#[test]
	fn a_file_that_is_too_long_is_refused() {
		let frame = Frame { width: 1, height: 1, channels: 1 };
		let file = vec![0; MAX_FILE_BYTES + 1];
		assert!(matches!(pixels(&file, frame, Resize::Exact), Err(PictureError::FileTooLong(_))));
	}

	proptest! {
		#[test]
		fn no_bytes_make_it_panic(tail in proptest::collection::vec(any::<u8>(), 0..200), valid: bool) {
			let head = if valid { grey([3, 3], &[9; 9]) } else { SIGNATURE.to_vec() };
			let file = [head, tail].concat();
			let _ = pixels(&file, Frame { width: 2, height: 2, channels: 1 }, Resize::Area);
		}

		#[test]
		fn no_change_of_a_png_makes_it_panic(at in 8usize..80, byte in any::<u8>(), channels in 1u8..5) {
			let mut file = png([4, 3], ColorType::Rgba, BitDepth::Eight, &[7; 48]);
			let len = file.len();
			file[at % len] = byte;
			let _ = pixels(&file, Frame { width: 5, height: 2, channels }, Resize::Nearest);
		}

		#[test]
		fn all_of_a_picture_is_covered_once(to in 1u32..40, from in 1u32..40) {
			let mut parts = vec![0; from as usize];
			for at in 0..to {
				let covered: Vec<_> = covered(at, to, from).collect();
				prop_assert_eq!(covered.iter().map(|(_, part)| part).sum::<u64>(), u64::from(from));
				covered.iter().for_each(|(pixel, part)| parts[*pixel as usize] += part);
			}
			prop_assert!(parts.iter().all(|part| *part == u64::from(to)));
		}

		#[test]
		fn a_picture_of_one_colour_stays_so(value in any::<u8>(), width in 1u32..20, height in 1u32..20) {
			let file = grey([7, 5], &[value; 35]);
			for resize in [Resize::Nearest, Resize::Area] {
				let pixels = resized(&file, [width, height], resize);
				prop_assert_eq!(pixels, vec![value; (width * height) as usize]);
			}
		}
	}
}
