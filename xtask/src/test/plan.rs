//! Which parts of the tests to run.

use crate::Outcome;

/// What was asked for on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The code's form: rustfmt and clippy.
    pub lint: bool,
    /// The protocol's form and its past.
    pub buf: bool,
    /// The browser client's form and tests, and its build.
    pub web: bool,
    /// All tests in Rust, with what they call.
    pub rust: bool,
    /// The play in browsers, from one end to the other.
    pub browser: bool,
    /// Names of Rust tests; empty: all.
    pub filters: Vec<String>,
    /// For `cargo test`, in place of --workspace.
    pub flags: Vec<String>,
}

impl Plan {
    /// Reads the command line. A word that is no part's name filters the Rust tests.
    pub fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut plan = Plan::default();
        let mut words = arguments.iter();
        for word in words.by_ref() {
            match word.as_str() {
                "lint" => plan.lint = true,
                "buf" => plan.buf = true,
                "web" => plan.web = true,
                "rust" => plan.rust = true,
                "browser" => plan.browser = true,
                "--" => break,
                flag if flag.starts_with('-') => {
                    return Err(format!("{flag} is no flag of this task; flags for `cargo test` go behind --"));
                }
                filter => plan.filters.push(filter.to_owned()),
            }
        }
        plan.flags = words.cloned().collect();
        if !plan.filters.is_empty() || !plan.flags.is_empty() {
            plan.rust = true;
        }
        if !(plan.lint || plan.buf || plan.web || plan.rust || plan.browser) {
            (plan.lint, plan.buf, plan.web, plan.rust, plan.browser) = (true, true, true, true, true);
        }
        Ok(plan)
    }

    /// The steps in their order, to name those that a failure leaves out.
    pub fn steps(&self) -> Vec<&'static str> {
        let all = [
            ("format", self.lint),
            ("tools", self.rust || self.buf || self.browser),
            ("buf lint", self.buf),
            ("buf breaking", self.buf),
            ("web", self.web),
            ("clippy", self.lint),
            ("build to fail", self.rust),
            ("build", self.rust),
            ("database", self.rust),
            ("tests", self.rust),
            ("browser", self.browser),
        ];
        all.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| name).collect()
    }

    /// All packages, unless the flags choose.
    pub fn packages(&self) -> Option<&'static str> {
        self.flags.is_empty().then_some("--workspace")
    }

    /// The flags up to a second `--`: what follows is for the test programs, not for cargo.
    pub fn flags_of_cargo(&self) -> impl Iterator<Item = &String> {
        self.flags.iter().take_while(|flag| *flag != "--")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Plan {
        Plan::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn nothing_named_means_everything() {
        let plan = parse("");
        assert!(plan.lint && plan.buf && plan.web && plan.rust && plan.browser);
        assert_eq!(plan.packages(), Some("--workspace"));
    }

    #[test]
    fn a_part_runs_alone() {
        assert_eq!(parse("buf"), Plan { buf: true, ..Plan::default() });
        assert_eq!(parse("lint").steps(), ["format", "clippy"]);
        assert_eq!(parse("web browser").steps(), ["tools", "web", "browser"]);
    }

    #[test]
    fn another_word_filters_the_rust_tests() {
        assert_eq!(parse("a_kicked"), Plan { rust: true, filters: vec!["a_kicked".into()], ..Plan::default() });
    }

    #[test]
    fn flags_go_to_cargo() {
        let plan = parse("-- -p rookery-server --test tidy -- --nocapture");
        assert!(plan.rust && !plan.lint);
        assert_eq!(plan.packages(), None);
        assert_eq!(plan.flags_of_cargo().last().map(String::as_str), Some("tidy"));
    }

    #[test]
    fn an_unknown_flag_is_refused() {
        assert!(Plan::parse(&["--fast".to_owned()]).is_err());
    }
}
