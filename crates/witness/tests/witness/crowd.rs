//! Many at once.

use base::tasks::Tasks;
use std::sync::{Arc, Mutex};

use crate::log::SmallLog;
use crate::stand::Stand;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_faces_shown_at_once_one_is_cosigned() {
    for _ in 0..20 {
        let stand = Arc::new(Stand::new());
        let (honest, other) = (SmallLog::honest(), SmallLog::rewritten(5));
        stand.cosigned(&honest.request(0, 5)).await;
        let (tasks, answers) = (Tasks::new(), Arc::new(Mutex::new(Vec::new())));
        for size in 6..20 {
            for (face, log) in [&honest, &other].into_iter().enumerate() {
                let (stand, answers) = (stand.clone(), answers.clone());
                let request = log.request(5, size);
                tasks.spawn(async move {
                    let answer = stand.ask(&request).await;
                    answers.lock().expect("a lock").push((answer.status, face, size));
                });
            }
        }
        tasks.ended().await;
        let answers = answers.lock().expect("a lock").clone();
        let signed: Vec<_> = answers.iter().filter(|(status, ..)| *status == 200).collect();
        let [&(_, face, size)] = signed[..] else { panic!("{answers:?}") };
        assert!(answers.iter().all(|(status, ..)| matches!(status, 200 | 409)));

        // What was answered is what is remembered, also after a restart.
        let stand = Arc::into_inner(stand).expect("the only one").restart();
        let log = if face == 0 { &honest } else { &other };
        stand.cosigned(&log.request(size, 30)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_log_that_is_asked_for_in_many_places_at_once_only_grows() {
    let stand = Arc::new(Stand::new());
    let log = Arc::new(SmallLog::honest());
    let tasks = Tasks::new();
    for node in 0..4_u8 {
        let (stand, log) = (stand.clone(), log.clone());
        tasks.spawn(async move {
            let (mut known, mut highest) = (0, 0);
            for size in (1 + node..200).step_by(4) {
                loop {
                    let answer = stand.ask(&log.request(known, size.max(known))).await;
                    match answer.status {
                        200 => break known = size.max(known),
                        409 => known = answer.body.trim().parse().expect("a size"),
                        other => panic!("{other}: {}", answer.body),
                    }
                    assert!(known >= highest, "never smaller than before");
                    highest = known;
                }
            }
        });
    }
    tasks.ended().await;
    assert!(stand.page().await.contains("size      199"));
}
