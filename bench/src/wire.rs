//! A lean gRPC client over HTTP/2, only as much as measuring needs: it never decodes headers (a call has succeeded when a
//! message came before its end) and hands event bytes on undecoded, so that the generator takes little of the processor
//! time that it measures. Lives on one thread.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    net::SocketAddr,
    rc::Rc,
};

use prost::Message;
use tokio::{
    io::Interest,
    net::TcpStream,
    sync::{Semaphore, oneshot},
};

use crate::{Outcome, fault};

/// Both windows; renewed when half is used, as other clients do.
const WINDOW: u32 = 1024 * 1024;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

thread_local! {
    /// One buffer to read into for all connections: ten thousand idle ones must not cost ten thousand buffers.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 * 1024]);
}

type Reply = oneshot::Sender<Outcome<Vec<u8>>>;
type Listener = Box<dyn FnMut(&[u8])>;

/// One connection of one user.
pub struct Wire {
    socket: TcpStream,
    authority: String,
    token: String,
    next_stream: Cell<u32>,
    /// More calls than this wait here: beyond its limit of streams the server refuses.
    places: Semaphore,
    /// The stream of events; 0: none.
    events: Cell<u32>,
    listener: RefCell<Option<Listener>>,
    waiting: RefCell<HashMap<u32, Reply>>,
    unsent: RefCell<Vec<u8>>,
    ended: RefCell<Option<String>>,
}

impl Wire {
    /// Connects, and keeps reading until the connection ends.
    pub async fn connect(address: SocketAddr, token: &str) -> Outcome<Rc<Self>> {
        let socket = TcpStream::connect(address).await.map_err(fault("no connection"))?;
        socket.set_nodelay(true).map_err(fault("nodelay"))?;
        let wire = Rc::new(Self {
            socket,
            authority: address.to_string(),
            token: token.into(),
            next_stream: Cell::new(1),
            places: Semaphore::new(60),
            events: Cell::new(0),
            listener: RefCell::default(),
            waiting: RefCell::default(),
            unsent: RefCell::default(),
            ended: RefCell::default(),
        });
        let mut hello = PREFACE.to_vec();
        let mut settings = Vec::new();
        for (name, value) in [(2u16, 0u32), (4, WINDOW)] {
            settings.extend_from_slice(&name.to_be_bytes());
            settings.extend_from_slice(&value.to_be_bytes());
        }
        put_frame(&mut hello, SETTINGS, 0, 0, &settings);
        put_frame(&mut hello, WINDOW_UPDATE, 0, 0, &(WINDOW - 65_535).to_be_bytes());
        wire.write(&hello)?;
        let reading = wire.clone();
        tokio::task::spawn_local(async move {
            let reason = reading.read().await;
            *reading.ended.borrow_mut() = Some(reason.clone());
            for (_, reply) in reading.waiting.borrow_mut().drain() {
                let _ = reply.send(Err(reason.clone()));
            }
        });
        Ok(wire)
    }

    /// Subscribes to everything; each event goes to the listener. Once per connection.
    pub fn subscribe(&self, listener: impl FnMut(&[u8]) + 'static) -> Outcome {
        *self.listener.borrow_mut() = Some(Box::new(listener));
        self.events.set(self.next_stream.get());
        self.request("/rookery.v1.EventService/Subscribe", &rookery_api::v1::SubscribeRequest::default())
    }

    /// Calls a unary method and answers the message's bytes.
    pub async fn call<M: Message, R: Message + Default>(&self, path: &str, message: &M) -> Outcome<R> {
        let _place = self.places.acquire().await.map_err(fault(path))?;
        let (reply, answer) = oneshot::channel();
        self.waiting.borrow_mut().insert(self.next_stream.get(), reply);
        self.request(path, message)?;
        let bytes = answer.await.map_err(fault("the connection is gone"))?.map_err(fault(path))?;
        R::decode(bytes.as_slice()).map_err(fault("the answer cannot be decoded"))
    }

