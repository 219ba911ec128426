//! The floor's client: length, position, bytes. The same shape of reading as `wire`, without a protocol.

use std::{cell::RefCell, collections::VecDeque, net::SocketAddr, rc::Rc};

use tokio::{io::AsyncWriteExt, net::TcpStream, sync::oneshot};

use crate::{Outcome, fault};

/// Connects as a reader; each message's position goes to the listener.
pub async fn listen(address: SocketAddr, listener: impl FnMut(i64) + 'static) -> Outcome {
    let socket = connect(address, b's').await?;
    tokio::task::spawn_local(async move { read(&socket, listener).await });
    Ok(())
}

/// Connects as the sender.
pub struct Pipe {
    socket: Rc<TcpStream>,
    waiting: Rc<RefCell<VecDeque<oneshot::Sender<i64>>>>,
}

impl Pipe {
    pub async fn connect(address: SocketAddr) -> Outcome<Self> {
        let socket = Rc::new(connect(address, b'p').await?);
        let waiting: Rc<RefCell<VecDeque<oneshot::Sender<i64>>>> = Rc::default();
        let (reading, answers) = (socket.clone(), waiting.clone());
        tokio::task::spawn_local(async move {
            read(&reading, |position| {
                if let Some(reply) = answers.borrow_mut().pop_front() {
                    let _ = reply.send(position);
                }
            })
            .await;
        });
        Ok(Self { socket, waiting })
    }

    /// Sends a text and answers its position.
    pub async fn send(&self, text: &str) -> Outcome<i64> {
        let (reply, answer) = oneshot::channel();
        self.waiting.borrow_mut().push_back(reply);
        let mut frame = u32::try_from(text.len()).map_err(fault("a text"))?.to_le_bytes().to_vec();
        frame.extend_from_slice(text.as_bytes());
        let mut rest = frame.as_slice();
        while !rest.is_empty() {
            self.socket.writable().await.map_err(fault("the floor"))?;
            match self.socket.try_write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(format!("the floor: {error}")),
            }
        }
        answer.await.map_err(fault("the floor is gone"))
    }
}

async fn connect(address: SocketAddr, role: u8) -> Outcome<TcpStream> {
    let mut socket = TcpStream::connect(address).await.map_err(fault("no connection"))?;
    socket.set_nodelay(true).map_err(fault("nodelay"))?;
    socket.write_all(&[role]).await.map_err(fault("the floor"))?;
    Ok(socket)
}

/// Reads frames of a length (4 bytes), a position (8 bytes) and a text.
async fn read(socket: &TcpStream, mut listener: impl FnMut(i64)) {
    let mut bytes: Vec<u8> = Vec::new();
    let mut scratch = vec![0; 64 * 1024];
    while socket.readable().await.is_ok() {
        match socket.try_read(&mut scratch) {
            Ok(0) => return,
            Ok(count) => bytes.extend_from_slice(&scratch[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => return,
        }
        let mut rest = bytes.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            let Some((position, text)) = after.split_first_chunk::<8>() else { break };
            if text.len() < length {
                break;
            }
            listener(i64::from_le_bytes(*position));
            rest = &text[length..];
        }
        let left = rest.len();
        bytes.drain(..bytes.len() - left);
    }
}
