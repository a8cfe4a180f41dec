//! The certificate.

use crate::Tls;
use rustls_pki_types::{
	CertificateDer, PrivateKeyDer,
	pem::{self, PemObject},
};
use std::{path::PathBuf, sync::Arc};
use tokio_rustls::{
	TlsAcceptor,
	rustls::{self, ServerConfig, crypto::ring},
};

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
	/// A file cannot be read, or holds no PEM of its kind.
	#[error("{path}: {source}")]
	File {
		/// The file.
		path: PathBuf,
		/// Why.
		source: pem::Error,
	},
	/// The certificate's file holds none.
	#[error("{0} holds no certificate")]
	NoCertificate(PathBuf),
	/// Certificate and key cannot be used together.
	#[error("the certificate or its key cannot be used: {0}")]
	Unusable(#[from] rustls::Error),
}

/// What takes connections with a certificate.
pub(crate) fn acceptor(files: &Tls) -> Result<TlsAcceptor, TlsError> {
	let failed = |path: &PathBuf| {
		let path = path.clone();
		move |source| TlsError::File { path, source }
	};
	let certificates =
		CertificateDer::pem_file_iter(&files.certificate).map_err(failed(&files.certificate))?;
	let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(failed(&files.certificate))?;
	if certificates.is_empty() {
		return Err(TlsError::NoCertificate(files.certificate.clone()));
	}
	let key = PrivateKeyDer::from_pem_file(&files.key).map_err(failed(&files.key))?;
	let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
		.with_safe_default_protocol_versions()?
		.with_no_client_auth()
		.with_single_cert(certificates, key)?;
	config.alpn_protocols = vec![b"http/1.1".to_vec()];
	Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::fs;

	#[test]
	fn each_file_that_cannot_be_used_has_its_own_error() {
		let folder = tempfile::tempdir().unwrap();
		let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
		let files = Tls { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
		let refused = || acceptor(&files).err().map(|error| error.to_string()).unwrap_or_default();
		assert!(refused().contains("cert.pem"), "{}", refused());
		fs::write(&files.certificate, "nothing").unwrap();
		assert!(refused().contains("holds no certificate"), "{}", refused());
		fs::write(&files.certificate, made.serialize_pem().unwrap()).unwrap();
		fs::write(&files.key, "nothing").unwrap();
		assert!(refused().contains("key.pem"), "{}", refused());
		let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
		fs::write(&files.key, other.serialize_private_key_pem()).unwrap();
		assert!(refused().contains("cannot be used"), "{}", refused());
		fs::write(&files.key, made.serialize_private_key_pem()).unwrap();
		assert!(acceptor(&files).is_ok());
	}
}
