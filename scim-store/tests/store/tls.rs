//! Tests of encrypted connections to PostgreSQL.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support;
use crate::support::postgres_server::PostgresServer;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use scim_store::Store;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes a file that only its owner can read, and returns its path.
fn write(directory: &Path, name: &str, content: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Writes a certificate for `localhost` and its key.
fn write_certificate(directory: &Path, name: &str, authority: &Authority) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.signed_by(&key, authority).unwrap();
    write(directory, &format!("{name}.pem"), &certificate.pem());
    write(directory, &format!("{name}.key"), &key.serialize_pem());
}

/// A new directory for the files of the client.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_sslmode_says_what_is_checked_of_the_server() {
    if support::postgres().is_none() {
        return;
    }
    let (authority, other_authority) = (authority("one"), authority("other"));
    let server = PostgresServer::start(|data| {
        write_certificate(data, "server", &authority);
        write(data, "clients.pem", &authority.pem());
        "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\nssl_ca_file = 'clients.pem'"
            .to_owned()
    });
    let files = Directory(std::env::temp_dir().join(format!("scim-tls-{}", std::process::id())));
    fs::create_dir_all(&files.0).unwrap();
    write(&files.0, "root.pem", &authority.pem());
    write(&files.0, "other.pem", &other_authority.pem());
    write(&files.0, "empty.pem", "");
    write_certificate(&files.0, "client", &authority);
    let directory = files.0.display().to_string();

    let runtime = support::runtime();
    let admin = runtime.block_on(support::connect(&server.url_with("127.0.0.1", "")));
    let encrypted = |name: &str| {
        let sql = "SELECT bool_and(ssl), bool_and(client_dn IS NOT NULL) FROM pg_stat_ssl JOIN pg_stat_activity \
                   USING (pid) WHERE application_name = $1";
        let row = runtime.block_on(admin.query_one(sql, &[&name])).unwrap();
        (row.get::<_, Option<bool>>(0).unwrap(), row.get::<_, Option<bool>>(1).unwrap())
    };
    // The host, the parameters, and whether the connection is encrypted and the server has the client's certificate; or
    // a part of the error.
    type Expected<'a> = Result<(bool, bool), &'a str>;
    let cases: &[(&str, &str, Expected<'_>)] = &[
        ("127.0.0.1", "", Ok((true, false))),
        ("127.0.0.1", "sslmode=disable", Ok((false, false))),
        ("127.0.0.1", "sslmode=require", Ok((true, false))),
        ("127.0.0.1", "sslmode=require&sslrootcert={}/root.pem", Ok((true, false))),
        ("127.0.0.1", "sslmode=require&sslrootcert={}/other.pem", Err("invalid peer certificate")),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert={}/root.pem", Ok((true, false))),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert={}/other.pem", Err("invalid peer certificate")),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert={}/root.pem", Err("not valid for")),
        ("localhost", "sslmode=verify-full&sslrootcert={}/root.pem", Ok((true, false))),
        ("localhost", "sslmode=verify-full&sslrootcert={}/other.pem", Err("invalid peer certificate")),
        ("localhost", "sslmode=verify-full&sslrootcert={}/missing.pem", Err("missing.pem")),
        ("localhost", "sslmode=verify-full&sslrootcert={}/empty.pem", Err("no certificate")),
        ("localhost", "sslmode=require&sslcert={}/client.pem&sslkey={}/client.key", Ok((true, true))),
        ("localhost", "sslmode=require&sslcert={}/client.pem&sslkey={}/client.pem", Err("sslkey")),
    ];
    for (number, (host, parameters, expected)) in cases.iter().enumerate() {
        let name = format!("case{number}");
        let query = format!("application_name={name}&{}", parameters.replace("{}", &directory));
        let store = runtime.block_on(Store::open(&server.url_with(host, query.trim_end_matches('&'))));
        match (store, expected) {
            (Ok(store), Ok(expected)) => {
                // Makes a connection, which stays in the pool.
                runtime.block_on(store.durability()).unwrap();
                assert_eq!(encrypted(&name), *expected, "{parameters}");
                drop(store);
            }
            (Err(error), Err(part)) => {
                let error = error.to_string();
                assert!(error.contains(part), "{parameters}: {error}");
            }
            (opened, _) => panic!("{host} {parameters}: {:?}", opened.map(drop)),
        }
    }
}
