//! Profile photos.

use std::collections::BTreeMap;

use scim_sync::{DirectoryError, Photo, PhotoDirectory, PhotoStore, RunOptions, Synchronizer, async_trait};
use serde_json::{Value, json};

use crate::support::{World, day, synchronizer};

/// Photos by person: the ETag and the image.
#[derive(Default)]
struct Photos {
    photos: BTreeMap<String, (String, Vec<u8>)>,
    reads: usize,
}

#[async_trait]
impl PhotoDirectory for Photos {
    async fn photo_etags(
        &mut self,
        people: &[String],
    ) -> Result<Vec<Result<Option<String>, DirectoryError>>, DirectoryError> {
        let etag = |person: &String| match self.photos.get(person) {
            Some((etag, _)) if etag == "broken" => {
                Err(DirectoryError::Failed("the mailbox is locked".to_owned()))
            }
            photo => Ok(photo.map(|(etag, _)| etag.clone())),
        };
        Ok(people.iter().map(etag).collect())
    }

    async fn photo(&mut self, person: &str) -> Result<Option<Photo>, DirectoryError> {
        self.reads += 1;
        let photo = |(etag, bytes): &(String, Vec<u8>)| Photo {
            etag: etag.clone(),
            media_type: "image/jpeg".to_owned(),
            bytes: bytes.clone(),
        };
        Ok(self.photos.get(person).map(photo))
    }
}

#[derive(Default)]
struct Kept(BTreeMap<String, Vec<u8>>);

#[async_trait]
impl PhotoStore for Kept {
    async fn put(&mut self, person: &str, photo: &Photo) -> Result<String, String> {
        if photo.bytes.is_empty() {
            return Err("the image is empty".to_owned());
        }
        self.0.insert(person.to_owned(), photo.bytes.clone());
        Ok(format!("https://photos.example.com/{person}-secret"))
    }

    async fn remove(&mut self, person: &str) -> Result<(), String> {
        self.0.remove(person);
        Ok(())
    }
}

struct Scene {
    world: World,
    sync: Synchronizer,
    photos: Photos,
    kept: Kept,
}

impl Scene {
    fn copy(&mut self, people: Option<&[String]>) -> String {
        let options = RunOptions::new(day(0));
        let World { endpoint, ledger, .. } = &mut self.world;
        let copy = self.sync.photos(people, &mut self.photos, &mut self.kept, endpoint, ledger, options);
        pollster::block_on(copy).unwrap().to_string()
    }

    fn url(&self, user: &str) -> Value {
        self.world.endpoint.users()[user]["photos"].clone()
    }
}

fn scene() -> Scene {
    let sync =
        synchronizer(&json!({ "mapping": [{ "target": "userName", "source": "login", "required": true }] }));
    let mut world = World::new();
    for id in ["a", "b", "c"] {
        world.directory.set_person(id, json!({ "login": id }));
    }
    world.run(&sync, RunOptions::new(day(0)));
    world.endpoint.patch(
        &format!("/Users/{}", world.endpoint.user_id("a")),
        json!([{ "op": "add", "path": "photos", "value": [{ "type": "thumbnail", "value": "https://example.com/a.png" }] }]),
    );
    let mut photos = Photos::default();
    photos.photos.insert("a".to_owned(), ("1".to_owned(), b"first".to_vec()));
    photos.photos.insert("b".to_owned(), ("1".to_owned(), b"other".to_vec()));
    photos.photos.insert("x".to_owned(), ("1".to_owned(), b"nobody".to_vec()));
    Scene { world, sync, photos, kept: Kept::default() }
}

/// Somebody signs in, and afterwards the user has the photo that the directory has, if it has one.
#[test]
fn the_photo_of_a_person_is_there_after_they_have_signed_in() {
    let mut scene = scene();
    let expected = "photo          a\nwarning        x  has no user, so the photo was not copied\n";
    assert_eq!(scene.copy(Some(&["a".to_owned(), "c".to_owned(), "x".to_owned()])), expected);
    let thumbnail = json!({ "type": "thumbnail", "value": "https://example.com/a.png" });
    let photo = json!({ "type": "photo", "value": "https://photos.example.com/a-secret" });
    assert_eq!(scene.url("a"), json!([thumbnail, photo]));
    assert_eq!((scene.url("b"), scene.url("c")), (Value::Null, Value::Null));
    assert_eq!(scene.kept.0, [("a".to_owned(), b"first".to_vec())].into());
}

