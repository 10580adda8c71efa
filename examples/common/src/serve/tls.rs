//! TLS 1.2 and 1.3, with certificates that are read again when their files change.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use sha2::{Digest, Sha256};

use crate::{InvalidSettings, Tls};

/// How often the files of the certificate are looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// The configuration of TLS; `None` if it is off. The cipher suites are those with GCM and ChaCha20. Files are looked at from
/// time to time, and read again when they have changed, until the process ends.
///
/// # Errors
///
/// If the certificate or the key cannot be used.
pub(crate) fn server_config(tls: &Tls) -> Result<Option<Arc<ServerConfig>>, Box<dyn Error>> {
    // The provider is named, so that it does not matter what the application has installed.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let certificate = match tls {
        Tls::Off => return Ok(None),
        Tls::Development => Arc::new(CurrentCertificate(ArcSwap::new(Arc::new(development(&provider)?)))),
        Tls::Files { certificate, key } => {
            let files = Files { certificate: certificate.clone(), key: key.clone() };
            // Before they are read, so that no change is missed.
            let changed = files.changed();
            let current = files.read(&provider).map_err(|error| InvalidSettings::new(error.to_string()))?;
            let current = Arc::new(CurrentCertificate(ArcSwap::new(Arc::new(current))));
            // `--check` runs in a runtime too.
            tokio::spawn(watch(files, changed, current.clone(), provider.clone()));
            current
        }
    };
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS12, &version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    let mut config = config;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}

/// The certificate that new connections get.
#[derive(Debug)]
struct CurrentCertificate(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// The files of a certificate and its key.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    fn read(&self, provider: &CryptoProvider) -> Result<CertifiedKey, Box<dyn Error + Send + Sync>> {
        let unreadable = |name: &str, file: &Path, error: &dyn std::fmt::Display| {
            format!("{name}: the file {} cannot be used: {error}", file.display())
        };
        let chain =
            CertificateDer::pem_file_iter(&self.certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.map_err(|error| unreadable("SCIM_TLS_CERT", &self.certificate, &error))?;
        if chain.is_empty() {
            return Err(unreadable("SCIM_TLS_CERT", &self.certificate, &"it contains no certificate").into());
        }
        let key = PrivateKeyDer::from_pem_file(&self.key);
        let key = key.map_err(|error| unreadable("SCIM_TLS_KEY", &self.key, &error))?;
        let certified = CertifiedKey::from_der(chain, key, provider);
        Ok(certified.map_err(|error| unreadable("SCIM_TLS_KEY", &self.key, &error))?)
    }

    /// When the files were last changed.
    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key]
            .map(|file| std::fs::metadata(file).and_then(|data| data.modified()).ok())
    }
}

/// Reads the files again when they change. While they do not fit together, since only one has been replaced, the old
/// certificate stays.
async fn watch(
    files: Files,
    mut changed: [Option<SystemTime>; 2],
    current: Arc<CurrentCertificate>,
    provider: Arc<CryptoProvider>,
) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let now = files.changed();
        if now == changed {
            continue;
        }
        match files.read(&provider) {
            Ok(certificate) => {
                current.0.store(Arc::new(certificate));
                tracing::info!(file = %files.certificate.display(), "the new certificate is in use");
                changed = now;
            }
            Err(error) => tracing::warn!(cause = %error, "the new certificate cannot be used yet"),
        }
    }
}

/// A new certificate for this machine, whose fingerprint is printed.
fn development(provider: &CryptoProvider) -> Result<CertifiedKey, Box<dyn Error>> {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names)?;
    let fingerprint = Sha256::digest(cert.der()).iter().fold(String::new(), |mut text, byte| {
        let colon = if text.is_empty() { "" } else { ":" };
        // Writing to a String never fails.
        let _ = write!(text, "{colon}{byte:02X}");
        text
    });
    eprintln!("SCIM_TLS=dev: a certificate was made; its SHA-256 fingerprint is {fingerprint}");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    Ok(CertifiedKey::from_der(vec![cert.der().clone()], key, provider)?)
}
