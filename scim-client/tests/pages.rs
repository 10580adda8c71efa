//! Pages of resources, read from a server on a socket.
#![expect(clippy::unwrap_used, reason = "a test fails that way")]

use std::sync::{Arc, Mutex};

use scim_client::{Client, Discovery, ListQuery, Pages, RequestError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that gives these answers, one to each connection. Returns a client, and the URIs that it is sent.
async fn server(answers: Vec<Value>) -> (Client, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap()), None).unwrap();
    let uris = Arc::new(Mutex::new(Vec::new()));
    let noted = uris.clone();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 4096];
            let length = stream.read(&mut buffer).await.unwrap();
            let head = String::from_utf8_lossy(buffer.get(..length).unwrap()).into_owned();
            noted.lock().unwrap().push(head.split(' ').nth(1).unwrap().to_owned());
            let body = answer.to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await.unwrap();
        }
    });
    (client, uris)
}

async fn ids(pages: &mut Pages<'_>) -> Result<Vec<String>, RequestError> {
    let mut ids = Vec::new();
    while let Some(page) = pages.next().await? {
        ids.extend(page.resources.iter().map(|resource| resource["id"].as_str().unwrap().to_owned()));
    }
    Ok(ids)
}

#[tokio::test]
async fn pages_are_read_by_index_if_no_cursor_is_announced() {
    let (client, uris) = server(vec![
        json!({ "totalResults": 3, "Resources": [{ "id": "1" }, { "id": "2" }], "nextCursor": "ignored" }),
        json!({ "totalResults": 3, "Resources": [{ "id": "3" }] }),
    ])
    .await;
    let mut pages = Pages::new(&client, ListQuery::new("/Users").count(2), &Discovery::default());
    assert_eq!(ids(&mut pages).await.unwrap(), ["1", "2", "3"]);
    assert_eq!(*uris.lock().unwrap(), ["/Users?count=2&startIndex=1", "/Users?count=2&startIndex=3"]);
}

#[tokio::test]
async fn pages_are_read_with_cursors_if_they_are_announced() {
    let (client, uris) = server(vec![
        json!({ "totalResults": 2, "Resources": [{ "id": "1" }, { "id": "2" }], "nextCursor": "a&b" }),
        json!({ "unknown": true }),
    ])
    .await;
    let config =
        json!({ "pagination": { "cursor": true }, "filter": { "supported": true, "maxResults": 2 } });
    let mut pages = Pages::new(&client, ListQuery::new("/Users"), &Discovery::from_json(config));
    assert_eq!(
        ids(&mut pages).await.unwrap_err(),
        RequestError::NotUnderstood("it is not a list of resources")
    );
    assert_eq!(*uris.lock().unwrap(), ["/Users?count=2&cursor=", "/Users?count=2&cursor=a%26b"]);
    assert!(pages.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_page_that_comes_again_ends_the_pages() {
    let page = json!({ "totalResults": 100, "Resources": [{ "id": "1" }] });
    let (client, _) = server(vec![page.clone(), page]).await;
    let mut pages = Pages::new(&client, ListQuery::new("/Users"), &Discovery::default());
    assert_eq!(ids(&mut pages).await.unwrap_err(), RequestError::NotUnderstood("it is the same page again"));
}

#[tokio::test]
async fn empty_pages_without_an_end_are_an_error() {
    let config = json!({ "pagination": { "cursor": true } });
    let empty = |cursor: String| json!({ "totalResults": 9, "Resources": [], "nextCursor": cursor });
    for (answers, most) in [
        ((0..9).map(|_| empty("same".to_owned())).collect::<Vec<_>>(), 2),
        ((0..300).map(|number| empty(number.to_string())).collect(), 101),
    ] {
        let (client, uris) = server(answers).await;
        let mut pages = Pages::new(&client, ListQuery::new("/Users"), &Discovery::from_json(config.clone()));
        assert_eq!(ids(&mut pages).await.unwrap_err(), RequestError::NotUnderstood("the pages do not end"));
        assert_eq!(uris.lock().unwrap().len(), most);
    }
}