    /// Why the connection ended, if it has.
    pub fn ended(&self) -> Option<String> {
        self.ended.borrow().clone()
    }

    fn request<M: Message>(&self, path: &str, message: &M) -> Outcome {
        if let Some(reason) = self.ended() {
            return Err(reason);
        }
        let stream = self.next_stream.get();
        self.next_stream.set(stream + 2);
        let mut body = vec![0; 5];
        message.encode(&mut body).map_err(fault("a request"))?;
        let length = u32::try_from(body.len() - 5).map_err(fault("a request"))?;
        body[1..5].copy_from_slice(&length.to_be_bytes());
        let mut frames = Vec::with_capacity(256 + body.len());
        put_frame(&mut frames, HEADERS, END_HEADERS, stream, &self.headers(path));
        put_frame(&mut frames, DATA, END_STREAM, stream, &body);
        self.write(&frames)
    }

    /// The header block: static table entries and plain literals, nothing indexed, so that no state is shared.
    fn headers(&self, path: &str) -> Vec<u8> {
        let mut block = vec![0x83, 0x86]; // :method POST, :scheme http
        put_text(&mut block, &[0x04], path);
        put_text(&mut block, &[0x01], &self.authority);
        put_text(&mut block, &[0x0f, 0x10], "application/grpc");
        put_text(&mut block, &[0x00, 2, b't', b'e'], "trailers");
        if !self.token.is_empty() {
            put_text(&mut block, &[0x0f, 0x08], &format!("Bearer {}", self.token));
        }
        block
    }

    fn write(&self, bytes: &[u8]) -> Outcome {
        let mut unsent = self.unsent.borrow_mut();
        unsent.extend_from_slice(bytes);
        self.flush(&mut unsent)
    }

    fn flush(&self, unsent: &mut Vec<u8>) -> Outcome {
        while !unsent.is_empty() {
            match self.socket.try_write(unsent) {
                Ok(count) => drop(unsent.drain(..count)),
                // The kernel's buffer is full, or the socket is not known to be writable yet: the reader goes on.
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(format!("writing: {error}")),
            }
        }
        Ok(())
    }

    async fn read(&self) -> String {
        let mut reading = Reading { wire: self, partial: Vec::new(), message: Vec::new(), unread: [0; 2] };
        loop {
            let interest = match self.unsent.borrow().is_empty() {
                true => Interest::READABLE,
                false => Interest::READABLE | Interest::WRITABLE,
            };
            let outcome = match self.socket.ready(interest).await {
                Ok(_) => reading.take(),
                Err(error) => Err(error.to_string()),
            };
            if let Err(reason) = outcome {
                return reason;
            }
        }
    }
}

/// What has come in part.
struct Reading<'a> {
    wire: &'a Wire,
    /// The beginning of a frame.
    partial: Vec<u8>,
    /// The beginning of an event.
    message: Vec<u8>,
    /// Bytes since the windows of the connection and of the event stream were renewed.
    unread: [u32; 2],
}

