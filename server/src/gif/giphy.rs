//! GIPHY.

use serde_json::Value;

use super::{
    Error, Result,
    outside::{Item, Question, list, side, text, texts},
};

/// What may be found.
const RATING: (&str, &str) = ("rating", "pg-13");
/// Further than this GIPHY does not go.
const LAST: usize = 4999;

#[derive(Debug)]
pub(super) struct Giphy;

fn question(path: &str, parameters: &[(&'static str, &str)]) -> Question {
    let parameters = parameters.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Question { path: path.into(), parameters }
}

/// Where a page begins: a number, so that nothing else reaches the provider.
fn offset(token: &str) -> Result<String> {
    let offset: usize = if token.is_empty() { 0 } else { token.parse().map_err(|_| Error::Page)? };
    if offset > LAST { Err(Error::Page) } else { Ok(offset.to_string()) }
}

fn item(found: &Value) -> Item {
    let images = &found["images"];
    let small = ["/fixed_width/webp", "/fixed_width/url", "/fixed_width_small/url", "/downsized/url"];
    let large = ["/original/webp", "/downsized_medium/url", "/downsized/url", "/original/url"];
    Item {
        name: text(&found["id"]),
        title: text(&found["title"]),
        width: side(&images["original"]["width"]),
        height: side(&images["original"]["height"]),
        small: texts(images, &small),
        large: texts(images, &large),
    }
}

impl Giphy {
    pub(super) fn search(&self, query: &str, size: usize, token: &str) -> Result<Question> {
        // Longer questions are refused there.
        let query: String = query.chars().take(50).collect();
        let offset = offset(token)?;
        Ok(question("/v1/gifs/search", &[("q", &query), ("limit", &size.to_string()), ("offset", &offset), RATING]))
    }

    pub(super) fn trending(&self, size: usize, token: &str) -> Result<Question> {
        Ok(question("/v1/gifs/trending", &[("limit", &size.to_string()), ("offset", &offset(token)?), RATING]))
    }

    pub(super) fn categories(&self) -> Question {
        question("/v1/gifs/categories", &[])
    }

    pub(super) fn by_id(&self, name: &str) -> Question {
        question(&format!("/v1/gifs/{name}"), &[])
    }

    /// A list of GIFs, or one alone.
    pub(super) fn page(&self, answer: &Value) -> (Vec<Item>, String) {
        let found = &answer["data"];
        if found.is_object() {
            return (vec![item(found)], String::new());
        }
        let number =
            |name: &str| answer["pagination"][name].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let end = number("offset").saturating_add(number("count"));
        let more = number("count") > 0 && end < number("total_count") && end <= LAST;
        (list(found).iter().map(item).collect(), if more { end.to_string() } else { String::new() })
    }

    pub(super) fn shelf(&self, answer: &Value) -> (Vec<(String, Item)>, &'static str, &'static str) {
        let category = |entry: &Value| (text(&entry["name"]), item(&entry["gif"]));
        (list(&answer["data"]).iter().map(category).collect(), "Search GIPHY", "Powered by GIPHY")
    }
}
