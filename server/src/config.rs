//! Settings: flags over `ROOKERY_*` variables over `rookery.toml` over defaults.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Parser;
use rookery_api::v1::RegistrationMode;
use serde::Deserialize;

use crate::{
    domain::{
        ctx::{Limits, Timings},
        rate::{self, Rate, Span},
    },
    gif, log, operator,
    peer::Proxies,
    store::DbConfig,
};

/// What the command line says.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "rookery-server", version, about = "Rookery: a chat that you host yourself")]
pub struct Flags {
    /// The folder that holds everything [default: ./rookery-data]
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// The address to listen on [default: 127.0.0.1:7878]
    #[arg(long, value_name = "ADDR", global = true)]
    pub listen: Option<String>,
    /// A PostgreSQL database instead of the file in the folder: postgres://…
    #[arg(long, value_name = "URL", global = true)]
    pub database: Option<String>,
    /// The certificate chain to speak TLS with, as PEM
    #[arg(long, value_name = "FILE", global = true)]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key, as PEM, for nobody else to read
    #[arg(long, value_name = "FILE", global = true)]
    pub tls_key: Option<PathBuf>,
    /// Listen without TLS to others than this machine
    #[arg(long, global = true)]
    pub allow_plain_text: bool,
    /// The configuration file [default: rookery.toml in the data folder, if it is there]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// What to do; nothing means `serve`
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the program can do.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Run the server
    Serve,
    /// Print the default configuration, with comments
    Config,
    /// Copy the database and the files into a folder, also while the server runs
    Backup {
        /// Where to; it is made, and must not hold a backup yet
        dir: PathBuf,
    },
    /// Govern accounts, registration and invites, also while the server runs
    Admin {
        /// What to do
        #[command(subcommand)]
        act: operator::Act,
    },
    /// Make tokens for scripts, also while the server runs
    Token {
        /// What to do
        #[command(subcommand)]
        script: operator::Script,
    },
    /// Look whether the configuration, the database and the files are as they must be; changes nothing
    Doctor {
        /// Instead, make the search index anew, with the server stopped
        #[arg(long)]
        rebuild_search: bool,
    },
    /// Put a backup into the data folder of a stopped server; after pg_restore, its files
    Restore {
        /// A folder that `backup` made, or with a copy of the folder media
        dir: PathBuf,
    },
}

/// All settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The folder that holds everything.
    pub data: PathBuf,
    /// Where settings were looked for.
    #[serde(skip)]
    pub file: PathBuf,
    /// The address to listen on.
    pub listen: String,
    /// The certificate chain and its key to speak TLS with; empty: plain text.
    pub tls_cert: PathBuf,
    pub tls_key: PathBuf,
    /// Whether to listen without TLS to others than this machine.
    pub allow_plain_text: bool,
    /// `postgres://…`; empty: SQLite in the folder.
    pub database: String,
    /// Where people reach the server, as `https://chat.example.org`: for links. Empty: not known.
    pub public_url: String,
    /// What the operator calls the server.
    pub name: String,
    /// Who may make an account, unless an admin chose otherwise.
    pub registration: Registration,
    /// Whether the API describes itself to grpcurl and others.
    pub reflection: bool,
    /// Limits.
    pub limits: LimitsConfig,
    /// Timings, in seconds.
    pub timings: TimingsConfig,
    /// The address where Prometheus reads what is counted; empty: nowhere.
    pub metrics: String,
    /// How the log looks.
    pub log: log::Form,
    /// What is logged: a level, or several by part of the program.
    pub log_level: String,
    /// Proxies that say truly whom they call for.
    pub trusted_proxies: Proxies,
    /// Where GIFs come from.
    pub gif: gif::Settings,
    /// Whether browsers may keep their session in a cookie that also travels without TLS. On loopback they may anyway.
    pub plain_cookies: bool,
    /// For measuring only: let tonic encode each event for each reader.
    pub plain_streams: bool,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Everybody.
    Open,
    /// Whoever has an invite.
    Invite,
    /// Nobody.
    Closed,
}

