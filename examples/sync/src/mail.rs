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
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&config.smtp_url)
            .map_err(|_| {
                "mail.smtp_url: write a URL such as smtps://user:password@mail.example.com".to_owned()
            })?
            .timeout(Some(std::time::Duration::from_secs(30)))
            .build();
        Ok(Self { transport, config: config.clone(), from })
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
        let message = self.message(notice).map_err(SendError::NotSent)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            // The server has said no, or was not reached. Anything else may have happened after it had said yes.
            Err(error) if error.is_permanent() || error.is_transient() || error.is_client() => {
                Err(SendError::NotSent(with_causes(&error)))
            }
            Err(error) if is_refused_connection(&error) => Err(SendError::NotSent(with_causes(&error))),
            Err(error) => Err(SendError::Unknown(with_causes(&error))),
        }
    }
}

/// Whether no connection was made.
fn is_refused_connection(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::ConnectionRefused;
        }
        cause = error.source();
    }
    false
}
