//! Lists, search and counts.

use access::Role;
use serde_json::{Value, json};

use crate::bench::Room;

fn slugs(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("items").iter();
    items.map(|pattern| pattern["slug"].as_str().expect("a slug")).collect()
}

#[tokio::test]
async fn patterns_are_listed_by_pages_and_found_by_words() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        for (slug, trigger) in [
            ("b-parking", "Where can I park?"),
            ("a-b", "What is for lunch?"),
            ("ab", "Where is the canteen?"),
            ("a-parking", "Can visitors park?"),
        ] {
            room.taught(&admin, slug, trigger, "x").await;
        }
        room.ask(&admin, "POST", "/api/patterns/b-parking/retire", json!({})).await;
        let (_, first) = room.get(&admin, "/api/patterns?limit=3").await;
        assert_eq!((slugs(&first), &first["next"]), (vec!["a-b", "a-parking", "ab"], &json!("ab")));
        let (_, last) = room.get(&admin, "/api/patterns?limit=3&after=ab").await;
        assert_eq!((slugs(&last), last.get("next")), (vec!["b-parking"], None));
        let (_, retired) = room.get(&admin, "/api/patterns?state=retired").await;
        assert_eq!(slugs(&retired), ["b-parking"]);
        let (_, found) = room.get(&admin, "/api/patterns?q=parking").await;
        assert_eq!(slugs(&found).len(), 2, "{found}");
        let (_, found) = room.get(&admin, "/api/patterns?q=canteen").await;
        assert_eq!(slugs(&found), ["ab"]);
        let (_, found) = room.get(&admin, "/api/patterns?q=-PARK").await;
        assert_eq!(slugs(&found), ["a-parking", "b-parking"], "a word half written finds");
        for (path, param) in [
            ("?q=x&after=y", "after"),
            ("?limit=0", "limit"),
            ("?limit=201", "limit"),
            ("?stat=draft", "stat"),
        ] {
            let (status, problem) = room.get(&admin, &format!("/api/patterns{path}")).await;
            assert_eq!((status, &problem["param"]), (400, &json!(param)), "{problem}");
        }
        assert_eq!(room.get(&admin, "/api/patterns?state=secret").await.0, 400);
    }
}

#[tokio::test]
async fn uses_are_counted_and_survive_a_stop() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.somebody(&org, Role::Admin);
        room.taught(&admin, "hours", "When are you open?", "9 to 5.").await;
        room.taught(&admin, "parking", "Where can I park?", "Behind.").await;
        for _ in 0..3 {
            room.says(&admin, "patterns", "When are you open?").await.expect("answers");
        }
        room.says(&admin, "patterns", "Sing!").await.expect("says nothing");
        let uses = async |patterns: &patterns::Patterns| {
            let pattern = patterns.get(&admin, "hours").await.expect("a pattern");
            pattern.uses.expect("counts")
        };
        assert_eq!(uses(&room.patterns).await, 3, "counted at once");
        room.tasks.stop();
        room.tasks.ended().await;
        let next = room.another();
        assert_eq!(uses(&next).await, 3, "{:?}", room.bench.db.engine());
        let (_, list) = room.get(&admin, "/api/patterns").await;
        assert_eq!((&list["items"][0]["uses"], &list["items"][1]["uses"]), (&json!(3), &json!(0)));
    }
}

#[tokio::test]
async fn the_counts_of_a_long_page_are_right() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let mut yaml = "patterns:\n".to_owned();
        for n in 0..120 {
            let one =
                format!("  - {{ slug: p{n:03}, name: P, triggers: [word{n:03}], answer: x }}\n");
            yaml.push_str(&one);
        }
        assert_eq!(room.import(&admin, &yaml).await.0, 200);
        for (word, times) in [("word000", 1), ("word051", 2), ("word119", 3)] {
            for _ in 0..times {
                room.says(&admin, "patterns", word).await.expect("answers");
            }
        }
        room.tasks.stop();
        room.tasks.ended().await;
        let (_, list) = room.get(&admin, "/api/patterns?limit=200").await;
        let used: Vec<_> = list["items"]
            .as_array()
            .expect("items")
            .iter()
            .filter(|one| one["uses"] != 0)
            .map(|one| (one["slug"].as_str().expect("a slug"), one["uses"].clone()))
            .collect();
        assert_eq!(used, [("p000", json!(1)), ("p051", json!(2)), ("p119", json!(3))]);
    }
}
