//! Rows that a node kept on its disk to start without its databases.
#![no_main]

use base::db::Packed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(tables) = Packed::unpack(bytes) else { return };
    let mut again = Vec::new();
    for table in &tables {
        table.pack(&mut again).expect("it was packed");
    }
    assert_eq!(again, bytes, "there is one way to pack a row");
});
