//! The command line of whoever runs the program: what admins may do, for who has the data folder or the database. It works
//! beside a running server, which takes it up within two seconds. What is said goes to stderr, what was made or asked for
//! (a secret, once) to stdout: scripts can take it from there.

use std::{io::Write, sync::Arc};

use clap::{Args, Subcommand, ValueEnum};
use rookery_api::v1::{self, AuditAction, MessagesFate, RegistrationMode, TokenScope};

use crate::{
    config::Config,
    domain::{
        self, Ctx, Error,
        admin::{self, Actor, Change},
        audit,
        ctx::Clock,
        registration,
        writer::Writing,
    },
    store::{Db, DbConfig},
};

/// What an operator does to accounts, registration and the log.
#[derive(Clone, Debug, Subcommand)]
pub enum Act {
    /// Make an account; prints its password
    CreateUser {
        /// The login name
        name: String,
        /// Make it an admin's
        #[arg(long)]
        admin: bool,
    },
    /// Give an account another password and end its sessions; prints the password
    ResetPassword {
        /// The login name
        name: String,
    },
    /// Shut an account out, at once
    Disable {
        /// The login name
        name: String,
    },
    /// Let an account in again
    Enable {
        /// The login name
        name: String,
    },
    /// Make somebody an admin
    Promote {
        /// The login name
        name: String,
    },
    /// Take that back
    Demote {
        /// The login name
        name: String,
    },
    /// Delete an account, for good
    Remove {
        /// The login name
        name: String,
        /// What becomes of the messages
        #[command(flatten)]
        messages: Messages,
    },
    /// End all sessions and tokens of an account
    SignOut {
        /// The login name
        name: String,
    },
    /// List all accounts
    List,
    /// Change who may make an account
    Registration {
        /// Everybody, whoever has an invite, nobody, or what the configuration says
        mode: Mode,
    },
    /// Make an invite, for servers where registration is by invite; prints its link, or its code
    Invite {
        /// How many accounts may be made with it; 0: any number
        #[arg(long, default_value_t = 1)]
        uses: i32,
        /// For how many days it holds
        #[arg(long, default_value_t = 7)]
        days: u32,
    },
    /// List the invites that still hold, newest first
    Invites,
    /// End an invite
    RevokeInvite {
        /// Its code
        code: String,
    },
    /// Tell everybody something, as a line in the room that all are in
    Announce {
        /// What to tell
        text: String,
    },
    /// Print what admins did, newest first
    Audit {
        /// How much of it
        #[arg(long, default_value_t = 50)]
        last: usize,
    },
}

/// The choice that deleting an account asks for.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Messages {
    /// They stay, as those of a deleted user
    #[arg(long)]
    keep_messages: bool,
    /// They are deleted
    #[arg(long)]
    erase_messages: bool,
}

/// What an operator does about scripts.
#[derive(Clone, Debug, Subcommand)]
pub enum Script {
    /// Make a token with which a script acts as somebody; prints it
    Create {
        /// The login name of who it is
        user: String,
        /// What it is for, as her list of sessions shows it
        #[arg(long)]
        name: String,
        /// What it may be used for
        #[arg(long, value_delimiter = ',', required = true)]
        scope: Vec<Scope>,
        /// For how many days it holds [default: until it is revoked]
        #[arg(long)]
        days: Option<u32>,
    },
}

/// What a token may be used for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Scope {
    /// Read what the user may read
    Read,
    /// Write as the user
    Write,
    /// Change what is the user's
    Manage,
    /// Govern the server, if the user is an admin
    Admin,
}

