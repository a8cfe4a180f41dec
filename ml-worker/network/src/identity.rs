//! Who this peer is.

use crate::NetworkError;
use libp2p::{
	PeerId,
	identity::{Keypair, PublicKey, ed25519},
};
use std::{fs, io, path::Path};

/// A peer's key, ed25519.
#[derive(Clone)]
pub struct Identity {
	pair: Keypair,
	ephemeral: bool,
}

impl Identity {
	/// The key in `<base>/network/key`, which is created if there is none.
	///
	/// # Errors
	///
	/// [`NetworkError::Io`], [`NetworkError::BadKey`], [`NetworkError::NoRandomness`].
	pub fn open(base: impl AsRef<Path>) -> Result<Self, NetworkError> {
		let dir = base.as_ref().join("network");
		fs::create_dir_all(&dir).map_err(|source| NetworkError::Io { path: dir.clone(), source })?;
		let path = dir.join("key");
		let failed = |source| NetworkError::Io { path: path.clone(), source };
		loop {
			match fs::read_to_string(&path) {
				Ok(text) => {
					let mut seed = [0; 32];
					hex::decode_to_slice(text.trim(), &mut seed)
						.map_err(|_| NetworkError::BadKey(path.clone()))?;
					return Self::of_seed(seed, false);
				}
				Err(error) if error.kind() == io::ErrorKind::NotFound => {}
				Err(error) => return Err(failed(error)),
			}
			// Whoever else starts at this moment has the same key afterwards.
			let line = format!("{}\n", hex::encode(random()?));
			match oda_files::create(&path, 0o600, line.as_bytes()) {
				Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
				_ => {}
			}
		}
	}

	/// A key that is nowhere but in memory, for a short command beside a running service: it reads what the
	/// service knows of peers, and writes none of it.
	pub fn ephemeral() -> Result<Self, NetworkError> {
		Self::of_seed(random()?, true)
	}

	fn of_seed(mut seed: [u8; 32], ephemeral: bool) -> Result<Self, NetworkError> {
		let pair = Keypair::ed25519_from_bytes(&mut seed)
			.map_err(|error| NetworkError::Setup { what: "the key", reason: error.to_string() })?;
		Ok(Self { pair, ephemeral })
	}

	/// The peer's id.
	pub fn peer_id(&self) -> PeerId {
		self.pair.public().to_peer_id()
	}

	/// The public key.
	pub fn public(&self) -> [u8; 32] {
		public_of(&self.peer_id()).unwrap_or_default()
	}

	/// Signs a message that ties this peer to something else, such as an account: ed25519 over exactly these
	/// bytes. The message has to start with a domain of its own, so that it is taken for nothing else.
	pub fn sign_binding(&self, message: &[u8]) -> Result<[u8; 64], NetworkError> {
		let failed = |reason| NetworkError::Setup { what: "a signature", reason };
		let signature = self.pair.sign(message).map_err(|error| failed(error.to_string()))?;
		signature.try_into().map_err(|_| failed("not of 64 bytes".into()))
	}

	/// Whether the key is nowhere but in memory.
	pub fn is_ephemeral(&self) -> bool {
		self.ephemeral
	}

	pub(crate) fn pair(&self) -> &Keypair {
		&self.pair
	}
}

impl std::fmt::Debug for Identity {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.debug_struct("Identity").field("peer", &self.peer_id()).finish_non_exhaustive()
	}
}

fn random() -> Result<[u8; 32], NetworkError> {
	let mut bytes = [0; 32];
	getrandom::fill(&mut bytes).map_err(NetworkError::NoRandomness)?;
	Ok(bytes)
}

/// The id of the peer with this public key; `None` if no key is encoded so.
pub fn peer_of(public: &[u8; 32]) -> Option<PeerId> {
	let key = ed25519::PublicKey::try_from_bytes(public).ok()?;
	Some(PublicKey::from(key).to_peer_id())
}

/// A peer's public key; `None` for a peer whose key is not ed25519.
pub fn public_of(peer: &PeerId) -> Option<[u8; 32]> {
	let hash = peer.as_ref();
	// Short keys are part of the id, as they are: multihash 0.
	let key = (hash.code() == 0).then(|| PublicKey::try_decode_protobuf(hash.digest()).ok())??;
	Some(key.try_into_ed25519().ok()?.to_bytes())
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::os::unix::fs::PermissionsExt;

	#[test]
	fn the_key_stays_and_is_private() {
		let base = tempfile::tempdir().unwrap();
		let first = Identity::open(base.path()).unwrap();
		let again = Identity::open(base.path()).unwrap();
		assert_eq!(first.peer_id(), again.peer_id());
		let path = base.path().join("network/key");
		assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
		assert_eq!(fs::read_dir(base.path().join("network")).unwrap().count(), 1);
		fs::write(&path, "no key").unwrap();
		assert!(matches!(Identity::open(base.path()), Err(NetworkError::BadKey(_))));
		assert_ne!(Identity::ephemeral().unwrap().peer_id(), Identity::ephemeral().unwrap().peer_id());
	}

	#[test]
	fn ids_and_keys_are_the_same() {
		let identity = Identity::ephemeral().unwrap();
		assert_eq!(peer_of(&identity.public()), Some(identity.peer_id()));
		assert_eq!(public_of(&identity.peer_id()), Some(identity.public()));
		assert_eq!(public_of(&PeerId::random()), None);
		let signature = identity.sign_binding(b"oda/peer/1 message").unwrap();
		let public = identity.pair().public();
		assert!(public.verify(b"oda/peer/1 message", &signature));
	}
}
