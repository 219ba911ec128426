//! `cargo xtask`: everything that is done with this repository, as one program for people and for CI.

mod bench;
mod cargo;
mod check;
mod child;
mod dist;
mod gifs;
mod pictures;
mod place;
mod postgres;
mod proto;
mod start;
mod stop;
mod test;
mod tool;
mod web;

use std::process::ExitCode;

/// What went wrong is one sentence for the person at the keyboard.
type Outcome<T = ()> = Result<T, String>;

const USAGE: &str = "\
cargo xtask start [--release] [-- SERVER FLAGS]   build and start the server, then both clients
cargo xtask test [PART or FILTER...] [-- FLAGS]   all tests, or parts of them: lint, buf, web, rust, browser;
                                                  any other word filters the Rust tests by name;
                                                  what follows -- goes to `cargo test` instead of --workspace
cargo xtask web                                   build the browser client, with a Node of our own if need be
cargo xtask check [NAME]                          one of the long checks in full; without a name: their list
cargo xtask bench [FLAGS]                         build for release and measure
cargo xtask dist                                  build for release and pack dist/rookery-VERSION-OS-ARCH.tar.gz
cargo xtask gifs                                  make the pictures of the GIF collection anew
cargo xtask postgres                              a throw-away PostgreSQL for a plain `cargo test`, until Ctrl-C
cargo xtask pictures                              take the pictures of the README anew
cargo xtask tools                                 find or install what the tests need";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = stop::listen().and_then(|()| run(&arguments));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("xtask: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Outcome {
    let Some((task, rest)) = arguments.split_first() else {
        return Err(format!("say what to do:\n\n{USAGE}"));
    };
    match task.as_str() {
        "start" => start::start(rest),
        "test" => test::test(rest),
        "web" => web::web(rest),
        "check" => check::check(rest),
        "bench" => bench::bench(rest),
        "dist" => dist::dist(rest),
        "gifs" => gifs::gifs(rest),
        "postgres" => postgres::hold(),
        "pictures" => pictures::pictures(rest),
        "tools" => tools(),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => Err(format!("there is no task \"{other}\":\n\n{USAGE}")),
    }
}

fn tools() -> Outcome {
    tool::install(true, true)?;
    tool::find_all()?.print();
    tool::find_browsers()?.print();
    Ok(())
}
