//! TLS.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::super::{Directory, HostProgram, MEMORY, RunningHost, TOKEN, run_until_refused};
use super::SetOnDrop;

/// Writes a new certificate for `localhost` and its key, and returns the certificate in PEM.
fn write_certificate(directory: &Path, name: &str) -> String {
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::write(directory.join("cert.pem"), certificate.pem()).unwrap();
    certificate.pem()
}

fn start(path: &'static str, directory: &Path) -> RunningHost {
    let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    let files = [
        ("SCIM_TLS_CERT", certificate.to_str().expect("the path is UTF-8")),
        ("SCIM_TLS_KEY", key.to_str().expect("the path is UTF-8")),
    ];
    RunningHost::start(&HostProgram::new(path, MEMORY), &files)
}

/// Shakes hands by `openssl s_client`, and returns what it prints; `None` if it is not installed.
fn shake_hands(address: &str, version: &str) -> Option<String> {
    let mut command = Command::new("openssl");
    // At this level OpenSSL itself would allow everything.
    command.args(["s_client", "-connect", address, version, "-cipher", "DEFAULT@SECLEVEL=0", "-brief"]);
    let output = command.stdin(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Checks that the host speaks TLS 1.2 and 1.3 and nothing else, with suites that encrypt and authenticate at once.
///
/// # Panics
///
/// If the check fails.
pub fn tls_has_modern_versions_only(path: &'static str) {
    let directory = Directory::new();
    write_certificate(&directory.0, "first");
    let host = start(path, &directory.0);
    let address = host.base.trim_start_matches("https://").split('/').next().unwrap().to_owned();
    for (version, protocol) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let Some(text) = shake_hands(&address, version) else { break };
        assert!(text.contains(protocol) && text.contains("CONNECTION ESTABLISHED"), "{version}: {text}");
        assert!(text.contains("GCM") || text.contains("CHACHA20"), "{version}: {text}");
    }
    for version in ["-tls1", "-tls1_1"] {
        let Some(text) = shake_hands(&address, version) else { break };
        assert!(!text.contains("CONNECTION ESTABLISHED"), "{version}: {text}");
    }
    // A suite without forward secrecy, and one with CBC.
    for cipher in ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256"] {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-connect", &address, "-tls1_2", "-cipher", cipher, "-brief"]);
        let Ok(output) = command.stdin(Stdio::null()).output() else { break };
        assert!(!String::from_utf8_lossy(&output.stderr).contains("CONNECTION ESTABLISHED"), "{cipher}");
    }
    // Files that are no certificate are found at the start.
    std::fs::write(directory.0.join("cert.pem"), "no certificate").unwrap();
    let certificate = directory.0.join("cert.pem");
    let key = directory.0.join("key.pem");
    let files = [("SCIM_TLS_CERT", certificate.to_str().unwrap()), ("SCIM_TLS_KEY", key.to_str().unwrap())];
    let (code, error) = run_until_refused(
        &HostProgram::new(path, MEMORY),
        &[&files[..], &[("SCIM_LISTEN", "127.0.0.1:0")]].concat(),
    );
    assert!(code == Some(2) && error.contains("SCIM_TLS_CERT"), "{error}");
}

/// Checks that new connections get a new certificate, and that no request fails meanwhile.
///
/// # Panics
///
/// If the check fails.
pub fn a_certificate_is_replaced_without_a_failed_request(path: &'static str) {
    let directory = Directory::new();
    write_certificate(&directory.0, "first");
    let host = start(path, &directory.0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let client = |roots: Option<&str>| {
        let builder = reqwest::Client::builder().pool_max_idle_per_host(0);
        match roots {
            None => builder.tls_danger_accept_invalid_certs(true),
            Some(pem) => builder.tls_certs_only([reqwest::Certificate::from_pem(pem.as_bytes()).unwrap()]),
        }
        .build()
        .unwrap()
    };
    let url = format!("{}/Users", host.base.replace("127.0.0.1", "localhost"));
    let get = |client: reqwest::Client| {
        let url = url.clone();
        async move { client.get(&url).bearer_auth(TOKEN).send().await.map(|response| response.status().as_u16()) }
    };
    let (done, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let any = client(None);
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(runtime.block_on(get(any.clone())).expect("no request fails"), 200);
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _ends_clients = SetOnDrop(&done);
        let second = write_certificate(&directory.0, "second");
        let begun = Instant::now();
        let trusts_second = client(Some(&second));
        while runtime.block_on(get(trusts_second.clone())).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "the new certificate is not taken up");
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    assert!(sent.load(Ordering::Relaxed) > 0);
}
