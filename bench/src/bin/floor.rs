//! The floor: what a server costs that does nothing but pass bytes on. Stores nothing; one write per reader for all that
//! the sender had ready.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// The readers, and the number of messages so far.
type Room = Arc<Mutex<(Vec<TcpStream>, i64)>>;

fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("The floor is ready: http://{}", listener.local_addr()?);
    // Ends with the program that started it.
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let room = Room::default();
    for socket in listener.incoming() {
        let mut socket = socket?;
        socket.set_nodelay(true)?;
        let mut role = [0];
        socket.read_exact(&mut role)?;
        let room = room.clone();
        if role == *b"s" {
            room.lock().unwrap_or_else(PoisonError::into_inner).0.push(socket);
        } else {
            thread::spawn(move || serve(socket, &room));
        }
    }
    Ok(())
}

/// Takes a sender's messages (length, text) and passes them on with their positions.
fn serve(mut socket: TcpStream, room: &Room) -> std::io::Result<()> {
    let (mut bytes, mut scratch) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let count = socket.read(&mut scratch)?;
        if count == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&scratch[..count]);
        let mut room = room.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut out, mut answers, mut rest) = (Vec::new(), Vec::new(), bytes.as_slice());
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let size = u32::from_le_bytes(*length) as usize;
            let Some((text, next)) = after.split_at_checked(size) else { break };
            room.1 += 1;
            let position = room.1.to_le_bytes();
            out.extend_from_slice(&[length.as_slice(), &position, text].concat());
            answers.extend_from_slice(&[0u32.to_le_bytes().as_slice(), &position].concat());
            rest = next;
        }
        let left = rest.len();
        bytes.drain(..bytes.len() - left);
        room.0.retain_mut(|reader| reader.write_all(&out).is_ok());
        socket.write_all(&answers)?;
    }
}