impl Reading<'_> {
    fn take(&mut self) -> Outcome {
        self.wire.flush(&mut self.wire.unsent.borrow_mut())?;
        SCRATCH.with_borrow_mut(|scratch| {
            let count = match self.wire.socket.try_read(scratch) {
                Ok(0) => return Err("the server closed the connection".into()),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(format!("reading: {error}")),
            };
            if self.partial.is_empty() {
                let rest = self.frames(&scratch[..count])?;
                self.partial.extend_from_slice(&scratch[count - rest..count]);
            } else {
                let mut bytes = std::mem::take(&mut self.partial);
                bytes.extend_from_slice(&scratch[..count]);
                let rest = self.frames(&bytes)?;
                bytes.drain(..bytes.len() - rest);
                self.partial = bytes;
            }
            Ok(())
        })?;
        self.renew()
    }

    /// Handles whole frames; answers how many bytes are left.
    fn frames(&mut self, mut bytes: &[u8]) -> Outcome<usize> {
        while let [l0, l1, l2, kind, flags, s0, s1, s2, s3, rest @ ..] = bytes {
            let length = u32::from_be_bytes([0, *l0, *l1, *l2]) as usize;
            if rest.len() < length {
                break;
            }
            let stream = u32::from_be_bytes([*s0 & 0x7f, *s1, *s2, *s3]);
            self.frame(*kind, *flags, stream, &rest[..length])?;
            bytes = &rest[length..];
        }
        Ok(bytes.len())
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Outcome {
        match kind {
            DATA => self.unread[0] += u32::try_from(payload.len()).unwrap_or(u32::MAX),
            SETTINGS if flags & ACK == 0 => self.answer(SETTINGS, &[])?,
            PING if flags & ACK == 0 => self.answer(PING, payload)?,
            GOAWAY => return Err("the server said goodbye".into()),
            SETTINGS | PING | WINDOW_UPDATE | CONTINUATION => return Ok(()),
            _ => {}
        }
        let ended = kind == RST_STREAM || (matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0);
        if stream == self.wire.events.get() && stream != 0 {
            if kind == DATA {
                self.unread[1] += u32::try_from(payload.len()).unwrap_or(u32::MAX);
                self.events(payload);
            }
            return if ended { Err("the event stream ended".into()) } else { Ok(()) };
        }
        let mut waiting = self.wire.waiting.borrow_mut();
        if kind == DATA && payload.len() >= 5 {
            // Small answers come in one frame; the message is there before the status, which has no more to say then.
            if payload.len() != 5 + length_of(payload) {
                return Err("an answer came in several frames".into());
            }
            if let Some(reply) = waiting.remove(&stream) {
                let _ = reply.send(Ok(payload[5..].to_vec()));
            }
        } else if ended && let Some(reply) = waiting.remove(&stream) {
            let _ = reply.send(Err("the server refused a call".into()));
        }
        Ok(())
    }

    /// Hands whole events on.
    fn events(&mut self, payload: &[u8]) {
        let mut listener = self.wire.listener.borrow_mut();
        let Some(listener) = listener.as_mut() else { return };
        let joined;
        let mut bytes = payload;
        if !self.message.is_empty() {
            self.message.extend_from_slice(payload);
            joined = std::mem::take(&mut self.message);
            bytes = &joined;
        }
        while bytes.len() >= 5 && bytes.len() >= 5 + length_of(bytes) {
            let (event, rest) = bytes.split_at(5 + length_of(bytes));
            listener(&event[5..]);
            bytes = rest;
        }
        self.message.extend_from_slice(bytes);
    }

    fn answer(&self, kind: u8, payload: &[u8]) -> Outcome {
        let mut frame = Vec::new();
        put_frame(&mut frame, kind, ACK, 0, payload);
        self.wire.write(&frame)
    }

    fn renew(&mut self) -> Outcome {
        let mut frames = Vec::new();
        for (unread, stream) in self.unread.iter_mut().zip([0, self.wire.events.get()]) {
            if *unread > WINDOW / 2 {
                put_frame(&mut frames, WINDOW_UPDATE, 0, stream, &unread.to_be_bytes());
                *unread = 0;
            }
        }
        if frames.is_empty() { Ok(()) } else { self.wire.write(&frames) }
    }
}

fn length_of(bytes: &[u8]) -> usize {
    u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize
}

fn put_frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// A literal header without Huffman coding; its value must be shorter than 127 bytes.
fn put_text(block: &mut Vec<u8>, name: &[u8], value: &str) {
    debug_assert!(value.len() < 127, "longer lengths take more bytes in HPACK");
    block.extend_from_slice(name);
    block.push(u8::try_from(value.len()).unwrap_or(126));
    block.extend_from_slice(value.as_bytes());
}
