//! Login names: which there may be, and which two are one. A name that looks like another one is that one to people.

use precis_profiles::{UsernameCaseMapped, UsernameCasePreserved, precis_core::profile::PrecisFastInvocation};
use unicode_security::{RestrictionLevel, RestrictionLevelDetection, skeleton};

use super::{Error, Result};
use crate::store::{self, Db};

/// Names that speak for the server, or for everybody. Nobody takes one of them by herself.
const RESERVED: [&str; 23] = [
    "abuse",
    "admin",
    "administrator",
    "all",
    "everybody",
    "everyone",
    "help",
    "here",
    "me",
    "moderator",
    "nobody",
    "official",
    "operator",
    "postmaster",
    "rookery",
    "root",
    "security",
    "server",
    "staff",
    "support",
    "sysop",
    "system",
    "webmaster",
];

/// A login name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// As it is shown: composed, and in the usual width.
    pub shown: String,
    /// What it is found by: the same in any case (UsernameCaseMapped of RFC 8265).
    pub key: String,
    /// What it looks like (UTS 39): no two accounts have the same.
    pub skeleton: String,
}

impl Name {
    /// The name that was given, if somebody may have it.
    pub fn new(given: &str) -> Result<Self> {
        let rule = || Error::field("name", "must have 2 to 32 letters, digits, '.', '_' or '-'");
        // Bytes first: what is far too long is not worth composing.
        if given.len() > 512 {
            return Err(rule());
        }
        let shown = UsernameCasePreserved::enforce(given).map_err(|_| rule())?.into_owned();
        if !(2..=32).contains(&shown.chars().count()) || !shown.chars().all(is_of_one) {
            return Err(rule());
        }
        if !shown.chars().any(char::is_alphanumeric) {
            return Err(Error::field("name", "must have at least one letter or digit"));
        }
        if !shown.as_str().check_restriction_level(RestrictionLevel::HighlyRestrictive) {
            return Err(Error::field("name", "must have letters of one script only"));
        }
        let key = UsernameCaseMapped::enforce(given).map_err(|_| rule())?.into_owned();
        Ok(Self { skeleton: look(&shown), shown, key })
    }
}

impl Name {
    /// Whether it speaks for the server: then only who answers for the server gives it to somebody.
    pub fn is_reserved(&self) -> bool {
        let looks = |word: &str| look(word) == self.skeleton;
        RESERVED.iter().any(|word| self.key == *word || looks(word) || looks(&word.to_uppercase()))
    }
}

/// Whether a login name may have this character.
pub fn is_of_one(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// No name that somebody types has more bytes.
const LONGEST: usize = 512;

/// What an account is found by, however its name is typed; of what is too long to be a name, nothing: no account has that.
pub fn key(given: &str) -> String {
    if given.len() > LONGEST {
        return String::new();
    }
    UsernameCaseMapped::enforce(given).map_or_else(|_| given.to_lowercase(), |key| key.into_owned())
}

/// What a name looks like as it is shown: a capital i is an l, and a zero an o. Case is what people overlook besides.
fn look(shown: &str) -> String {
    skeleton(shown).collect::<String>().to_lowercase()
}

/// Gives those their key and their look who are older than these rules. Of two who look the same, the older account keeps
/// what the other must do without.
pub async fn fold_old(db: &Db) -> Result<()> {
    let mut conn = db.writer().await?;
    for old in store::user::unfolded(&mut conn).await? {
        // Of who is gone the key is all that is left.
        let (key, look) = match old.deleted {
            true => (old.name_key.clone(), look(&old.name_key)),
            false => (key(&old.name), look(&old.name)),
        };
        store::user::fold(&mut conn, old.id, &key, &look).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let (one, other) = (Name::new(one).unwrap(), Name::new(other).unwrap());
        one.key == other.key || one.skeleton == other.skeleton
    }

    #[test]
    fn a_name_is_the_same_in_any_case_width_and_composition() {
        for (one, other) in
            [("Ada.L", "ada.l"), ("Ａｄａ", "ada"), ("Zoe\u{308}", "zoë"), ("ΣΟΦΟΣ", "σοφοσ"), ("Ωμέγα", "ωμέγα")]
        {
            assert!(same(one, other), "{one} {other}");
        }
        assert_eq!(Name::new("Ａｄａ").unwrap().shown, "Ada");
        assert_eq!(Name::new("Zoe\u{308}").unwrap().shown, "Zoë");
    }

    #[test]
    fn what_looks_the_same_is_the_same() {
        // Latin and Cyrillic; one and l, zero and o, rn and m.
        for (one, other) in [
            ("ace", "асе"),
            ("al1ce", "allce"),
            ("b0b", "bob"),
            ("rnary", "mary"),
            ("o0o", "OOO"),
            ("PayPal", "PayPaI"),
            ("Ilya", "llya"),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        for (one, other) in [("ada", "adam"), ("bob", "bob2"), ("a-b", "a_b")] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn one_script_or_what_is_written_together() {
        for good in ["Ada_L", "Ünï.co-d_e1", "日本語かな", "日本abc", "한국어1", "иван77", "שלום", "नमस"]
        {
            assert!(Name::new(good).is_ok(), "{good}");
        }
        // Cyrillic а among Latin, Greek among Latin, Cyrillic among Han.
        for bad in ["p\u{430}ypal", "Ωmega", "日本ж"] {
            assert!(matches!(Name::new(bad), Err(Error::Field { .. })), "{bad}");
        }
    }

    #[test]
    fn what_nobody_can_see_or_type_is_no_name() {
        let marks = "a".to_owned() + &"\u{301}".repeat(1000);
        let long = "x".repeat(33);
        for bad in [
            "",
            "a",
            "..",
            "-_",
            "has blank",
            " ada",
            "a\u{202e}b",
            "a\u{200b}b",
            "a\u{200d}b",
            "a\u{ad}b",
            "a\0b",
            "a/b",
            "a@b",
            "x\u{301}\u{301}\u{301}",
            "\u{feff}ada",
            &marks,
            &long,
        ] {
            assert!(matches!(Name::new(bad), Err(Error::Field { .. })), "{bad:?}");
        }
    }

    #[test]
    fn nobody_speaks_for_the_server() {
        for reserved in [
            "admin",
            "Admin",
            "ADMIN",
            "ａｄｍｉｎ",
            "adrnin",
            "r00t",
            "Root",
            "everyone",
            "me",
            "Rookery",
            "supp0rt",
            "ADMlN",
            "RO0T",
        ] {
            assert!(Name::new(reserved).is_ok_and(|name| name.is_reserved()), "{reserved}");
        }
        assert!(RESERVED.is_sorted());
        for fine in ["administer", "rooted", "mel", "adminn"] {
            assert!(!Name::new(fine).unwrap().is_reserved(), "{fine}");
        }
    }
}
