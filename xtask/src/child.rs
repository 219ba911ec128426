//! Other programs: started, waited for, ended; with a sentence for each way in which that fails.

use std::{
    io::Read,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Outcome,
    stop::{self, Stop},
};

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The server drains for up to ten seconds when it is asked to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// Starts a program.
pub fn spawn(command: &mut Command) -> Outcome<Child> {
    command.spawn().map_err(|error| format!("cannot start `{}`: {error}", line(command)))
}

/// Runs a program to its end; its output is shown as it comes.
pub fn run(command: &mut Command) -> Outcome {
    let status = wait(&mut spawn(command)?)?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status})", line(command))) }
}

/// Runs a program to its end and returns what it wrote to its standard output; its errors are shown as they come.
pub fn read(command: &mut Command) -> Outcome<String> {
    let mut child = spawn(command.stdout(Stdio::piped()))?;
    let mut stdout = child.stdout.take().ok_or("the standard output is not piped")?;
    // Read beside the wait, so that a full pipe holds up nobody and Ctrl-C is still heard.
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).map(|_| bytes)
    });
    let status = wait(&mut child)?;
    let bytes = reader
        .join()
        .map_err(|_| "the reader of a program's output stopped".to_owned())?
        .map_err(|error| format!("cannot read the output of `{}`: {error}", line(command)))?;
    if !status.success() {
        return Err(format!("`{}` failed ({status})", line(command)));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether a program runs and ends well; nothing is shown.
pub fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// What a program prints, if it runs and ends well; nothing is shown.
pub fn answer(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Waits for a program's end, or ends it when we are asked to stop.
pub fn wait(child: &mut Child) -> Outcome<ExitStatus> {
    loop {
        if let Some(status) = look(child)? {
            return if stop::received().is_some() { Err("stopped".to_owned()) } else { Ok(status) };
        }
        if stop::received().is_some() {
            end(child);
            return Err("stopped".to_owned());
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// A program's end, if it has come.
pub fn look(child: &mut Child) -> Outcome<Option<ExitStatus>> {
    child.try_wait().map_err(|error| format!("cannot wait for a program: {error}"))
}

/// Ends a program: asked first, unless Ctrl-C has asked it already; killed when it does not go.
pub fn end(child: &mut Child) {
    if stop::received() != Some(Stop::All) {
        ask_to_end(child);
    }
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(LOOK_EVERY);
    }
    // Both fail only when the program has just ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

fn ask_to_end(child: &mut Child) {
    // The standard library knows only SIGKILL; where there is no `kill` program, that has to do.
    if !succeeds(Command::new("kill").args(["-TERM", &child.id().to_string()])) {
        let _ = child.kill();
    }
}

/// The command as a person would type it, without the folder of the program.
pub fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