impl Scope {
    fn api(self) -> TokenScope {
        match self {
            Self::Read => TokenScope::Read,
            Self::Write => TokenScope::Write,
            Self::Manage => TokenScope::Manage,
            Self::Admin => TokenScope::Admin,
        }
    }
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Mode {
    /// Everybody
    Open,
    /// Whoever has an invite
    Invite,
    /// Nobody
    Closed,
    /// What the configuration says
    Configured,
}

impl Mode {
    fn api(self) -> RegistrationMode {
        match self {
            Self::Open => RegistrationMode::Open,
            Self::Invite => RegistrationMode::Invite,
            Self::Closed => RegistrationMode::Closed,
            Self::Configured => RegistrationMode::Unspecified,
        }
    }
}

/// Does one act on the data folder or the database.
pub async fn act(config: &Config, act: &Act) -> Result<(), String> {
    open(config).await?.close(async |ctx| run(ctx, config, act).await).await
}

/// The same of what is for scripts.
pub async fn script(config: &Config, script: &Script) -> Result<(), String> {
    open(config).await?.close(async |ctx| make_token(ctx, script).await).await
}

/// The storage and the rules, beside whichever server has them open.
struct Beside {
    ctx: Arc<Ctx>,
    writers: Vec<Writing>,
}

async fn open(config: &Config) -> Result<Beside, String> {
    let db = config.db();
    if let DbConfig::Sqlite(path) = &db
        && !path.exists()
    {
        return Err(format!("there is no database in {}; start the server there once", config.data.display()));
    }
    // A server that is running must not find another schema under it.
    let looked = Db::connect(&db).await?;
    let schema = async { looked.reader().await.map_err(|error| error.to_string())?.schema().await }.await;
    looked.close().await;
    schema??;
    let (ctx, _, writers) = crate::open(config, Clock::system()).await?;
    Ok(Beside { ctx, writers })
}

impl Beside {
    /// Does something, and lets go of the storage when it is all written.
    async fn close(self, work: impl AsyncFnOnce(&Arc<Ctx>) -> domain::Result<()>) -> Result<(), String> {
        let outcome = work(&self.ctx).await;
        let db = self.ctx.db.clone();
        drop(self.ctx);
        let mut written = Ok(());
        for writer in self.writers {
            written = written.and(writer.await.unwrap_or_else(|error| Err(error.to_string())));
        }
        db.close().await;
        outcome.map_err(|error| said(&error)).and(written)
    }
}

/// An error for who has no log to look into.
fn said(error: &Error) -> String {
    match error {
        Error::Unavailable(cause) | Error::Internal(cause) => format!("{error} ({cause})"),
        error => error.to_string(),
    }
}

async fn run(ctx: &Arc<Ctx>, config: &Config, act: &Act) -> domain::Result<()> {
    let operator = &Actor::Operator;
    match act {
        Act::CreateUser { name, admin } => {
            let request = v1::CreateAccountRequest { name: name.clone(), admin: *admin, ..Default::default() };
            let made = admin::create(ctx, operator, request).await?;
            eprintln!("The account {name} is made{}. Its password, which is shown only now:", as_admins(*admin));
            out(made.password);
        }
        Act::ResetPassword { name } => {
            let user_id = admin::named(ctx, name).await?;
            let request = v1::ResetPasswordRequest { user_id, password: String::new() };
            let password = admin::reset_password(ctx, operator, request).await?;
            eprintln!("{name} is signed out everywhere. The new password, which is shown only now:");
            out(password);
        }
        Act::Disable { name } => {
            change(ctx, name, Change { disabled: Some(true), ..Change::default() }).await?;
            eprintln!("{name} is shut out.");
        }
        Act::Enable { name } => {
            change(ctx, name, Change { disabled: Some(false), ..Change::default() }).await?;
            eprintln!("{name} may sign in.");
        }
        Act::Promote { name } => {
            change(ctx, name, Change { admin: Some(true), ..Change::default() }).await?;
            eprintln!("{name} is an admin.");
        }
        Act::Demote { name } => {
            change(ctx, name, Change { admin: Some(false), ..Change::default() }).await?;
            eprintln!("{name} is no admin.");
        }
        Act::Remove { name, messages } => {
            let fate = if messages.keep_messages { MessagesFate::Keep } else { MessagesFate::Erase };
            let user_id = admin::named(ctx, name).await?;
            admin::remove(ctx, operator, user_id, fate).await?;
            eprintln!("The account {name} is deleted.");
        }
        Act::SignOut { name } => {
            let user_id = admin::named(ctx, name).await?;
            let ended = admin::sign_out(ctx, operator, user_id).await?;
            eprintln!("{name} is signed out; sessions and tokens that ended: {ended}");
        }
        Act::List => list(ctx).await?,
        Act::Registration { mode } => {
            let mode = registration::set_mode(ctx, operator, mode.api()).await?;
            eprintln!("Registration is {}.", word(mode.as_str_name(), "REGISTRATION_MODE_").to_lowercase());
        }
        Act::Invite { uses, days } => {
            let life = prost_types::Duration { seconds: i64::from(*days) * 86_400, nanos: 0 };
            let request = v1::CreateRegistrationInviteRequest { max_uses: *uses, expires_in: Some(life) };
            let invite = registration::invite(ctx, operator, &request).await?;
            eprintln!("Whoever has this can make an account where registration is by invite:");
            out(config.registration_link(&invite.code, None).unwrap_or(invite.code));
        }
        Act::Invites => invites(ctx).await?,
        Act::RevokeInvite { code } => {
            registration::revoke(ctx, operator, code).await?;
            eprintln!("Nobody can make an account with {code} any more.");
        }
        Act::Announce { text } => {
            let request = v1::AnnounceRequest { text: text.clone(), request_id: String::new() };
            admin::announce(ctx, operator, request).await?;
            eprintln!("Everybody is told.");
        }
        Act::Audit { last } => log(ctx, *last).await?,
    }
    Ok(())
}

async fn make_token(ctx: &Ctx, script: &Script) -> domain::Result<()> {
    let Script::Create { user, name, scope, days } = script;
    let user_id = admin::named(ctx, user).await?;
    let request = v1::CreateTokenRequest {
        name: name.clone(),
        scopes: scope.iter().map(|scope| i32::from(scope.api())).collect(),
        expires_in: days.map(|days| prost_types::Duration { seconds: i64::from(days) * 86_400, nanos: 0 }),
    };
    let token = admin::token(ctx, user_id, &request).await?;
    eprintln!("With this token a script acts as {user}. It is shown only now:");
    out(token);
    Ok(())
}

fn as_admins(admin: bool) -> &'static str {
    if admin { ", an admin's" } else { "" }
}

