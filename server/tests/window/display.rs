//! A display without a screen, and windows on it: started, typed into, looked at.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rookery_client::Profile;

/// How long a window may take until it is there.
const PATIENCE: Duration = Duration::from_secs(60);

/// Xvfb, on a number that is free.
pub struct Display {
    child: Child,
    name: String,
}

impl Display {
    pub fn start() -> Self {
        let mut child = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "2200x800x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts: `cargo xtask test` installs it");
        let mut number = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self { child, name: format!(":{}", number.trim()) }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The desktop client of one person, with a profile of its own.
pub struct Window {
    child: Child,
    display: String,
    id: String,
}

impl Window {
    /// Opens it for somebody who signed in there before, or for nobody yet, and waits until it is there.
    pub fn open(display: &Display, folder: &Path, url: &str, name: &str, mode: &str) -> Self {
        let home = folder.join("windows").join(name);
        let profile = loop {
            // A window that was just killed still holds its lock for a moment.
            match Profile::open_in(&home.join("rookery"), "default") {
                Ok(profile) => break profile,
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        if profile.session().is_none() {
            let settings = serde_json::json!({ "mode": mode, "note_read": true });
            fs::write(profile.folder().join("window.json"), settings.to_string()).unwrap();
        }
        drop(profile);
        let child = Command::new(program())
            .args(["--software", "--server", url])
            .env("DISPLAY", &display.name)
            .env("XDG_STATE_HOME", &home)
            .env("HOME", &home)
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .spawn()
            .expect("the desktop client starts");
        let mut window = Self { child, display: display.name.clone(), id: String::new() };
        let started = Instant::now();
        while window.id.is_empty() {
            assert!(started.elapsed() < PATIENCE, "no window of {name} came up");
            std::thread::sleep(Duration::from_millis(50));
            let found = window.ask(&["search", "--onlyvisible", "--pid", &window.child.id().to_string()]);
            window.id = found.lines().next_back().unwrap_or_default().to_owned();
        }
        let left = if mode == "dark" { "0" } else { "1100" };
        window.ask(&["windowsize", "--sync", &window.id, "1000", "700"]);
        window.ask(&["windowmove", "--sync", &window.id, left, "0"]);
        window
    }

    /// Presses a key, or some together.
    pub fn press(&self, keys: &str) {
        self.ask(&["windowfocus", "--sync", &self.id]);
        self.ask(&["key", keys]);
    }

    /// Types. Nobody manages windows here, so that the focus has to be given.
    pub fn type_text(&self, text: &str) {
        self.ask(&["windowfocus", "--sync", &self.id]);
        self.ask(&["type", "--delay", "12", text]);
    }

    /// Types a line and presses Enter.
    pub fn type_line(&self, text: &str) {
        self.type_text(text);
        self.press("Return");
    }

    /// Clicks somewhere in it.
    pub fn click(&self, x: u32, y: u32) {
        self.ask(&["mousemove", "--window", &self.id, &x.to_string(), &y.to_string(), "click", "1"]);
    }

    /// Keeps a picture of it, which must show something.
    pub fn picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.test/pictures");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.png"));
        let path = file.to_string_lossy().into_owned();
        let taken = Command::new("import").args(["-display", &self.display, "-window", &self.id, &path]).status();
        assert!(taken.unwrap().success(), "no picture of the window");
        let colors = Command::new("identify").args(["-format", "%k", &path]).output().unwrap();
        let colors: u32 = String::from_utf8_lossy(&colors.stdout).trim().parse().unwrap();
        assert!(colors > 100, "{path} has {colors} colours: the window is empty");
    }

    fn ask(&self, words: &[&str]) -> String {
        let answer = Command::new("xdotool").args(words).env("DISPLAY", &self.display).output();
        String::from_utf8_lossy(&answer.expect("xdotool runs: `cargo xtask test` installs it").stdout).into_owned()
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program lies beside the server's; a run of all tests builds both.
fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_rookery-server")).with_file_name("rookery");
    assert!(program.exists(), "{} is not built: run `cargo build --workspace`", program.display());
    program
}
