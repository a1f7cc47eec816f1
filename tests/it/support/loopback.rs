//! A server on loopback that a test answers for: it reads requests, whoever made it writes the answers. The host's own tests
//! include this file by its path.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use serde_json::Value;

/// Hands every request to `answer`: its head, its body where that is JSON, and the connection, which is closed behind it. Ends
/// with the process.
pub(crate) fn serve(answer: impl Fn(&str, &Value, &mut TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                if let Some((head, body)) = request(&mut reader) {
                    answer(&head, &body, &mut reader.into_inner());
                }
            });
        }
    });
    address
}

/// Head and body; nothing where the client is gone before they are whole.
fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, Value)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or_default() == 0 {
            return None;
        }
    }
    let length =
        head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or_default()];
    reader.read_exact(&mut body).ok()?;
    Some((head, serde_json::from_slice(&body).unwrap_or_default()))
}

/// Sends an answer with more `headers`, each ended by a line break.
pub(crate) fn send(stream: &mut TcpStream, status: &str, headers: &str, body: &str) {
    // The client may have hung up, which is its right.
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}
