//! What a node keeps of the machine's memory.

use crate::portico::{Extra, Portico};

#[tokio::test]
async fn a_node_gives_memory_back_soon_after_it_is_free() {
    let mut portico = Portico::with(Extra::default());
    portico.serve().await;
    // It began again as the same process, with what its allocator reads before anything else.
    let read = |what: &str| {
        let bytes = std::fs::read(format!("/proc/{}/{what}", portico.process())).expect("reads");
        String::from_utf8(bytes).expect("text")
    };
    assert!(read("environ").split('\0').any(|one| one == "MIMALLOC_PURGE_DELAY=10"));
    let arguments = read("cmdline");
    let arguments: Vec<_> = arguments.split('\0').collect();
    assert!(
        matches!(arguments.as_slice(), [program, "serve", "--config", _, ""] if program.ends_with("portico"))
    );
    assert!(portico.terminate());
}
