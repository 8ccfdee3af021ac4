//! A DNS of the test: answers TXT questions over UDP (RFC 1035).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;

/// What stands under each name; `None`: it answers nothing at all.
type Zone = Arc<Mutex<Option<HashMap<String, Vec<String>>>>>;

#[derive(Clone)]
pub(crate) struct TestDns {
    zone: Zone,
    pub(crate) at: SocketAddr,
}

impl TestDns {
    #[expect(clippy::disallowed_methods, reason = "a DNS of the test, which ends with it")]
    pub(crate) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let at = socket.local_addr().expect("an address");
        let zone: Zone = Arc::new(Mutex::new(Some(HashMap::new())));
        let known = zone.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
                let answer = {
                    let zone = known.lock().expect("unpoisoned");
                    zone.as_ref().map(|zone| answer(&buffer[..length], zone))
                };
                if let Some(answer) = answer {
                    socket.send_to(&answer, peer).await.expect("sends");
                }
            }
        });
        Self { zone, at }
    }

    pub(crate) fn put(&self, name: &str, texts: &[&str]) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        let mut zone = self.zone.lock().expect("unpoisoned");
        zone.get_or_insert_default().insert(name.to_owned(), texts);
    }

    pub(crate) fn clear(&self) {
        *self.zone.lock().expect("unpoisoned") = Some(HashMap::new());
    }

    pub(crate) fn fall_silent(&self) {
        *self.zone.lock().expect("unpoisoned") = None;
    }
}

/// The question again, with its answers.
fn answer(question: &[u8], zone: &HashMap<String, Vec<String>>) -> Vec<u8> {
    let (mut at, mut labels) = (12, Vec::new());
    while question[at] != 0 {
        let length = usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..at + 1 + length]).to_lowercase());
        at += 1 + length;
    }
    let asked = &question[12..at + 5];
    let texts = zone.get(&labels.join("."));
    let count = u16::try_from(texts.map_or(0, Vec::len)).expect("few");
    // A response, with recursion; without such a name: 3.
    let code = if texts.is_none() { 3 } else { 0 };
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1]);
    answer.extend(count.to_be_bytes());
    answer.extend([0, 0, 0, 0]);
    answer.extend(asked);
    for text in texts.into_iter().flatten() {
        let length = u8::try_from(text.len()).expect("short");
        answer.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
        answer.extend((u16::from(length) + 1).to_be_bytes());
        answer.push(length);
        answer.extend(text.as_bytes());
    }
    answer
}
