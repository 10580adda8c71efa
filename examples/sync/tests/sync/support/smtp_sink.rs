//! An SMTP server on this machine, which keeps what it is sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SinkFault {
    /// It is kept.
    None,
    /// The recipient is refused.
    Refuse,
    /// It is kept, and the connection breaks off before the answer.
    BreakOff,
}

#[derive(Clone)]
pub(crate) struct SmtpSink {
    address: SocketAddr,
    messages: Arc<Mutex<Vec<String>>>,
    fault: Arc<Mutex<SinkFault>>,
}

impl SmtpSink {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sink = Self { address, messages: Arc::default(), fault: Arc::new(Mutex::new(SinkFault::None)) };
        let serving = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sink = serving.clone();
                tokio::spawn(async move { sink.serve(stream).await });
            }
        });
        sink
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    pub(crate) fn set_fault(&self, fault: SinkFault) {
        *self.fault.lock().unwrap() = fault;
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap().clone()
    }

    /// The recipients of all messages, sorted.
    pub(crate) fn recipients(&self) -> Vec<String> {
        let to = |message: &String| {
            let line = message.lines().find(|line| line.starts_with("To: ")).unwrap();
            line.trim_start_matches("To: ").to_owned()
        };
        let mut recipients: Vec<_> = self.messages().iter().map(to).collect();
        recipients.sort();
        recipients
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        writer.write_all(b"220 sink ready\r\n").await.ok()?;
        while let Some(line) = lines.next_line().await.ok()? {
            let fault = *self.fault.lock().unwrap();
            let answer: &[u8] = match line.split(' ').next().unwrap_or_default() {
                "RCPT" if fault == SinkFault::Refuse => b"550 no such user\r\n",
                "DATA" => {
                    writer.write_all(b"354 go ahead\r\n").await.ok()?;
                    let mut message = String::new();
                    loop {
                        let line = lines.next_line().await.ok()??;
                        if line == "." {
                            break;
                        }
                        message.push_str(&line);
                        message.push('\n');
                    }
                    self.messages.lock().unwrap().push(message);
                    if fault == SinkFault::BreakOff {
                        return None;
                    }
                    b"250 kept\r\n"
                }
                "QUIT" => return writer.write_all(b"221 bye\r\n").await.ok(),
                _ => b"250 ok\r\n",
            };
            writer.write_all(answer).await.ok()?;
        }
        None
    }
}
