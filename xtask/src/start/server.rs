//! The server as a child: its port, its line when it is ready, its end.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use crate::{Outcome, child, place, stop};

const READY: &str = "Rookery is ready: ";
const READY_WITHIN: Duration = Duration::from_secs(60);
const LISTEN: &str = "127.0.0.1:7878";

/// A running server.
pub struct Server {
    pub child: Child,
    /// As the server itself says it.
    pub url: String,
    pub ready_after: Duration,
}

impl Server {
    /// Starts it and waits for its line.
    pub fn start(program: &Path, arguments: &[String]) -> Outcome<Self> {
        let begun = Instant::now();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(place::root()?).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = child::spawn(&mut command)?;
        let stdout = child.stdout.take().ok_or("the server's output is not piped")?;
        match await_ready(&mut child, &show(stdout)) {
            Ok(url) => Ok(Server { child, url, ready_after: begun.elapsed() }),
            Err(sentence) => {
                child::end(&mut child);
                Err(sentence)
            }
        }
    }

    /// The address without its scheme, as grpcurl takes it.
    pub fn authority(&self) -> &str {
        self.url.split_once("://").map_or(self.url.as_str(), |(_, authority)| authority)
    }

    /// Where a browser on this machine finds its client. Browsers keep a session without TLS on loopback alone.
    pub fn page(&self) -> String {
        let address: Option<SocketAddr> = self.authority().parse().ok();
        match address {
            Some(address) if address.ip().is_unspecified() => format!("http://127.0.0.1:{}/", address.port()),
            _ => format!("{}/", self.url),
        }
    }

    /// Ends it and says so, since draining its streams may take a moment.
    pub fn end(&mut self) {
        child::end(&mut self.child);
        println!("The server has ended.");
    }
}

/// Shows the server's lines as they come, and sends the address when its line is among them.
fn show(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            println!("{line}");
            if let Some(url) = line.strip_prefix(READY) {
                // Only the first one is waited for.
                let _ = sender.send(url.trim().to_owned());
            }
        }
    });
    receiver
}

fn await_ready(child: &mut Child, ready: &Receiver<String>) -> Outcome<String> {
    let deadline = Instant::now() + READY_WITHIN;
    while Instant::now() < deadline {
        match ready.recv_timeout(Duration::from_millis(100)) {
            Ok(url) => return Ok(url),
            // Its output is closed: it has ended, or is about to.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(Duration::from_millis(100)),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if stop::received().is_some() {
            return Err("stopped".to_owned());
        }
        if let Some(status) = child::look(child)? {
            return Err(format!("the server ended before it was ready ({status}); it says above why"));
        }
    }
    Err(format!("the server was not ready within {} s", READY_WITHIN.as_secs()))
}

/// Says at once, before anything is built, that somebody else has the port.
pub fn refuse_taken_port(arguments: &[String]) -> Outcome {
    let listen = listen_address(arguments);
    // An address that cannot be read is the server's to explain.
    let Some(address) = listen.to_socket_addrs().ok().and_then(|mut addresses| addresses.next()) else {
        return Ok(());
    };
    let address = SocketAddr::new(
        if address.ip().is_unspecified() { [127, 0, 0, 1].into() } else { address.ip() },
        address.port(),
    );
    if address.port() == 0 {
        return Ok(());
    }
    let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else {
        return Ok(());
    };
    Err(if is_rookery(stream, address).unwrap_or(false) {
        format!(
            "a Rookery runs at http://{address} already. Use that one (`cargo run -p rookery` opens a window), end it, \
             or start a second one beside it: cargo xtask start -- --listen 127.0.0.1:7879 --data ~/rookery-second"
        )
    } else {
        format!("another program has {address}. Choose another port: cargo xtask start -- --listen 127.0.0.1:7879")
    })
}

fn listen_address(arguments: &[String]) -> String {
    let after =
        arguments.iter().position(|word| word == "--listen").and_then(|place| arguments.get(place + 1)).cloned();
    let joined = || arguments.iter().find_map(|word| word.strip_prefix("--listen=").map(str::to_owned));
    after.or_else(joined).or_else(|| std::env::var("ROOKERY_LISTEN").ok()).unwrap_or_else(|| LISTEN.to_owned())
}

/// Asks for GetServerInfo by gRPC-web, which is plain HTTP: only a Rookery knows that method.
fn is_rookery(mut stream: TcpStream, address: SocketAddr) -> std::io::Result<bool> {
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.set_write_timeout(Some(Duration::from_secs(1)))?;
    write!(
        stream,
        "POST /rookery.v1.ServerService/GetServerInfo HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\ncontent-length: 5\r\n\r\n\0\0\0\0\0"
    )?;
    let mut reply = Vec::new();
    // Whatever comes within the time limit will do.
    let _ = stream.take(16 * 1024).read_to_end(&mut reply);
    let reply = String::from_utf8_lossy(&reply).to_lowercase();
    Ok(reply.contains("grpc-status:0") || reply.contains("grpc-status: 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_servers_flags() {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(listen_address(&words("--data x --listen 127.0.0.1:1")), "127.0.0.1:1");
        assert_eq!(listen_address(&words("--listen=127.0.0.1:2")), "127.0.0.1:2");
    }

    #[test]
    fn a_port_that_answers_otherwise_is_no_rookery() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || listener.accept().unwrap().0.write_all(b"HTTP/1.1 404 Not Found\r\n\r\n"));
        let sentence = refuse_taken_port(&["--listen".to_owned(), address.to_string()]).unwrap_err();
        assert!(sentence.starts_with("another program has"), "{sentence}");
    }
}