/// The `[limits]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    pub text_characters: usize,
    pub text_bytes: usize,
    pub group_members: i64,
    pub small_group: i64,
    pub replay: i64,
    pub reaction_kinds: usize,
    pub attachments: usize,
    pub file_bytes: u64,
    pub user_bytes: i64,
    pub avatar_bytes: i64,
    pub mentions: usize,
    pub pins: i64,
    /// What one member keeps open into one group.
    pub invites: i64,
    pub blocks: i64,
    pub status_characters: usize,
    /// How long the database may look for messages, in milliseconds.
    pub search_milliseconds: u64,
    /// Connections in all.
    pub connections: usize,
    /// Connections from one IPv4 address, or one /64 of IPv6.
    pub connections_per_address: usize,
    /// Wrong passwords for a name before the next try has to wait.
    pub sign_in_tries: u32,
    /// Pictures that wait to be written anew.
    pub pictures_waiting: usize,
    /// With less room on the disk nothing new is kept.
    pub free_bytes: u64,
    /// Whether there are rates at all.
    pub enabled: bool,
    pub send_rate: Rate,
    pub change_rate: Rate,
    pub profile_rate: Rate,
    pub creation_rate: Rate,
    pub history_rate: Rate,
    pub search_rate: Rate,
    pub upload_rate: Rate,
    pub gif_rate: Rate,
    pub stream_rate: Rate,
    pub export_rate: Rate,
    pub call_rate: Rate,
    pub sign_in_rate: Rate,
    pub registration_rate: Rate,
    pub bad_token_rate: Rate,
}

/// The `[timings]` table, in seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimingsConfig {
    pub heartbeat: u64,
    pub timeout: u64,
    pub typing_repeat: u64,
    pub typing_expires: u64,
    pub activity_repeat: u64,
    pub activity_expires: u64,
    pub idle_after: u64,
    pub grace: u64,
    pub greeting: u64,
    pub body: u64,
    pub call: u64,
    pub stream: u64,
}

impl Registration {
    /// As the protocol has it.
    pub fn mode(self) -> RegistrationMode {
        match self {
            Self::Open => RegistrationMode::Open,
            Self::Invite => RegistrationMode::Invite,
            Self::Closed => RegistrationMode::Closed,
        }
    }
}

/// Whether a database is on another machine.
fn elsewhere(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let here = ["localhost", "127.", "[::1]", "%2F"].iter().any(|start| host.starts_with(start));
    !(here || host.is_empty() || host.starts_with(':') || url.contains("host=/"))
}

/// Whether a database's address has a password in it.
fn password_in(url: &str) -> bool {
    let login = url.split_once("://").and_then(|(_, rest)| rest.split_once('@'));
    login.is_some_and(|(login, _)| login.contains(':')) || url.contains("password=")
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "rookery-data".into(),
            file: PathBuf::new(),
            listen: "127.0.0.1:7878".into(),
            tls_cert: PathBuf::new(),
            tls_key: PathBuf::new(),
            allow_plain_text: false,
            database: String::new(),
            public_url: String::new(),
            name: "Rookery".into(),
            registration: Registration::Open,
            reflection: true,
            metrics: String::new(),
            log: log::Form::Text,
            log_level: "warn,security=info".into(),
            trusted_proxies: Proxies::default(),
            limits: LimitsConfig::default(),
            timings: TimingsConfig::default(),
            gif: gif::Settings::default(),
            plain_cookies: false,
            plain_streams: false,
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            text_characters: 4000,
            text_bytes: 16 * 1024,
            group_members: 500,
            small_group: 50,
            replay: 1000,
            reaction_kinds: 20,
            attachments: 10,
            file_bytes: 50 << 20,
            user_bytes: 5 << 30,
            avatar_bytes: 2 << 20,
            mentions: 50,
            pins: 250,
            invites: 100,
            blocks: 1000,
            status_characters: 128,
            search_milliseconds: 200,
            connections: 20_000,
            connections_per_address: 50,
            sign_in_tries: 5,
            pictures_waiting: 32,
            free_bytes: 200 << 20,
            enabled: true,
            send_rate: Rate::new(40, 4, Span::Second),
            change_rate: Rate::new(20, 4, Span::Second),
            profile_rate: Rate::new(10, 12, Span::Minute),
            creation_rate: Rate::new(20, 10, Span::Minute),
            history_rate: Rate::new(100, 20, Span::Second),
            search_rate: Rate::new(20, 5, Span::Second),
            upload_rate: Rate::new(30, 1, Span::Second),
            gif_rate: Rate::new(20, 2, Span::Second),
            stream_rate: Rate::new(20, 1, Span::Second),
            export_rate: Rate::new(2, 4, Span::Hour),
            call_rate: Rate::new(200, 50, Span::Second),
            sign_in_rate: Rate::new(20, 20, Span::Minute),
            registration_rate: Rate::new(3, 2, Span::Minute),
            bad_token_rate: Rate::new(1000, 100, Span::Minute),
        }
    }
}

