//! A way to a Redis server, which counts what goes along it.
//!
//! Clients of Redis tell nobody what they send. What they write at once is one statement: a command, or a pipeline.

use std::io::{Read, Write, copy};
use std::net::{TcpListener, TcpStream};
use std::thread::spawn;

use crate::traffic;

/// What clients send by themselves at the start of a connection.
const HANDSHAKE: [&str; 5] = ["AUTH", "CLIENT", "HELLO", "PING", "SELECT"];

/// The most that is taken for one write.
const LONGEST: usize = 1 << 16;

/// An address that leads to a server.
pub(crate) fn to(place: &str) -> String {
    let server = place.trim_start_matches("redis://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    spawn(move || {
        for client in listener.incoming() {
            connect(client.expect("a client connects"), &server);
        }
    });
    format!("redis://{address}")
}

fn connect(client: TcpStream, server: &str) {
    let server = TcpStream::connect(server).expect("the server can be reached");
    for end in [&client, &server] {
        end.set_nodelay(true).expect("it is connected");
    }
    let replies = (server.try_clone(), client.try_clone());
    if let (Ok(mut from), Ok(mut to)) = replies {
        spawn(move || copy(&mut from, &mut to));
    }
    spawn(move || pass_on(client, server));
}

fn pass_on(mut client: TcpStream, mut server: TcpStream) {
    let mut buffer = vec![0; LONGEST];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let sent = &buffer[..length];
        let name = first_name(sent);
        if !HANDSHAKE.contains(&name.as_str()) {
            traffic::sent(&name);
        }
        server.write_all(sent).expect("the server listens");
    }
}

/// The name of the first command of what was written: `GET` of `*2`, `$3`, `GET`, `$1`, `a`, one a line.
fn first_name(sent: &[u8]) -> String {
    let text = String::from_utf8_lossy(sent);
    text.lines().nth(2).unwrap_or_default().to_ascii_uppercase()
}
