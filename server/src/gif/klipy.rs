//! KLIPY, by the questions and answers that it shares with Tenor's second version.

use serde_json::Value;

use super::{
    Result,
    outside::{Item, Question, list, side, text, texts},
};

/// What may be found.
const FILTER: (&str, &str) = ("contentfilter", "medium");
/// Begins the names of pictures that stand for categories: they come without an id of their own.
const CATEGORY: &str = "category-";

#[derive(Debug)]
pub(super) struct Klipy;

fn question(path: &str, parameters: &[(&'static str, &str)]) -> Question {
    let parameters = parameters.iter().chain([&FILTER, &("client_key", "rookery")]);
    Question { path: path.into(), parameters: parameters.map(|(name, value)| (*name, (*value).to_owned())).collect() }
}

fn item(result: &Value) -> Item {
    let formats = &result["media_formats"];
    let large = ["/webp/url", "/mediumgif/url", "/gif/url", "/tinygif/url"];
    let sides = ["webp", "mediumgif", "gif", "tinygif"].map(|format| &formats[format]["dims"]);
    let sides = sides.into_iter().find(|dims| dims.is_array()).unwrap_or(&Value::Null);
    Item {
        name: text(&result["id"]),
        title: text(&result["content_description"]),
        width: side(&sides[0]),
        height: side(&sides[1]),
        small: texts(formats, &["/tinywebp/url", "/tinygif/url", "/nanogif/url", "/webp/url", "/gif/url"]),
        large: texts(formats, &large),
    }
}

/// A category's picture is told by its address alone.
fn category(tag: &Value) -> (String, Item) {
    let (query, url) = (text(&tag["searchterm"]), text(&tag["image"]));
    let letters = query.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let name = format!("{CATEGORY}{letters}");
    (query.clone(), Item { name, title: query, width: 200, height: 200, small: vec![url.clone()], large: vec![url] })
}

impl Klipy {
    pub(super) fn search(&self, query: &str, size: usize, token: &str) -> Result<Question> {
        Ok(question("/v2/search", &[("q", query), ("limit", &size.to_string()), ("pos", token)]))
    }

    pub(super) fn trending(&self, size: usize, token: &str) -> Result<Question> {
        Ok(question("/v2/featured", &[("limit", &size.to_string()), ("pos", token)]))
    }

    pub(super) fn categories(&self) -> Question {
        question("/v2/categories", &[("type", "featured")])
    }

    pub(super) fn by_id(&self, name: &str) -> Question {
        if name.starts_with(CATEGORY) { self.categories() } else { question("/v2/posts", &[("ids", name)]) }
    }

    pub(super) fn page(&self, answer: &Value) -> (Vec<Item>, String) {
        let categories = list(&answer["tags"]).iter().map(|tag| category(tag).1);
        (list(&answer["results"]).iter().map(item).chain(categories).collect(), text(&answer["next"]))
    }

    pub(super) fn shelf(&self, answer: &Value) -> (Vec<(String, Item)>, &'static str, &'static str) {
        (list(&answer["tags"]).iter().map(category).collect(), "Search KLIPY", "Powered by KLIPY")
    }
}