impl Default for TimingsConfig {
    fn default() -> Self {
        Self {
            heartbeat: 15,
            timeout: 45,
            typing_repeat: 4,
            typing_expires: 8,
            activity_repeat: 60,
            activity_expires: 90,
            idle_after: 600,
            grace: 5,
            greeting: 10,
            body: 30,
            call: 10,
            stream: 43_200,
        }
    }
}

/// The default configuration with comments, as `config` prints it.
pub const DEFAULT_FILE: &str = include_str!("config/rookery.toml");

impl Config {
    /// Puts the settings together.
    pub fn load(flags: &Flags) -> Result<Self, String> {
        let data = flags.data.clone().or_else(|| std::env::var_os("ROOKERY_DATA").map(PathBuf::from));
        let data = data.unwrap_or_else(|| Self::default().data);
        let file = match &flags.config {
            Some(file) => config::File::from(file.as_path()).required(true),
            None => config::File::from(data.join("rookery.toml")).required(false),
        };
        let path = flags.config.clone().unwrap_or_else(|| data.join("rookery.toml"));
        let mut builder = config::Config::builder().add_source(file.format(config::FileFormat::Toml));
        let fault = |error: config::ConfigError| format!("the configuration is not right: {error}");
        for (name, value) in std::env::vars() {
            if let Some(key) = name.strip_prefix("ROOKERY_").and_then(key_of_variable) {
                builder = builder.set_override(key, value).map_err(fault)?;
            }
        }
        let mut config: Self = builder.build().and_then(config::Config::try_deserialize).map_err(fault)?;
        config.data = data;
        config.file = path;
        if let Some(listen) = &flags.listen {
            config.listen.clone_from(listen);
        }
        if let Some(database) = &flags.database {
            config.database.clone_from(database);
        }
        if let Some(file) = &flags.tls_cert {
            config.tls_cert.clone_from(file);
        }
        if let Some(file) = &flags.tls_key {
            config.tls_key.clone_from(file);
        }
        config.allow_plain_text |= flags.allow_plain_text;
        config.check()?;
        Ok(config)
    }

    /// Refuses what no server could run with, by the setting's name: a zero that would end every stream, say.
    fn check(&self) -> Result<(), String> {
        let Self { limits, timings, .. } = self;
        let numbers = [
            ("limits.text_characters", limits.text_characters.try_into().unwrap_or(i64::MAX)),
            ("limits.text_bytes", limits.text_bytes.try_into().unwrap_or(i64::MAX)),
            ("limits.group_members", limits.group_members),
            ("limits.replay", limits.replay),
            ("limits.connections", limits.connections.try_into().unwrap_or(i64::MAX)),
            ("limits.connections_per_address", limits.connections_per_address.try_into().unwrap_or(i64::MAX)),
        ];
        let spans = [
            ("timings.heartbeat", timings.heartbeat),
            ("timings.timeout", timings.timeout),
            ("timings.typing_repeat", timings.typing_repeat),
            ("timings.typing_expires", timings.typing_expires),
            ("timings.activity_repeat", timings.activity_repeat),
            ("timings.activity_expires", timings.activity_expires),
            ("timings.greeting", timings.greeting),
            ("timings.body", timings.body),
            ("timings.call", timings.call),
            ("timings.stream", timings.stream),
        ];
        let spans = spans.map(|(name, seconds)| (name, i64::try_from(seconds).unwrap_or(i64::MAX)));
        if let Some((name, _)) = numbers.into_iter().chain(spans).find(|(_, number)| *number < 1) {
            return Err(format!("the configuration is not right: {name} must be at least 1"));
        }
        let url = &self.public_url;
        if !url.is_empty() && !["https://", "http://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err("the configuration is not right: public_url must be like https://chat.example.org".into());
        }
        let pairs = [
            ("timings.timeout", timings.timeout, "timings.heartbeat", timings.heartbeat),
            ("timings.typing_expires", timings.typing_expires, "timings.typing_repeat", timings.typing_repeat),
            ("timings.activity_expires", timings.activity_expires, "timings.activity_repeat", timings.activity_repeat),
        ];
        match pairs.into_iter().find(|(_, longer, _, shorter)| longer <= shorter) {
            Some((longer, _, shorter, _)) => {
                Err(format!("the configuration is not right: {longer} must be longer than {shorter}"))
            }
            None => Ok(()),
        }
    }

