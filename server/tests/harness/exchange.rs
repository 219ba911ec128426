//! Plain HTTP as a browser or curl speaks it: one request, one answer, over a connection of its own.

#![allow(dead_code, clippy::unwrap_used)]

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value; "" if there is none.
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A text of the JSON body.
    pub fn text(&self, key: &str) -> String {
        self.json()[key].as_str().unwrap_or_else(|| panic!("no {key} in {:?}", self.json())).to_owned()
    }
}

/// Asks; `None` if the connection broke before an answer.
pub async fn try_ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Answer> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        head += &format!("host: {address}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if method == "POST" && !headers.iter().any(|(name, _)| matches!(*name, "content-length" | "transfer-encoding")) {
        head += &format!("content-length: {}\r\n", body.len());
    }
    let mut socket = TcpStream::connect(address).await.ok()?;
    let (mut reading, mut writing) = socket.split();
    // An answer may come before the body is through.
    let write = async {
        let _ = writing.write_all(head.as_bytes()).await;
        let _ = writing.write_all(b"\r\n").await;
        let _ = writing.write_all(body).await;
    };
    let mut bytes = Vec::new();
    let read = async {
        let _ = reading.read_to_end(&mut bytes).await;
    };
    tokio::join!(write, read);
    let end = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head, body: bytes[end + 4..].to_vec() })
}

/// Asks, and is answered.
pub async fn ask(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    try_ask(address, method, path, headers, body).await.expect("the connection broke")
}

/// GETs as the owner of a token.
pub async fn get(address: SocketAddr, token: &str, path: &str) -> Answer {
    ask(address, "GET", path, &[("authorization", &format!("Bearer {token}"))], &[]).await
}

/// Uploads a file as the owner of a token.
pub async fn upload(address: SocketAddr, token: &str, name: &str, body: &[u8]) -> Answer {
    let token = format!("Bearer {token}");
    ask(address, "POST", "/media", &[("authorization", &token), ("x-rookery-name", name)], body).await
}
