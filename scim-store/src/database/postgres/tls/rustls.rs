//! TLS by rustls.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::super::error::DatabaseError;
use super::super::url::{SslMode, TlsSettings};

/// Makes connections with these settings.
///
/// # Errors
///
/// If a file cannot be read or contains no certificate or key, or if the system has no root certificates.
pub(super) fn connector(settings: &TlsSettings) -> Result<MakeRustlsConnect, DatabaseError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier {
        webpki: match (settings.mode, &settings.root_certificates) {
            (SslMode::Disable | SslMode::Prefer, _) | (SslMode::Require, None) => None,
            (SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull, file) => {
                let roots = Arc::new(root_certificates(file.as_deref())?);
                let webpki = WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build();
                Some(webpki.map_err(|error| DatabaseError::Unexpected(error.into()))?)
            }
        },
        checks_name: settings.mode == SslMode::VerifyFull,
        provider: provider.clone(),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| DatabaseError::Unexpected(error.into()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let config = match &settings.client_certificate {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let key_der =
                PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("sslkey", key, &error))?;
            let certified = config.with_client_auth_cert(certificates("sslcert", certificate)?, key_der);
            certified.map_err(|error| unreadable("sslcert", certificate, &error))?
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

/// The root certificates in a file, or those of the system.
fn root_certificates(file: Option<&Path>) -> Result<RootCertStore, DatabaseError> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(file) => {
            for certificate in certificates("sslrootcert", file)? {
                roots.add(certificate).map_err(|error| unreadable("sslrootcert", file, &error))?;
            }
        }
        None => _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
    }
    if roots.is_empty() {
        let reason = "the system has no root certificates; write `sslrootcert=` with the path of a file";
        return Err(DatabaseError::unexpected(reason));
    }
    Ok(roots)
}

fn certificates(parameter: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, DatabaseError> {
    let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(|error| unreadable(parameter, file, &error))?;
    if certificates.is_empty() {
        Err(unreadable(parameter, file, &"it contains no certificate"))
    } else {
        Ok(certificates)
    }
}

fn unreadable(parameter: &str, file: &Path, error: &dyn std::fmt::Display) -> DatabaseError {
    let file = file.display();
    DatabaseError::unexpected(&format!(
        "the file {file} of the parameter `{parameter}` cannot be used: {error}"
    ))
}

/// Checks the certificate of a server as far as the `sslmode` says.
#[derive(Debug)]
struct Verifier {
    /// Checks that a root certificate signed the certificate; `None` if any certificate is accepted.
    webpki: Option<Arc<WebPkiServerVerifier>>,
    /// Whether the certificate must be for the host in the URL.
    checks_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(webpki) = &self.webpki else { return Ok(ServerCertVerified::assertion()) };
        match webpki.verify_server_cert(certificate, intermediates, name, ocsp_response, now) {
            // The name is checked after everything else.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
