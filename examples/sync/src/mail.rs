//! Notices by e-mail.

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use scim_core::with_causes;
use scim_sync::{Notice, NoticeKind, Notifier, SendError, async_trait};
use serde::Deserialize;

/// How mails are sent.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// The server: `smtps://user:password@mail.example.com`, `smtp://mail.example.com:587?tls=required`; or the variable
    /// `SYNC_SMTP_URL`.
    #[serde(default)]
    pub smtp_url: String,
    /// The sender.
    pub from: String,
    /// The subject of the welcome.
    #[serde(default = "welcome_subject")]
    pub welcome_subject: String,
    /// The text of the welcome. `{person}` stands for the person's name at sign-in.
    #[serde(default = "welcome_text")]
    pub welcome_text: String,
}

fn welcome_subject() -> String {
    "Your new account".to_owned()
}

fn welcome_text() -> String {
    "An account was created for you. Sign in as {person}.".to_owned()
}

/// Sends mails to an SMTP server.
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    config: MailConfig,
    from: Mailbox,
}

impl std::fmt::Debug for MailConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL of the server has a password.
        f.debug_struct("MailConfig").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Mailer {
    /// What is wrong with the configuration is the error.
    pub(crate) fn new(config: &MailConfig) -> Result<Self, String> {
        let from = config.from.parse().map_err(|_| "mail.from: write an e-mail address".to_owned())?;
        if config.smtp_url.is_empty() {
            return Err("mail.smtp_url: write the URL of the server, or set SYNC_SMTP_URL".to_owned());
        }
        if !is_protected(&config.smtp_url) {
            return Err("mail.smtp_url: write smtps://, or add ?tls=required; mails go without TLS only to this machine".to_owned());
        }
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&config.smtp_url)
            .map_err(|_| {
                "mail.smtp_url: write a URL such as smtps://user:password@mail.example.com".to_owned()
            })?
            .timeout(Some(std::time::Duration::from_secs(30)))
            .build();
        Ok(Self { transport, config: config.clone(), from })
    }

    /// Checks that the server can be reached, and accepts the credentials.
    pub(crate) async fn check(&self) -> Result<(), String> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the mail server refuses the connection".to_owned()),
            Err(error) => Err(format!("the mail server cannot be used: {}", with_causes(&error))),
        }
    }

    fn message(&self, notice: &Notice) -> Result<Message, String> {
        let to: Mailbox = notice.to.parse().map_err(|_| "the address is not one".to_owned())?;
        let person = &notice.person;
        let (subject, text) = match notice.kind {
            NoticeKind::Welcome => {
                (self.config.welcome_subject.clone(), self.config.welcome_text.replace("{person}", person))
            }
            NoticeKind::Copy => ("A new user".to_owned(), format!("{person} was created.")),
            _ => ("Problems of the synchronization".to_owned(), notice.lines.join("\n")),
        };
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(subject)
            .header(lettre::message::header::ContentType::TEXT_PLAIN)
            .body(text + "\n")
            .map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Notifier for Mailer {
    async fn send(&self, notice: &Notice) -> Result<(), SendError> {
        let message = self.message(notice).map_err(SendError::Refused)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(SendError::Refused(with_causes(&error))),
            Err(error) if error.is_transient() || error.is_client() => {
                Err(SendError::NotSent(with_causes(&error)))
            }
            // Anything else may have happened after the server had accepted it.
            Err(error) => Err(SendError::Unknown(with_causes(&error))),
        }
    }
}

/// Whether mails and the password are encrypted on their way, or do not leave this machine.
fn is_protected(url: &str) -> bool {
    let Ok(parsed) = url.parse::<http::Uri>() else { return true };
    let is_loopback = parsed.host().is_some_and(|host| matches!(host, "127.0.0.1" | "[::1]" | "localhost"));
    let requires_tls =
        parsed.query().is_some_and(|query| query.split('&').any(|part| part == "tls=required"));
    parsed.scheme_str() != Some("smtp") || is_loopback || requires_tls
}
