//! A TCP proxy that does to connections what networks do.
//!
//! `fault_proxy --listen 127.0.0.1:9300 --to 127.0.0.1:9100`
//!
//! It is told by lines on its standard input, answers each with `ok`, and ends with it:
//!
//! | line | connections that are open, and new ones |
//! |---|---|
//! | `pass` | everything is passed on |
//! | `delay MS` | each piece of an answer comes so much later |
//! | `drip BYTES MS` | so many bytes of an answer at a time, with so long a pause |
//! | `reset` | ended with RST |
//! | `half-open` | what is asked arrives, and no answer ever comes back |
//! | `blackhole` | nothing arrives anywhere, and nobody is told |

use std::io::BufRead;
use std::net::SocketAddr;
use std::time::Duration;

use speed::option;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    Pass,
    Delay(Duration),
    Drip(usize, Duration),
    Reset,
    HalfOpen,
    Blackhole,
}

fn understood(line: &str) -> Option<Fault> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ms = |word: &str| word.parse().ok().map(Duration::from_millis);
    Some(match *words.as_slice() {
        ["pass"] => Fault::Pass,
        ["delay", pause] => Fault::Delay(ms(pause)?),
        ["drip", bytes, pause] => Fault::Drip(bytes.parse().ok().filter(|n| *n > 0)?, ms(pause)?),
        ["reset"] => Fault::Reset,
        ["half-open"] => Fault::HalfOpen,
        ["blackhole"] => Fault::Blackhole,
        _ => return None,
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Asked,
    Answered,
}

/// Passes on what comes, as the fault of the moment says, until one side ends.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    way: Way,
    mut fault: watch::Receiver<Fault>,
) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let now = *fault.borrow_and_update();
        match now {
            Fault::Reset => {
                let _ = from.as_ref().set_zero_linger();
                let _ = to.as_ref().set_zero_linger();
                to.forget();
                return;
            }
            Fault::Blackhole => {
                if fault.changed().await.is_err() {
                    return;
                }
                continue;
            }
            _ => {}
        }
        let count = tokio::select! {
            count = from.read(&mut buffer) => count,
            _ = fault.changed() => continue,
        };
        let Ok(count @ 1..) = count else {
            // Nobody hears of this end either.
            while matches!(*fault.borrow_and_update(), Fault::Blackhole)
                || (*fault.borrow() == Fault::HalfOpen && way == Way::Answered)
            {
                if fault.changed().await.is_err() {
                    return;
                }
            }
            return;
        };
        let piece = &buffer[..count];
        let passed = match now {
            Fault::HalfOpen if way == Way::Answered => Ok(()),
            Fault::Delay(pause) if way == Way::Answered => {
                tokio::time::sleep(pause).await;
                to.write_all(piece).await
            }
            Fault::Drip(bytes, pause) if way == Way::Answered => {
                let mut passed = Ok(());
                for drop in piece.chunks(bytes) {
                    // Whoever is no longer to drip is done with the rest at once.
                    if passed.is_ok() && *fault.borrow() == now {
                        tokio::time::sleep(pause).await;
                    }
                    passed = passed.and(to.write_all(drop).await);
                }
                passed
            }
            _ => to.write_all(piece).await,
        };
        if passed.is_err() {
            return;
        }
    }
}

async fn connection(caller: TcpStream, to: SocketAddr, mut fault: watch::Receiver<Fault>) {
    let _ = caller.set_nodelay(true);
    while *fault.borrow_and_update() == Fault::Blackhole {
        if fault.changed().await.is_err() {
            return;
        }
    }
    if *fault.borrow() == Fault::Reset {
        let _ = caller.set_zero_linger();
        return;
    }
    let Ok(asked) = TcpStream::connect(to).await else {
        let _ = caller.set_zero_linger();
        return;
    };
    let _ = asked.set_nodelay(true);
    let (from_caller, to_caller) = caller.into_split();
    let (from_asked, to_asked) = asked.into_split();
    tokio::join!(
        pump(from_caller, to_asked, Way::Asked, fault.clone()),
        pump(from_asked, to_caller, Way::Answered, fault),
    );
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let listen: SocketAddr = option("--listen", ([127, 0, 0, 1], 9300).into());
    let to: SocketAddr = option("--to", ([127, 0, 0, 1], 9100).into());
    assert!(listen.ip().is_loopback(), "only on a loopback address");
    let listener = TcpListener::bind(listen).await.expect("a free port");
    let (tell, fault) = watch::channel(Fault::Pass);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            match line.ok().as_deref().and_then(understood) {
                Some(fault) => {
                    tell.send_replace(fault);
                    println!("ok");
                }
                None => println!("not understood"),
            }
        }
        std::process::exit(0);
    });
    loop {
        let Ok((caller, _)) = listener.accept().await else { continue };
        tokio::spawn(connection(caller, to, fault.clone()));
    }
}