    /// What others could read: files with secrets, which are the key of TLS and this configuration if it holds any; and what
    /// is said to a database.
    pub fn exposed(&self) -> Vec<String> {
        let secrets = [(&self.tls_key, true), (&self.file, !self.gif.key.is_empty() || password_in(&self.database))];
        let exposed = |path: &PathBuf| {
            let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
            (mode & 0o077 != 0)
                .then(|| format!("{} may be read by others (mode {mode:o}); chmod 600 it", path.display()))
        };
        let mut said: Vec<String> =
            secrets.into_iter().filter(|(_, secret)| *secret).filter_map(|(path, _)| exposed(path)).collect();
        if elsewhere(&self.database) && !self.database.contains("sslmode=") {
            said.push(
                "PostgreSQL is reached over the network, perhaps without TLS; add ?sslmode=verify-full to its address"
                    .into(),
            );
        }
        said
    }

    /// Where the database is.
    pub fn db(&self) -> DbConfig {
        match self.database.as_str() {
            "" => DbConfig::Sqlite(self.data.join("rookery.db")),
            url => DbConfig::Postgres(url.into()),
        }
    }

    /// Where the bytes of files are.
    pub fn media(&self) -> PathBuf {
        self.data.join("media")
    }

    /// The address to listen on.
    pub fn address(&self) -> Result<SocketAddr, String> {
        let fault = |error| format!("--listen {}: {error}; it must be like 127.0.0.1:7878", self.listen);
        self.listen.parse().map_err(fault)
    }

    /// The page where a code makes an account. Without a public URL it is where this server listens, if that is told; of an
    /// address that stands for all of the machine's, loopback.
    pub fn registration_link(&self, code: &str, listens: Option<SocketAddr>) -> Option<String> {
        let scheme = if self.tls_cert.as_os_str().is_empty() { "http" } else { "https" };
        let base = match (self.public_url.trim_end_matches('/'), listens) {
            ("", None) => return None,
            ("", Some(address)) if address.ip().is_unspecified() => format!("{scheme}://127.0.0.1:{}", address.port()),
            ("", Some(address)) => format!("{scheme}://{address}"),
            (url, _) => url.to_owned(),
        };
        Some(format!("{base}/#/register/{code}"))
    }

    /// The certificate and its key; none: plain text, which only this machine may hear unless somebody says otherwise.
    pub fn tls(&self) -> Result<Option<(&Path, &Path)>, String> {
        let files = [&self.tls_cert, &self.tls_key].map(|file| Some(file.as_path()).filter(|file| *file != ""));
        match files {
            [Some(chain), Some(key)] => Ok(Some((chain, key))),
            [None, None] => self.plain_text("--listen", self.address()?).map(|()| None),
            _ => Err("TLS takes two files: give both --tls-cert and --tls-key".into()),
        }
    }

    fn plain_text(&self, flag: &str, address: SocketAddr) -> Result<(), String> {
        if address.ip().is_loopback() || self.allow_plain_text {
            return Ok(());
        }
        Err(format!(
            "{flag} {address} would let others on the network read and change everything; speak TLS (--tls-cert FILE \
             --tls-key FILE), or listen on 127.0.0.1 with a proxy in front that does (docs/proxy.md), or allow it by \
             --allow-plain-text"
        ))
    }

    /// Where Prometheus reads, if anywhere.
    pub fn metrics(&self) -> Result<Option<SocketAddr>, String> {
        if self.metrics.is_empty() {
            return Ok(None);
        }
        let fault = |error| format!("metrics = {:?}: {error}; it must be like 127.0.0.1:9090", self.metrics);
        let address = self.metrics.parse().map_err(fault)?;
        self.plain_text("metrics =", address).map(|()| Some(address))
    }

