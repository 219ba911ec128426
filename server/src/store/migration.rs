//! The schema, brought up to date at start. A newer schema than this program's is refused.

use sqlx::{
    SqlSafeStr,
    migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator},
};

mod list {
    include!(concat!(env!("OUT_DIR"), "/migrations.rs"));
}
pub(in crate::store) use list::{POSTGRES, SQLITE};

/// Runs what is missing. All of it is named in `migrations`.
pub(super) async fn run<C: Migrate>(
    conn: &mut C,
    migrations: &[(i64, &'static str, &'static str)],
) -> Result<(), String> {
    let list = migrations
        .iter()
        .map(|&(number, noun, text)| {
            Migration::new(number, noun.into(), MigrationType::Simple, text.into_sql_str(), false)
        })
        .collect();
    Migrator::with_migrations(list).run_direct(None, conn, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => format!(
            "this database was written by a newer Rookery (its schema has step {version}, this program does not know it); \
             start the newer program"
        ),
        MigrateError::VersionMismatch(version) => {
            format!("step {version} of this database's schema is not the one this program knows; it was not made by a released Rookery")
        }
        other => format!("the database's schema could not be brought up to date: {other}"),
    })
}
