//! The command line of whoever runs the program: what admins may do, for who has the data folder or the database. Works on
//! both while a server runs on them, too; that one takes it up within two seconds. What is said goes to stderr, a secret alone
//! to stdout, once.

use clap::Subcommand;
use rookery_api::v1::{self, AuditAction, MessagesFate, RegistrationMode, TokenScope};

use crate::{
    config::{Config, Registration},
    domain::{
        Ctx, Error,
        admin::{self, Actor, Change},
        audit,
        ctx::Clock,
        registration,
    },
    store::DbConfig,
};

/// How often something is tried that a running server was in the way of.
const TRIES: usize = 5;
