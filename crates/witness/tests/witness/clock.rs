//! What the clock does.

use jiff::SignedDuration;

use crate::cosigning::BEGIN_SECS;
use crate::log::SmallLog;
use crate::stand::Stand;

#[tokio::test]
async fn a_clock_that_goes_back_signs_nothing() {
    let (stand, log) = (Stand::new(), SmallLog::honest());
    assert_eq!(stand.cosigned(&log.request(0, 3)).await, [BEGIN_SECS; 2]);

    // A little: the last time is stated once more.
    stand.clock.advance(SignedDuration::from_secs(-60));
    assert_eq!(stand.cosigned(&log.request(3, 4)).await, [BEGIN_SECS; 2]);

    // More: nothing is signed, and nothing is remembered. A restart changes nothing.
    stand.clock.advance(SignedDuration::from_secs(-1));
    assert_eq!(stand.ask(&log.request(4, 5)).await.status, 503);
    let stand = stand.restart();
    assert_eq!(stand.ask(&log.request(4, 5)).await.status, 503);
    stand.clock.advance(SignedDuration::from_secs(62));
    assert_eq!(stand.cosigned(&log.request(4, 5)).await, [BEGIN_SECS + 1; 2]);
}