/// What was asked for. Whoever reads it may have stopped.
fn out(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

async fn change(ctx: &Ctx, name: &str, change: Change) -> domain::Result<()> {
    let user_id = admin::named(ctx, name).await?;
    admin::update(ctx, &Actor::Operator, user_id, change).await.map(drop)
}

async fn list(ctx: &Ctx) -> domain::Result<()> {
    let mut request = v1::ListAccountsRequest { page_size: 100, ..Default::default() };
    loop {
        let page = admin::list(ctx, &request).await?;
        for account in page.accounts {
            let user = account.user.unwrap_or_default();
            let what = match (account.admin, account.disabled) {
                (false, false) => "",
                (true, false) => "admin",
                (false, true) => "shut out",
                (true, true) => "admin, shut out",
            };
            let seen = account.last_seen_at.map_or_else(|| "never seen".into(), |at| format!("seen {at}"));
            out(format_args!("{:<32}  {what:<15}  {} bytes of files, {seen}", user.name, account.file_bytes));
        }
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

async fn invites(ctx: &Ctx) -> domain::Result<()> {
    let mut request = v1::ListRegistrationInvitesRequest { page_size: 100, ..Default::default() };
    loop {
        let page = registration::list(ctx, &request).await?;
        for invite in page.invites {
            let most = if invite.max_uses == 0 { "any number".into() } else { invite.max_uses.to_string() };
            let until = invite.expires_at.map_or_else(|| "holds for ever".into(), |at| format!("holds until {at}"));
            out(format_args!("{}  used {} of {most}, {until}", invite.code, invite.uses));
        }
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

async fn log(ctx: &Ctx, last: usize) -> domain::Result<()> {
    let mut left = last;
    let mut request = v1::ListAuditEntriesRequest { page_size: 100, ..Default::default() };
    loop {
        let page = audit::list(ctx, &request).await?;
        let name = |id: i64| match page.users.iter().find(|user| user.id == id) {
            Some(user) => user.name.clone(),
            None => "operator".into(),
        };
        for entry in page.entries.iter().take(left) {
            let action = AuditAction::try_from(entry.action).unwrap_or_default();
            let action = word(action.as_str_name(), "AUDIT_ACTION_").to_lowercase().replace('_', " ");
            let at = entry.at.as_ref().map(ToString::to_string).unwrap_or_default();
            let subject = if entry.subject_id == 0 { String::new() } else { name(entry.subject_id) };
            let words = [at, name(entry.actor_id), action, subject, entry.detail.clone()];
            out(words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("  "));
        }
        left = left.saturating_sub(page.entries.len());
        if left == 0 || page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

fn word<'name>(name: &'name str, prefix: &str) -> &'name str {
    name.strip_prefix(prefix).unwrap_or(name)
}
