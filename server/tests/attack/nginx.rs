//! A real nginx in front, set up by the very lines of docs/proxy.md.

use std::{
    fs,
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rookery_client::{Code, v1};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::{
    harness::{Backend, Person, Store, fault, in_full},
    request::{Client, framed, until},
    target::{Target, free_port},
    tls::{Authority, BOTH},
};

/// Ended when dropped.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it, when it is asked.
        let _ = Command::new("kill").args(["-QUIT", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

/// Starts nginx with the server block of the documentation; only addresses and files are others.
async fn start(folder: &Path, authority: &Authority, upstream: SocketAddr) -> (Nginx, SocketAddr) {
    let docs = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/proxy.md")).unwrap();
    let block = docs.split("```nginx\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let [chain, key] = authority.sign(folder);
    let address = free_port().await;
    let block = block
        .replace("listen 443", &format!("listen {address}"))
        .replace("127.0.0.1:7878", &upstream.to_string())
        .replace("/etc/ssl/chat.example.org.pem", chain.to_str().unwrap())
        .replace("/etc/ssl/chat.example.org.key", key.to_str().unwrap());
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("    {name}_temp_path {}/{name};\n", folder.display()))
        .collect();
    let whole = format!(
        "daemon off;\nworker_processes 1;\npid {0}/nginx.pid;\nerror_log {0}/nginx.log;\nevents {{}}\nhttp {{\n    access_log off;\n{paths}{block}}}\n",
        folder.display()
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, whole).unwrap();
    // Ordinary users have /usr/sbin not on their search path.
    let program = Some("/usr/sbin/nginx").filter(|path| Path::new(path).exists()).unwrap_or("nginx");
    let mut command = Command::new(program);
    command.arg("-c").arg(&file).arg("-p").arg(folder).arg("-e").arg(folder.join("nginx.log")).stdin(Stdio::null());
    let nginx = Nginx(command.process_group(0).spawn().expect("nginx is not installed: run `cargo xtask test`"));
    let begun = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        let log = || fs::read_to_string(folder.join("nginx.log")).unwrap_or_default();
        assert!(begun.elapsed() < Duration::from_secs(50), "nginx does not start: {}", log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (nginx, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_passes_everything_on_as_the_documentation_sets_it_up() {
    let folder = Store::new(Backend::Sqlite).await;
    let log = folder.dir.join("server.log");
    let script = format!("exec \"$0\" \"$@\" 2>{}", log.display());
    let level = "ROOKERY_LOG_LEVEL=warn,security=info";
    let target = Target::with("", &["sh", "-c", &script, "env", level]).await;
    let authority = Authority::new();
    let (_nginx, address) = start(&folder.dir, &authority, target.server.address).await;
    // Another address of this machine, so that it can be told from nginx's own.
    let connect = async |protocol: &[u8]| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.5:0".parse().unwrap()).unwrap();
        authority.connect(socket.connect(address).await.unwrap(), BOTH, protocol).await
    };
    let ada = Person::register(&target.server.url(), "ada").await;
    let token = format!("Bearer {}", ada.token);

    // Native gRPC: a call, and a stream whose events come at once.
    let mut client = Client::over(connect(b"h2").await).await;
    let (code, message, _) = client.call("ServerService/GetServerInfo", &[], &[0; 5]).await;
    assert_eq!(code, Code::Ok, "{message}");
    let mut events = client.stream("EventService/Subscribe", &[("authorization", &token)], &[0; 5]).await;
    let quiet = Duration::from_secs(if in_full() { 3 * 60 } else { 1 });
    tokio::time::sleep(quiet).await;
    let begun = Instant::now();
    ada.say(1, "through nginx").await;
    until(&mut events, b"through nginx").await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());

    // Who signs in from where is known, whatever she says of herself.
    let wrong = v1::SignInRequest { name: "ada".into(), password: "wrong".into(), ..Default::default() };
    let forged = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "http")];
    let (code, ..) = client.call("AccountService/SignIn", &forged, &framed(&wrong)).await;
    assert_eq!(code, Code::Unauthenticated);
    let said = fs::read_to_string(&log).unwrap();
    let line = said.lines().find(|line| line.contains("SignIn")).unwrap_or_else(|| panic!("not in {said}"));
    assert!(line.contains("address=127.0.0.5") && line.contains("UNAUTHENTICATED"), "{line}");
    assert!(!said.contains("6.6.6.6") && !said.contains("wrong"), "{said}");

    // gRPC-web over both, with the cookie that TLS allows.
    let register = v1::RegisterRequest {
        name: "bob".into(),
        password: crate::harness::PASSWORD.into(),
        browser: true,
        ..Default::default()
    };
    let body = framed(&register);
    let head = format!(
        "POST /rookery.v1.AccountService/Register HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: \
         application/grpc-web+proto\r\nx-grpc-web: 1\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer = say(connect(b"http/1.1").await, &[head.as_bytes(), &body].concat()).await;
    assert!(answer.contains("set-cookie: __host-rookery="), "{answer}");
    let answer =
        say(connect(b"http/1.1").await, b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("http/1.1 200") && answer.contains("strict-transport-security"), "{answer}");
    let web = [("authorization", token.as_str()), ("content-type", "application/grpc-web+proto")];
    let mut events = client.stream("EventService/Subscribe", &web, &[0; 5]).await;
    ada.say(1, "to a page").await;
    until(&mut events, b"to a page").await;

    // An upload that is larger than any buffer on the way.
    let size = 20 << 20;
    let head = format!(
        "POST /media HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: {token}\r\nx-rookery-name: \
         large\r\ncontent-length: {size}\r\n\r\n"
    );
    let answer = say(connect(b"http/1.1").await, &[head.into_bytes(), vec![7; size]].concat()).await;
    assert!(answer.starts_with("http/1.1 200") && answer.contains(&format!("\"size\":\"{size}\"")), "{answer}");
    fault::none_in(&log);
}

/// Says something and reads to the end; in lower case.
async fn say<S: AsyncReadExt + AsyncWriteExt + Unpin>(mut socket: S, words: &[u8]) -> String {
    socket.write_all(words).await.unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).to_lowercase()
}
