//! Copies of the database, and what they bring back.

use access::Caller;
use base::args;
use base::db::{Engine, Statement, Value, Within};
use base::testing::Bench;
use jiff::SignedDuration;

use crate::house::{EPOCH, House, benches, tag, write};

/// Rows of the tables that hold the record and its keys, as they were.
pub(crate) struct Copy {
    rows: Vec<(&'static str, Vec<Value>)>,
}

const EVENTS: &str = "INSERT INTO audit_event (org_id, seq, at, action, user_id, resource_type,
    resource_id, outcome, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const HEADS: &str =
    "INSERT INTO audit_head (org_id, size, newest, frontier) VALUES ($1, $2, $3, $4)";
const KEYS: &str = "INSERT INTO audit_key (org_id, tag, epoch, wrapped, created_at, erased_at)
    VALUES ($1, $2, $3, $4, $5, $6)";
const WRAPPERS: &str =
    "INSERT INTO audit_wrapper (org_id, epoch, wrapped, created_at) VALUES ($1, $2, $3, $4)";

impl Copy {
    pub(crate) async fn of(bench: &Bench) -> Self {
        let all = async |text| {
            let statement = Statement::new("copy", text);
            bench.db.all(&Within::node(), statement, vec![]).await.expect("reads")
        };
        let mut rows = Vec::new();
        for row in all("SELECT * FROM audit_event").await {
            let text = |column: &str| row.text(column).expect("text");
            let (seq, at) = (row.int("seq").expect("seq"), row.int("at").expect("at"));
            let mut args = args![text("org_id"), seq, at, text("action"), text("user_id")];
            args.extend(args![text("resource_type"), text("resource_id"), text("outcome")]);
            args.extend(args![row.bytes("body").expect("a body")]);
            rows.push((EVENTS, args));
        }
        for row in all("SELECT * FROM audit_head").await {
            let (size, newest) = (row.int("size").expect("size"), row.int("newest").expect("at"));
            let org = row.text("org_id").expect("an org");
            let frontier = Value::Bytes(row.opt_bytes("frontier").expect("bytes"));
            rows.push((HEADS, [args![org, size, newest], vec![frontier]].concat()));
        }
        for row in all("SELECT * FROM audit_key").await {
            let (org, tag) = (row.text("org_id").expect("an org"), row.text("tag").expect("a tag"));
            let (epoch, at) =
                (row.int("epoch").expect("epoch"), row.int("created_at").expect("at"));
            let wrapped = Value::Bytes(row.opt_bytes("wrapped").expect("bytes"));
            let erased = row.opt_int("erased_at").expect("an instant");
            let args = [args![org, tag, epoch], vec![wrapped], args![at, erased]].concat();
            rows.push((KEYS, args));
        }
        for row in all("SELECT * FROM audit_wrapper").await {
            let (epoch, at) =
                (row.int("epoch").expect("epoch"), row.int("created_at").expect("at"));
            let org = row.text("org_id").expect("an org");
            rows.push((WRAPPERS, args![org, epoch, row.bytes("wrapped").expect("bytes"), at]));
        }
        Self { rows }
    }

    /// A new database of this engine, with what was copied.
    pub(crate) async fn restored(&self, engine: Engine) -> Bench {
        let bench = benches().await.into_iter().find(|bench| bench.db.engine() == engine);
        let bench = bench.expect("the engine");
        write(&bench, &self.rows).await;
        bench
    }

