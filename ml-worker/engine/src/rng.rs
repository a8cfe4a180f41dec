//! Seeded randomness that gives the same numbers on every machine and with every library version.

/// SplitMix64 (Steele, Lea and Flood 2014): small, fast, and good enough for initial weights, shuffling and
/// test data. Not for secrets.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
	/// A generator for `seed`.
	pub fn new(seed: u64) -> Self {
		Self(seed)
	}

	/// A generator for a purpose, independent of the other purposes under the same seed.
	pub fn derive(seed: u64, purpose: u64) -> Self {
		let mut rng = Self(seed);
		let base = rng.next();
		let mut rng = Self(base ^ purpose.wrapping_mul(0xd1b5_4a32_d192_ed03));
		let _ = rng.next();
		rng
	}

	/// 64 random bits.
	#[allow(clippy::should_implement_trait)]
	pub fn next(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut z = self.0;
		z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		z ^ (z >> 31)
	}

	/// A number below `n`; 0 for `n` = 0.
	pub fn below(&mut self, n: u64) -> u64 {
		((u128::from(self.next()) * u128::from(n)) >> 64) as u64
	}

	/// A number in `low..=high`.
	pub fn range(&mut self, low: i64, high: i64) -> i64 {
		low.wrapping_add(self.below((high - low + 1) as u64) as i64)
	}

	/// True with probability `percent` / 100.
	pub fn chance(&mut self, percent: u64) -> bool {
		self.below(100) < percent
	}

	/// An element of `items`.
	pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
		&items[self.below(items.len() as u64) as usize]
	}

	/// Uniform in `0.0..1.0`.
	pub fn uniform(&mut self) -> f64 {
		(self.next() >> 11) as f64 / (1u64 << 53) as f64
	}

	/// Standard normal, by Box and Muller.
	pub fn normal(&mut self) -> f64 {
		let (u, v) = (1.0 - self.uniform(), self.uniform());
		(-2.0 * u.ln()).sqrt() * (core::f64::consts::TAU * v).cos()
	}

	/// Shuffles in place, by Fisher and Yates.
	pub fn shuffle<T>(&mut self, items: &mut [T]) {
		for i in (1..items.len()).rev() {
			items.swap(i, self.below(i as u64 + 1) as usize);
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn numbers_are_the_published_ones() {
		let mut rng = Rng::new(1_234_567);
		assert_eq!(rng.next(), 6_457_827_717_110_365_317);
		assert_eq!(rng.next(), 3_203_168_211_198_807_973);
	}

	#[test]
	fn shuffling_keeps_every_item() {
		let mut items: Vec<u32> = (0..100).collect();
		Rng::new(7).shuffle(&mut items);
		assert_ne!(items, (0..100).collect::<Vec<_>>());
		items.sort_unstable();
		assert_eq!(items, (0..100).collect::<Vec<_>>());
	}

	#[test]
	fn normal_numbers_have_mean_0_and_variance_1() {
		let mut rng = Rng::new(3);
		let xs: Vec<f64> = (0..20_000).map(|_| rng.normal()).collect();
		let mean = xs.iter().sum::<f64>() / xs.len() as f64;
		let variance = xs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / xs.len() as f64;
		assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05);
	}
}
