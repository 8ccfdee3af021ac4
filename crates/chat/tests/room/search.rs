//! Finding what was said.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::bench::Room;

#[tokio::test]
async fn what_was_said_is_found_by_its_words_and_it_says_how_far_it_looked() {
    for room in Room::on_each_engine().await {
        let member = room.member();
        let mut paths = Vec::new();
        for text in
            ["Where is the Crocodile?", "Is the bathtub blue?", "A crocodile in the bathtub"]
        {
            room.clock.advance(SignedDuration::from_mins(1));
            let path = room.started(&member, "fake").await;
            room.says(&member, &path, "hello").await;
            room.says(&member, &path, text).await;
            paths.push(path.rsplit('/').next().expect("an id").to_owned());
        }
        let body = json!({ "title": "Zoo" });
        room.ask(&member, "PATCH", &format!("/api/conversations/{}", paths[1]), &body).await;
        let find = async |q: &str| {
            let (status, found) =
                room.get(&member, &format!("/api/conversations/search?q={q}")).await;
            assert_eq!(status, 200, "{found}");
            found
        };
        let ids = |found: &Value| -> Vec<String> {
            let items = found["items"].as_array().expect("items").iter();
            items.map(|hit| hit["conversation"]["id"].as_str().expect("id").to_owned()).collect()
        };
        let found = find("crocodile").await;
        assert_eq!(ids(&found), [paths[2].clone(), paths[0].clone()]);
        assert_eq!(found["items"][0]["position"], 3);
        assert_eq!(found["items"][1]["snippet"], "Where is the Crocodile?");
        assert!(found["messages_looked_at"].as_u64() > Some(4) && found.get("next").is_none());
        assert_eq!(ids(&find("bathtub%20CROCODILE").await), [paths[2].clone()]);
        assert_eq!(ids(&find("zoo").await), [paths[1].clone()], "a title");
        assert_eq!(ids(&find("fake%20provider").await).len(), 3, "answers too");
        assert_eq!(ids(&find("giraffe").await), Vec::<String>::new());
        assert_eq!(room.get(&member, "/api/conversations/search?q=%20").await.0, 400);
    }
}
