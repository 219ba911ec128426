//! `cargo xtask start`: the server first, then the clients for browsers and for the desktop, until Ctrl-C.

mod server;

use std::{
    path::PathBuf,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use self::server::Server;
use crate::{Outcome, cargo, child, stop, tool::node::Node, web};

/// Builds and starts everything, and stays with it.
pub fn start(arguments: &[String]) -> Outcome {
    let (ours, for_server) = match arguments.iter().position(|word| word == "--") {
        Some(place) => (&arguments[..place], &arguments[place + 1..]),
        None => (arguments, &[][..]),
    };
    let release = match ours {
        [] => false,
        [flag] if flag == "--release" => true,
        _ => return Err("start knows the flag --release; flags for the server go behind --".to_owned()),
    };
    server::refuse_taken_port(for_server)?;

    if release {
        // First, for it goes into the server. A development server reads it from the disk.
        web::build(&Node::get()?)?;
    }
    println!("Building the server.");
    let begun = Instant::now();
    let program = cargo::build("rookery-server", "rookery-server", release)?;
    let built = begun.elapsed();
    let mut server = Server::start(&program, for_server)?;
    println!("Built in {:.1} s, ready {:.2} s after its start.", built.as_secs_f64(), server.ready_after.as_secs_f64());

    build_pages(&server)?;
    let mut client = open_client(&server, release)?;
    let outcome = attend(&mut server, &mut client);
    if let Some(client) = &mut client {
        child::end(client);
    }
    server.end();
    outcome
}

/// The client for browsers, where there is npm; else how to get it. The server shows it as soon as it is built.
fn build_pages(server: &Server) -> Outcome {
    let Some(node) = Node::find()? else {
        println!(
            "There is no browser client yet: it takes Node 20.19 or newer with npm, which is not here. `cargo xtask web` \
             brings one into .tools/ and builds it, also while the server runs. Then it is at {}",
            server.page()
        );
        return Ok(());
    };
    match web::build(&node) {
        Ok(()) => println!("Browser: {}", server.page()),
        // Whoever attends to the server next finds out what has stopped it.
        Err(_) if stop::received().is_some() => {}
        Err(sentence) => println!("There is no browser client: {sentence}. The server goes on."),
    }
    Ok(())
}

/// The window, where there is something to show it on; else how to come in without one.
fn open_client(server: &Server, release: bool) -> Outcome<Option<Child>> {
    if stop::received().is_some() {
        return Ok(None);
    }
    if !has_display() {
        println!("There is no display here. Give clients this address: {}", server.url);
        print_ways_in(server);
        return Ok(None);
    }
    println!("Building the desktop client. The first time takes some minutes; the server is ready already.");
    match cargo::build("rookery", "rookery", release).and_then(|program| window(&program, server)) {
        Ok(window) => {
            println!("The window opens. Ctrl-C ends it and the server.");
            Ok(Some(window))
        }
        Err(sentence) if stop::received().is_some() => {
            println!("{sentence}");
            Ok(None)
        }
        Err(sentence) => {
            println!("There is no window: {sentence}. The server goes on.");
            print_ways_in(server);
            Ok(None)
        }
    }
}

fn window(program: &PathBuf, server: &Server) -> Outcome<Child> {
    child::spawn(Command::new(program).args(["--server", &server.url]))
}

fn print_ways_in(server: &Server) {
    println!("Try it from a shell:\n\n    grpcurl -plaintext {} list", server.authority());
    println!("\nCtrl-C ends the server.");
}

/// Waits for Ctrl-C or for the server's own end. A closed window leaves the server to its other clients.
fn attend(server: &mut Server, client: &mut Option<Child>) -> Outcome {
    while stop::received().is_none() {
        if let Some(status) = child::look(&mut server.child)? {
            return Err(format!("the server has ended by itself ({status})"));
        }
        if let Some(window) = client
            && let Some(status) = child::look(window)?
        {
            let how = if status.success() { "is closed".to_owned() } else { format!("has ended ({status})") };
            println!("The window {how}. The server goes on at {}; Ctrl-C ends it.", server.url);
            *client = None;
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}