    /// The limits that rules know.
    pub fn domain_limits(&self) -> Limits {
        let limits = &self.limits;
        Limits {
            text_characters: limits.text_characters,
            text_bytes: limits.text_bytes,
            group_members: limits.group_members,
            small_group: limits.small_group,
            replay: limits.replay,
            reaction_kinds: limits.reaction_kinds,
            attachments: limits.attachments,
            file_bytes: limits.file_bytes,
            user_bytes: limits.user_bytes,
            avatar_bytes: limits.avatar_bytes,
            mentions: limits.mentions,
            pins: limits.pins,
            invites: limits.invites,
            blocks: limits.blocks,
            status_characters: limits.status_characters,
            search: Duration::from_millis(limits.search_milliseconds),
        }
    }

    /// How often somebody may call.
    pub fn rates(&self) -> rate::Settings {
        let limits = &self.limits;
        rate::Settings {
            enabled: limits.enabled,
            sends: limits.send_rate,
            changes: limits.change_rate,
            profiles: limits.profile_rate,
            creations: limits.creation_rate,
            history: limits.history_rate,
            searches: limits.search_rate,
            uploads: limits.upload_rate,
            gifs: limits.gif_rate,
            streams: limits.stream_rate,
            exports: limits.export_rate,
            calls: limits.call_rate,
            sign_ins: limits.sign_in_rate,
            registrations: limits.registration_rate,
            bad_tokens: limits.bad_token_rate,
        }
    }

    /// The timings that clients keep to.
    pub fn domain_timings(&self) -> Timings {
        let timings = &self.timings;
        Timings {
            heartbeat: Duration::from_secs(timings.heartbeat),
            timeout: Duration::from_secs(timings.timeout),
            typing_repeat: Duration::from_secs(timings.typing_repeat),
            typing_expires: Duration::from_secs(timings.typing_expires),
            activity_repeat: Duration::from_secs(timings.activity_repeat),
            idle_after: Duration::from_secs(timings.idle_after),
        }
    }
}

/// `LIMITS_SMALL_GROUP` is `limits.small_group`; variables that are no settings (of tests, say) are left alone.
fn key_of_variable(name: &str) -> Option<String> {
    const TOP: [&str; 15] = [
        "public_url",
        "listen",
        "tls_cert",
        "tls_key",
        "allow_plain_text",
        "database",
        "name",
        "registration",
        "reflection",
        "metrics",
        "log",
        "log_level",
        "trusted_proxies",
        "plain_cookies",
        "plain_streams",
    ];
    let name = name.to_lowercase();
    for table in ["limits", "timings", "gif"] {
        if let Some(key) = name.strip_prefix(table).and_then(|rest| rest.strip_prefix('_')) {
            return Some(format!("{table}.{key}"));
        }
    }
    TOP.contains(&name.as_str()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_file_is_the_defaults() {
        let printed: Config = config::Config::builder()
            .add_source(config::File::from_str(DEFAULT_FILE, config::FileFormat::Toml))
            .build()
            .and_then(config::Config::try_deserialize)
            .unwrap();
        assert_eq!(
            format!("{printed:?}"),
            format!("{:?}", Config { data: "rookery-data".into(), ..Config::default() })
        );
    }

    #[test]
    fn what_no_server_could_run_with_is_refused_by_name() {
        assert_eq!(Config::default().check(), Ok(()));
        let mut config = Config::default();
        config.timings.heartbeat = 0;
        assert!(config.check().unwrap_err().contains("timings.heartbeat must be at least 1"));
        let mut config = Config::default();
        config.timings.timeout = 15;
        assert!(config.check().unwrap_err().contains("timings.timeout must be longer than timings.heartbeat"));
    }

    #[test]
    fn variables_name_settings_and_others_are_left_alone() {
        assert_eq!(key_of_variable("LIMITS_SMALL_GROUP").as_deref(), Some("limits.small_group"));
        assert_eq!(key_of_variable("GIF_BASE_URL").as_deref(), Some("gif.base_url"));
        assert_eq!(key_of_variable("LISTEN").as_deref(), Some("listen"));
        assert_eq!(key_of_variable("TEST_POSTGRES"), None);
    }
}
