//! Places at relays: each is asked for one, and again, ever later, when it has none.

use libp2p::{PeerId, core::transport::ListenerId};
use std::{
	collections::HashMap,
	time::{Duration, Instant},
};

/// How soon a relay is asked again that gave no place.
const PAUSE: Duration = Duration::from_secs(2);

/// How late a relay is asked again at most.
const LONGEST: Duration = Duration::from_secs(600);

struct Place {
	/// What listens there, or is about to.
	listener: Option<ListenerId>,
	next: Instant,
	/// How long the next pause is.
	pause: Duration,
}

/// The places that this peer has, asks for, or was refused.
#[derive(Default)]
pub(crate) struct Places(HashMap<PeerId, Place>);

impl Places {
	/// Whether a relay is to be asked now.
	pub(crate) fn due(&self, relay: &PeerId, now: Instant) -> bool {
		self.0.get(relay).is_none_or(|place| place.listener.is_none() && now >= place.next)
	}

	/// A relay was asked: what listens there if it has a place.
	pub(crate) fn asked(&mut self, relay: PeerId, listener: ListenerId, now: Instant) {
		let place = self.0.entry(relay).or_insert(Place { listener: None, next: now, pause: PAUSE });
		place.listener = Some(listener);
	}

	/// Something listens: is it at a relay, that has given its place.
	pub(crate) fn given(&mut self, listener: ListenerId) {
		if let Some(place) = self.0.values_mut().find(|place| place.listener == Some(listener)) {
			place.pause = PAUSE;
		}
	}

	/// Something listens no longer. Was it at a relay: which, when that is asked again, and whether this is the first time
	/// since it had a place.
	pub(crate) fn lost(&mut self, listener: ListenerId, now: Instant) -> Option<(PeerId, Duration, bool)> {
		let (relay, place) = self.0.iter_mut().find(|(_, place)| place.listener == Some(listener))?;
		let pause = place.pause;
		*place = Place { listener: None, next: now + pause, pause: (2 * pause).min(LONGEST) };
		Some((*relay, pause, pause == PAUSE))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_relay_that_refuses_is_asked_ever_later_and_soon_again_once_it_gave_a_place() {
		let (mut places, relay, mut now) = (Places::default(), PeerId::random(), Instant::now());
		let mut pauses = Vec::new();
		for _ in 0..12 {
			assert!(places.due(&relay, now));
			let listener = ListenerId::next();
			places.asked(relay, listener, now);
			assert!(!places.due(&relay, now + LONGEST), "it has not answered");
			let (of, pause, first) = places.lost(listener, now).unwrap();
			assert_eq!((of, first), (relay, pauses.is_empty()));
			assert!(!places.due(&relay, now + pause - Duration::from_millis(1)));
			pauses.push(pause);
			now += pause;
		}
		assert!(pauses.is_sorted() && pauses[..5].iter().zip(&pauses[1..]).all(|(a, b)| 2 * *a == *b));
		assert_eq!(pauses.last(), Some(&LONGEST));
		let listener = ListenerId::next();
		places.asked(relay, listener, now);
		places.given(listener);
		assert_eq!(places.lost(listener, now), Some((relay, PAUSE, true)));
		assert_eq!(places.lost(listener, now), None, "that was no place any more");
		assert_eq!(places.lost(ListenerId::next(), now), None);
	}
}