    /// Puts the keys back as they were, in the database itself.
    pub(crate) async fn put_keys_back(&self, bench: &Bench) {
        let mut rows =
            vec![("DELETE FROM audit_wrapper", vec![]), ("DELETE FROM audit_key", vec![])];
        let keys = self.rows.iter().filter(|(text, _)| *text == KEYS || *text == WRAPPERS);
        rows.extend(keys.cloned());
        write(bench, &rows).await;
    }
}

/// What a process over this database and the present KMS reads of an org; none if it can not.
async fn opened(house: &House, bench: &Bench, org: &Caller) -> Option<Vec<String>> {
    let node = house.over(bench);
    let filter = audit::Filter { action: "test.member.set".to_owned(), ..audit::Filter::default() };
    node.record.events(org, &filter).await.ok()?;
    Some(node.known(org).await)
}

#[tokio::test]
async fn past_the_window_no_copy_of_the_database_brings_back_whoever_was_erased() {
    for house in House::on_everything().await {
        let engine = house.bench.db.engine();
        let (org, other) = (house.somebody(), house.somebody());
        for who in ["mem_ada", "mem_bob"] {
            house.tell(&org, who).await;
        }
        house.tell(&other, "mem_eve").await;
        house.pass(SignedDuration::from_hours(24));
        let before = Copy::of(&house.bench).await;
        house.erase(&org, "mem_ada").await;
        house.tell(&org, "mem_cyd").await;
        assert_eq!(house.another().known(&org).await, ["?", "mem_bob", "mem_cyd"]);

        // Within the window a copy is a copy: it opens, and so does who was erased in it.
        let restored = before.restored(engine).await;
        let whole = opened(&house, &restored, &org).await;
        assert_eq!(whole.expect("opens"), ["mem_ada", "mem_bob"]);
        house.over(&restored).epochs.check().await.expect("may be served");
        assert_eq!(house.epoch().await.begun, 1);
        let between = Copy::of(&house.bench).await;
        assert!(opened(&house, &restored, &org).await.is_some(), "half of it is not over");
        assert_eq!(house.epoch().await.destroyed, 1);

        // Two epochs later nothing that exists opens it: not the copy as it is, ...
        assert_eq!(opened(&house, &restored, &org).await, None, "{:?}", house.kms);
        assert_eq!(opened(&house, &restored, &other).await, None, "{:?}", house.kms);
        let refused = house.over(&restored).epochs.check().await.expect_err("is not served");
        assert!(refused.to_string().contains("record.forget_days"), "{refused}");
        // ... nor with any key of the org that the living database, or a later copy, has.
        for later in [&Copy::of(&house.bench).await, &between] {
            for (_, key) in later.rows.iter().filter(|(text, _)| *text == WRAPPERS) {
                let mixed = before.restored(engine).await;
                let move_to = "UPDATE audit_key SET epoch = $1 WHERE org_id = $2";
                let [org_id, epoch, ..] = &key[..] else { panic!("{key:?}") };
                let rows = [
                    ("DELETE FROM audit_wrapper", vec![]),
                    (WRAPPERS, key.clone()),
                    (move_to, vec![epoch.clone(), org_id.clone()]),
                ];
                write(&mixed, &rows).await;
                assert_eq!(opened(&house, &mixed, &org).await, None, "{key:?}");
                // Nor one row of it among those that live.
                let living = later.restored(engine).await;
                let ada = tag(&org, "mem_ada");
                let was =
                    before.rows.iter().find(|(_, row)| row.get(1) == Some(&ada.clone().into()));
                let (_, was) = was.expect("a key");
                let put = "UPDATE audit_key SET wrapped = $1, epoch = $2 WHERE tag = $3";
                let args = vec![was[3].clone(), epoch.clone(), ada.into()];
                write(&living, &[(put, args)]).await;
                let read = opened(&house, &living, &org).await.unwrap_or_default();
                assert!(!read.contains(&"mem_ada".to_owned()), "{read:?}");
            }
        }
        // Who was not erased is there, and so is what came since.
        house.tell(&org, "mem_bob").await;
        let node = house.another();
        assert_eq!(node.known(&org).await, ["?", "mem_bob", "mem_bob", "mem_cyd"]);
        assert_eq!(node.known(&other).await, ["mem_eve"]);
        node.epochs.check().await.expect("may be served");
    }
}

#[tokio::test]
async fn whoever_is_erased_at_any_moment_is_gone_within_the_window() {
    for house in House::on_everything().await {
        let engine = house.bench.db.engine();
        let org = house.somebody();
        let mut copies = Vec::new();
        // In the middle of an epoch, right before the next, right after it, at its beginning.
        for (step, hours) in [100, 223, 1, 0, 200].into_iter().enumerate() {
            let who = format!("mem_{step}");
            house.tell(&org, &who).await;
            house.pass(SignedDuration::from_hours(hours));
            house.node.epochs.turn(crate::house::EU).await.expect("turns");
            copies.push((who.clone(), Copy::of(&house.bench).await, house.clock.clone()));
            house.erase(&org, &who).await;
        }
        // Looked at each day: none opens longer than the window says.
        for _ in 0..30 {
            house.pass(SignedDuration::from_hours(24));
            house.node.epochs.turn(crate::house::EU).await.expect("turns");
        }
        for (who, copy, _) in &copies {
            let restored = copy.restored(engine).await;
            assert_eq!(opened(&house, &restored, &org).await, None, "{who} of {:?}", house.kms);
        }
        assert_eq!(house.another().known(&org).await, ["?"; 5]);
    }
}

#[tokio::test]
async fn a_copy_opens_for_an_epoch_at_least() {
    for house in House::on_everything().await {
        let org = house.somebody();
        house.tell(&org, "mem_ada").await;
        house.tell(&org, "mem_bob").await;
        house.erase(&org, "mem_bob").await;
        for _ in 0..4 {
            // The moment before keys are wrapped anew is the worst one.
            house.pass(EPOCH);
            let copy = Copy::of(&house.bench).await;
            house.node.epochs.turn(crate::house::EU).await.expect("turns");
            house.pass(EPOCH - SignedDuration::from_secs(1));
            house.node.epochs.turn(crate::house::EU).await.expect("turns");
            let restored = copy.restored(house.bench.db.engine()).await;
            let read = opened(&house, &restored, &org).await;
            assert_eq!(read.expect("opens"), ["?", "mem_ada"], "{:?}", house.kms);
            house.pass(SignedDuration::from_secs(1));
        }
    }
}