#[test]
fn a_photo_is_read_and_written_only_when_it_has_changed() {
    let mut scene = scene();
    assert_eq!(scene.copy(None), "photo          a\nphoto          b\n");
    let (reads, writes, requests) =
        (scene.photos.reads, scene.world.endpoint.writes(), scene.world.endpoint.requests());
    assert_eq!(scene.copy(None), "nothing to do\n");
    assert_eq!(
        (scene.photos.reads, scene.world.endpoint.writes(), scene.world.endpoint.requests()),
        (reads, writes, requests)
    );

    scene.photos.photos.insert("a".to_owned(), ("2".to_owned(), b"second".to_vec()));
    assert_eq!(scene.copy(None), "photo          a\n");
    assert_eq!(scene.kept.0["a"], b"second");
    assert_eq!(scene.world.endpoint.writes(), writes, "the URL is the same");

    scene.photos.photos.remove("b");
    assert_eq!(scene.copy(None), "photo          b  removed\n");
    assert_eq!((scene.url("b"), scene.kept.0.contains_key("b")), (Value::Null, false));
}

#[test]
fn a_photo_that_cannot_be_kept_is_reported_and_tried_again() {
    let mut scene = scene();
    scene.photos.photos.insert("a".to_owned(), ("1".to_owned(), Vec::new()));
    let expected = "photo          b\nerror          a  the photo was not kept: the image is empty\n";
    assert_eq!(scene.copy(None), expected);
    scene.photos.photos.insert("a".to_owned(), ("1".to_owned(), b"first".to_vec()));
    assert_eq!(scene.copy(None), "photo          a\n");
}

#[test]
fn a_photo_that_cannot_be_read_keeps_nobody_else_from_theirs() {
    let mut scene = scene();
    scene.photos.photos.insert("a".to_owned(), ("broken".to_owned(), Vec::new()));
    let expected =
        "photo          b\nerror          a  the directory cannot be read: the mailbox is locked\n";
    assert_eq!(scene.copy(None), expected);
}

#[test]
fn the_photo_of_a_person_who_is_gone_is_removed_and_comes_back_with_them() {
    let mut scene = scene();
    scene.copy(None);
    scene.world.directory.set_person("a", Value::Null);
    scene.world.run(&scene.sync, RunOptions::new(day(1)));
    assert_eq!(scene.copy(None), "photo          a  removed\n");
    assert!(!scene.kept.0.contains_key("a"));
    assert_eq!(scene.url("a").as_array().unwrap().len(), 1, "the thumbnail stays");
    scene.world.directory.set_person("a", json!({ "login": "a" }));
    scene.world.run(&scene.sync, RunOptions::new(day(2)));
    assert_eq!(scene.copy(None), "photo          a\n");

    // Somebody deletes the user; the new one has the photo, too.
    let path = format!("/Users/{}", scene.world.endpoint.user_id("a"));
    scene.world.endpoint.by_hand(http::Method::DELETE, &path, None);
    scene.world.run(&scene.sync, RunOptions { full: true, ..RunOptions::new(day(3)) });
    assert_eq!(scene.copy(None), "photo          a\n");
    assert_eq!(scene.url("a").as_array().unwrap().len(), 1);
}

#[test]
fn photos_of_users_who_are_there_are_left_alone_in_other_modes() {
    let mut scene = scene();
    let with = |mode: &str| {
        synchronizer(
            &json!({ "mode": mode, "mapping": [{ "target": "userName", "source": "login", "required": true }] }),
        )
    };
    scene.sync = with("paused");
    assert_eq!(scene.copy(None), "nothing to do\n");
    scene.sync = with("only_new");
    assert_eq!(scene.copy(None), "photo          a\nphoto          b\n");
    scene.photos.photos.insert("a".to_owned(), ("2".to_owned(), b"second".to_vec()));
    assert_eq!(scene.copy(None), "nothing to do\n");
    scene.sync = with("everything");
    assert_eq!(scene.copy(None), "photo          a\n");
}
