//! What reputation is configured with: as a public chain starts, with ticks of 3 s.

use oda_primitives::Tick;
use oda_runtime::{parameters::Windows, tempo};

pub use oda_runtime::parameters::points::*;

/// A day.
pub const PERIOD: Tick = tempo::DEFAULT_REPUTATION_PERIOD;

/// Two weeks, twice as long as stake takes to leave; then four and eight.
pub const SUSPENSION_TERM: Tick = Windows::DEFAULT.suspension;

/// Four weeks.
pub const APPEAL_TERM: Tick = Windows::DEFAULT.appeal;
