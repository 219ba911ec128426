//! Login names: one of each, however it is written; none that passes for another, or for the server.

use rookery_client::{
    Code, Error,
    v1::{self, ErrorReason},
};
use rookery_server::domain::ctx::Clock;
use sqlx::Connection;

use crate::{
    harness::{PASSWORD, Served, Store},
    on_both,
    refusal::{bad_field, refused},
};

async fn register(server: &Served, name: &str) -> Result<v1::User, Error> {
    let request = v1::RegisterRequest { name: name.into(), password: PASSWORD.into(), ..Default::default() };
    server.anonymous().register(request).await.map(|answer| answer.user.unwrap())
}

async fn sign_in(server: &Served, name: &str) -> Result<v1::User, Error> {
    let request = v1::SignInRequest { name: name.into(), password: PASSWORD.into(), ..Default::default() };
    server.anonymous().sign_in(request).await.map(|answer| answer.user.unwrap())
}

async fn taken(server: &Served, name: &str) {
    refused(register(server, name).await, Code::AlreadyExists, ErrorReason::NameTaken);
}

async fn execute(store: &Store, text: &'static str) {
    if store.database.is_empty() {
        let file = sqlx::sqlite::SqliteConnectOptions::new().filename(store.dir.join("rookery.db"));
        let mut conn = sqlx::SqliteConnection::connect_with(&file).await.unwrap();
        sqlx::raw_sql(text).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    } else {
        let mut conn = sqlx::PgConnection::connect(&store.database).await.unwrap();
        sqlx::raw_sql(text).execute(&mut conn).await.unwrap();
    }
}

on_both! {
    async fn a_name_is_one_name_however_it_is_written(backend) {
        let server = Served::start(backend).await;
        for (name, others) in [
            ("Zoë.M", &["zoë.m", "ZOE\u{308}.m", "Ｚｏë．ｍ", "ZOË.M"][..]),
            ("paypal", &["PayPaI", "paypa1", "\u{440}\u{430}\u{443}\u{440}\u{430}l"]),
            ("асе", &["ace", "АСЕ"]),
            ("bob0", &["BOBO", "bobo"]),
            ("mary", &["rnary"]),
        ] {
            let user = register(&server, name).await.unwrap();
            assert_eq!(user.name, name);
            for other in others {
                match register(&server, other).await {
                    // Of two scripts, or in letters that are none.
                    Err(error) if error.code == Code::InvalidArgument => {}
                    answer => {
                        refused(answer, Code::AlreadyExists, ErrorReason::NameTaken);
                    }
                }
            }
        }
        for name in ["zoë.m", "ZOE\u{308}.M", "Ｚoë.m"] {
            assert_eq!(sign_in(&server, name).await.unwrap().name, "Zoë.M", "{name}");
        }
        // What looks like her is not her.
        refused(sign_in(&server, "paypa1").await, Code::Unauthenticated, ErrorReason::WrongCredentials);
        let shown = register(&server, "Ｎｏｒａ").await.unwrap();
        assert_eq!((shown.name.as_str(), shown.display_name.as_str()), ("Nora", "Nora"));
    }

    async fn what_speaks_for_the_server_is_taken_and_what_nobody_can_type_is_no_name(backend) {
        let server = Served::start(backend).await;
        for name in ["admin", "Administrator", "ROOT", "system", "rookery", "everyone", "here", "me", "support", "moderator", "r00t"] {
            taken(&server, name).await;
        }
        let marks = format!("a{}", "\u{301}".repeat(1000));
        for name in ["a\u{200b}b", "a\u{202e}b", "\u{2066}ab", "a\u{200d}b", "pаypal", "Ωmega", "a\u{301}\u{302}\u{303}\u{304}", &marks] {
            bad_field(register(&server, name).await, "name");
        }
        for name in ["日本語かな", "한국어", "иван", "日本abc"] {
            register(&server, name).await.unwrap();
        }
        // What is shown may be anything that can be seen.
        let ada = server.user("ada").await;
        let show = |name: &str| ada.api.update_profile(v1::UpdateProfileRequest { display_name: name.into(), ..Default::default() });
        for bad in ["\u{200b}", "\u{3164}", "a\u{301}\u{301}\u{301}\u{301}", "a\u{202e}b"] {
            bad_field(show(bad).await, "display_name");
            let group = v1::CreateGroupRequest { name: bad.into(), ..Default::default() };
            bad_field(ada.api.create_group(group).await, "name");
        }
        assert_eq!(show("Admin 👩‍🚀").await.unwrap().user.unwrap().display_name, "Admin 👩‍🚀");
    }

    async fn accounts_from_before_these_rules_have_their_names_kept(backend) {
        let server = Served::start(backend).await;
        for name in ["nora", "0ld", "bob"] {
            register(&server, name).await.unwrap();
        }
        let store = server.stop().await;
        // As it was: found by its lower case, in whatever width.
        execute(&store, "update users set skeleton = ''; \
            update users set name = 'Ｎora', name_key = 'ｎora' where name = 'nora'; \
            update users set name = 'B0b', name_key = 'b0b' where name = '0ld'").await;
        let config = store.config();
        let server = Served::serve(store, &config, Clock::system()).await;
        assert_eq!(sign_in(&server, "NORA").await.unwrap().name, "Ｎora");
        taken(&server, "nora").await;
        // Two who look the same already stay two.
        assert_eq!(sign_in(&server, "b0b").await.unwrap().name, "B0b");
        assert_eq!(sign_in(&server, "bob").await.unwrap().name, "bob");
        taken(&server, "Bob").await;
    }
}
