//! Requests to a server that fails.
#![expect(clippy::unwrap_used, reason = "a test fails that way")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, Request};
use scim_client::{Client, Retry, Unanswered};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that gives these answers, one to each connection; an empty one breaks off. Returns its URL and what it is sent.
async fn server(answers: &'static [&'static str]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/scim/v2/", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let noted = requests.clone();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 4096];
            let length = stream.read(&mut buffer).await.unwrap();
            noted.lock().unwrap().push(String::from_utf8_lossy(buffer.get(..length).unwrap()).to_lowercase());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, requests)
}

async fn send(url: &str, method: Method) -> Result<u16, Unanswered> {
    let retry =
        Retry::default().first_pause(Duration::from_millis(1)).longest_pause(Duration::from_millis(5));
    let client = Client::new(url, Some("secret".to_owned())).unwrap().with_retry(retry.attempts(3));
    let request = Request::builder().method(method).uri("/Users/7").body(b"{}".to_vec()).unwrap();
    client.send(request).await.map(|response| response.status().as_u16())
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
const BUSY: &str =
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const BROKEN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{}";

#[tokio::test]
async fn a_request_has_the_token_and_the_media_type() {
    let (url, requests) = server(&[OK]).await;
    assert_eq!(send(&url, Method::PUT).await, Ok(200));
    let request = requests.lock().unwrap().remove(0);
    assert!(request.starts_with("put /scim/v2/users/7 http/1.1\r\n"), "{request}");
    for header in [
        "authorization: bearer secret",
        "accept: application/scim+json",
        "content-type: application/scim+json",
    ] {
        assert!(request.contains(header), "{request}");
    }
}

#[tokio::test]
async fn every_request_is_sent_again_when_there_are_too_many() {
    let (url, requests) = server(&[BUSY, BUSY, OK]).await;
    assert_eq!(send(&url, Method::POST).await, Ok(200));
    assert_eq!(requests.lock().unwrap().len(), 3);
    let (url, _) = server(&[BUSY, BUSY, BUSY]).await;
    assert_eq!(send(&url, Method::POST).await, Ok(429), "the last answer counts");
}

#[tokio::test]
async fn after_503_only_what_does_no_harm_is_sent_again() {
    const AWAY: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let (url, requests) = server(&[AWAY, AWAY, OK]).await;
    assert_eq!(send(&url, Method::PUT).await, Ok(200));
    assert_eq!(requests.lock().unwrap().len(), 3);
    for method in [Method::POST, Method::PATCH] {
        let (url, requests) = server(&[AWAY, OK]).await;
        assert_eq!(send(&url, method).await, Ok(503), "it may have had an effect");
        assert_eq!(requests.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again_only_if_that_does_no_harm() {
    let (url, requests) = server(&["", BROKEN, OK]).await;
    assert_eq!(send(&url, Method::GET).await, Ok(200));
    assert_eq!(requests.lock().unwrap().len(), 3);
    let (url, requests) = server(&[BROKEN, OK]).await;
    let unanswered = send(&url, Method::POST).await.unwrap_err();
    assert!(!unanswered.is_unsent() && !unanswered.to_string().contains("127.0.0.1:"), "{unanswered}");
    assert_eq!(requests.lock().unwrap().len(), 1);
    let unanswered = send("http://127.0.0.1:1/", Method::POST).await.unwrap_err();
    assert!(unanswered.is_unsent(), "{unanswered}");
}

#[tokio::test]
async fn a_pause_can_be_ended() {
    const LATER: &str = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 100\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let (url, requests) = server(&[LATER, LATER, OK]).await;
    let pauses = Arc::new(Mutex::new(Vec::new()));
    let noted = pauses.clone();
    let client = Client::new(&url, None).unwrap().with_pause(move |time| {
        noted.lock().unwrap().push(time.as_secs());
        let is_first = noted.lock().unwrap().len() == 1;
        async move { is_first }
    });
    let response = client.send(Request::get("/Users").body(Vec::new()).unwrap()).await.unwrap();
    assert_eq!((response.status().as_u16(), requests.lock().unwrap().len()), (429, 2));
    assert!(pauses.lock().unwrap().iter().all(|pause| (100..=125).contains(pause)));
}

#[tokio::test]
async fn a_uri_that_is_not_a_path_is_not_sent() {
    let (url, requests) = server(&[OK]).await;
    let client = Client::new(&url, Some("secret".to_owned())).unwrap();
    for uri in ["evil.example:80", "https://evil.example/Users", "*"] {
        let request = Request::get(uri).body(Vec::new()).unwrap();
        assert!(client.send(request).await.unwrap_err().is_unsent(), "{uri}");
    }
    assert!(requests.lock().unwrap().is_empty());
}
