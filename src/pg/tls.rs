//! Encryption by rustls, with libpq's rules: which modes check what, where certificates lie by default.
//!
//! Differences: certificates must be X.509 version 3 where they are checked, keys must not be encrypted with a password,
//! and there are no revocation lists.
use super::options::{ConnectOptions, SslMode};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;
use x509_cert::der::Decode;

/// Bundles of trusted authorities that systems keep, for `sslrootcert=system`.
const SYSTEM_ROOTS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
];

/// The encryption that the options ask for; the error is one sentence in libpq's words.
pub(super) fn connector(options: &ConnectOptions) -> Result<MakeRustlsConnect, String> {
    let home = std::env::home_dir();
    let usual = |name: &str| {
        home.as_ref()
            .map(|h| h.join(".postgresql").join(name))
            .filter(|f| f.exists())
    };
    let provider = Arc::new(ring::default_provider());
    let check = Check {
        roots: roots(options, usual("root.crt"))?,
        name: options.sslmode == SslMode::VerifyFull,
        provider: provider.clone(),
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(check));
    let certificate = options.sslcert.clone().or_else(|| usual("postgresql.crt"));
    let config = match certificate.filter(|c| c.exists()) {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let key_file = options
                .sslkey
                .clone()
                .or_else(|| usual("postgresql.key"))
                .ok_or_else(|| {
                    format!(
                        "certificate present, but not private key file \"{}\"",
                        file.display()
                    )
                })?;
            builder
                .with_client_auth_cert(certificates(&file)?, key(&key_file)?)
                .map_err(|e| {
                    format!("could not use certificate file \"{}\": {e}", file.display())
                })?
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

/// The trusted authorities; none if the certificate is not to be checked.
fn roots(options: &ConnectOptions, usual: Option<PathBuf>) -> Result<Option<Roots>, String> {
    let verify = matches!(options.sslmode, SslMode::VerifyCa | SslMode::VerifyFull);
    let file = match &options.sslrootcert {
        Some(file) if file.as_os_str() == "system" => SYSTEM_ROOTS
            .iter()
            .map(PathBuf::from)
            .find(|f| f.exists())
            .ok_or("no bundle of trusted authorities was found on this system")?,
        Some(file) => file.clone(),
        None => match usual {
            Some(file) => file,
            None if verify => {
                return Err(
                    "root certificate file \"~/.postgresql/root.crt\" does not exist\nEither provide the file, use the \
                     system's trusted roots with sslrootcert=system, or change sslmode to disable server certificate \
                     verification."
                        .into(),
                );
            }
            None => return Ok(None),
        },
    };
    if matches!(options.sslmode, SslMode::Allow | SslMode::Prefer) {
        return Ok(None);
    }
    if !file.exists() {
        if !verify {
            return Ok(None);
        }
        return Err(format!(
            "root certificate file \"{}\" does not exist",
            file.display()
        ));
    }
    let given = certificates(&file)?;
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(given.iter().cloned());
    Ok(Some(Roots { store, given }))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bad = |e: String| {
        format!(
            "could not read certificate file \"{}\": {e}",
            file.display()
        )
    };
    let found: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|e| bad(e.to_string()))?;
    if found.is_empty() {
        return Err(bad("no certificate in it".into()));
    }
    Ok(found)
}

fn key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let meta = std::fs::metadata(file).map_err(|e| {
        format!(
            "could not load private key file \"{}\": {e}",
            file.display()
        )
    })?;
    let allowed = if meta.uid() == 0 { 0o027 } else { 0o077 };
    if meta.permissions().mode() & allowed != 0 {
        return Err(format!(
            "private key file \"{}\" has group or world access; file must have permissions u=rw (0600) or less if owned \
             by the current user, or permissions u=rw,g=r (0640) or less if owned by root",
            file.display()
        ));
    }
    PrivateKeyDer::from_pem_file(file).map_err(|e| {
        format!(
            "could not load private key file \"{}\": {e}",
            file.display()
        )
    })
}

/// What is trusted: as authorities, and as they stand (a server's own self-signed certificate).
#[derive(Debug)]
struct Roots {
    store: RootCertStore,
    given: Vec<CertificateDer<'static>>,
}

#[derive(Debug)]
struct Check {
    roots: Option<Roots>,
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Check {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(roots) = &self.roots else {
            return Ok(ServerCertVerified::assertion());
        };
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let signed = verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &roots.store,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        );
        if let Err(e) = signed
            && !(roots.given.iter().any(|c| c == end_entity) && in_time(end_entity, now))
        {
            return Err(e);
        }
        if self.name
            && let Err(e) = verify_server_name(&parsed, server_name)
            && !common_name_fits(end_entity, server_name)
        {
            return Err(e);
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.tolerate(verify_tls12_signature(message, cert, dss, algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.tolerate(verify_tls13_signature(message, cert, dss, algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl Check {
    /// A certificate that cannot even be read proves nothing, which is all that an unchecked session asks for.
    fn tolerate(
        &self,
        result: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        match result {
            Err(Error::InvalidCertificate(
                CertificateError::BadEncoding | CertificateError::Other(_),
            )) if self.roots.is_none() => Ok(HandshakeSignatureValid::assertion()),
            other => other,
        }
    }
}

fn in_time(cert: &CertificateDer<'_>, now: UnixTime) -> bool {
    x509_cert::Certificate::from_der(cert).is_ok_and(|c| {
        let validity = c.tbs_certificate.validity;
        let now = now.as_secs();
        validity.not_before.to_unix_duration().as_secs() <= now
            && now <= validity.not_after.to_unix_duration().as_secs()
    })
}

/// libpq's fallback: a certificate without alternative names counts by its common name.
fn common_name_fits(cert: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    const COMMON_NAME: &str = "2.5.4.3";
    const ALTERNATIVE_NAMES: &str = "2.5.29.17";
    let Ok(cert) = x509_cert::Certificate::from_der(cert) else {
        return false;
    };
    let cert = cert.tbs_certificate;
    let alternative = cert
        .extensions
        .iter()
        .flatten()
        .any(|e| e.extn_id.to_string() == ALTERNATIVE_NAMES);
    let wanted = name.to_str().to_ascii_lowercase();
    !alternative
        && cert
            .subject
            .0
            .iter()
            .flat_map(|part| part.0.iter())
            .filter(|attribute| attribute.oid.to_string() == COMMON_NAME)
            .any(|attribute| {
                let common = String::from_utf8_lossy(attribute.value.value()).to_ascii_lowercase();
                match common.strip_prefix("*.") {
                    Some(domain) => wanted
                        .split_once('.')
                        .is_some_and(|(_, rest)| rest == domain),
                    None => common == wanted,
                }
            })
}
